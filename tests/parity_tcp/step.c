// SPDX-License-Identifier: MIT
/* step.c: the language of scenarios, and results as text.
 *
 * Owns:     nothing.
 * Not here: what a step does (kernel.c, library.c). */
#include "parity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text;
} addresses[] = {
    {"lo", "127.0.0.1"},
    {"lo2", "127.0.0.2"},
    {"any", "0.0.0.0"},
    {"far", "192.0.2.1"},
    {"lo6", "::1"},
    {"any6", "::"},
    {"far6", "2001:db8::1"},
    {"multi", "224.0.0.1"},
    {"broad", "255.255.255.255"},
    {"lom", "::ffff:127.0.0.1"},
    {"anym", "::ffff:0.0.0.0"},
};

static bool step_parse(const char *text, size_t size, struct step *out)
{
    size_t at = 0;
    memset(out, 0, sizeof(*out));
    out->who = -1;
    for (int i = 0; at < size;) {
        while (at < size && (text[at] == ' ' || text[at] == '\n'))
            at++;
        size_t begin = at;
        while (at < size && text[at] != ' ' && text[at] != '\n')
            at++;
        if (at == begin)
            break;
        if (i == PARITY_WORDS || at - begin >= PARITY_WORD)
            return false;
        memcpy(out->words[i++], text + begin, at - begin);
        out->number = strtol(out->words[i - 1], NULL, 10);
    }
    if (out->words[1][0] >= 'a' && out->words[1][0] < 'a' + PARITY_SOCKETS && out->words[1][1] == 0)
        out->who = out->words[1][0] - 'a';
    return out->words[0][0] != 0 && (out->who >= 0 || step_is(out, "wait"));
}

int steps_parse(const char *text, struct step *out, char *why, size_t why_size)
{
    int count = 0;
    while (*text != 0) {
        size_t size = strcspn(text, ";");
        bool blank = strspn(text, " \n") >= size;
        if (!blank && (count == PARITY_STEPS || !step_parse(text, size, &out[count++]))) {
            snprintf(why, why_size, "step '%.*s'", (int)size, text);
            return -1;
        }
        text += size + (text[size] == ';' ? 1 : 0);
    }
    return count;
}

bool step_is(const struct step *step, const char *operation)
{
    return strcmp(step->words[0], operation) == 0;
}

const char *address_of(const char *name)
{
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        if (strcmp(addresses[i].name, name) == 0)
            return addresses[i].text;
    return NULL;
}

const char *result_name(int number)
{
    return number == 0 ? "0" : strerrorname_np(number);
}

void result_number(char *out, long number)
{
    snprintf(out, PARITY_RESULT, "%ld", number);
}

void result_error(char *out, int number)
{
    snprintf(out, PARITY_RESULT, "%s", result_name(number));
}

void result_events(char *out, unsigned events)
{
    static const struct {
        unsigned bit;
        const char *name;
    } bits[] = {{0x1, "IN"}, {0x4, "OUT"}, {0x8, "ERR"}, {0x10, "HUP"}, {0x2000, "RDHUP"}};
    size_t at = 0;
    out[0] = '-';
    out[1] = 0;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (events & bits[i].bit)
            at += (size_t)snprintf(out + at, PARITY_RESULT - at, "%s%s", at == 0 ? "" : "|", bits[i].name);
}

void result_address(char *out, const char *text, unsigned port, unsigned port_base)
{
    if (port == 0)
        snprintf(out, PARITY_RESULT, "%s 0", text);
    else if (port > port_base && port < port_base + 10)
        snprintf(out, PARITY_RESULT, "%s %u", text, port - port_base);
    else
        snprintf(out, PARITY_RESULT, "%s e", text);
}
