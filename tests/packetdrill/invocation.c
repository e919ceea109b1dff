// SPDX-License-Identifier: MIT
/* invocation.c: the addresses and the MTU of the wire.
 *
 * packetdrill hands a library nothing of its configuration, but the size of segments and an unbound connect depend on
 * it. So it is looked up where packetdrill found it: in the words of its command line, in the lines of the script that
 * begin with --, and first of all in --so_flags, where whoever runs it can say what is meant. */
#include "adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned bits_of_netmask(const struct tcpip_address *mask)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < mask->len; i++)
        bits += (unsigned)__builtin_popcount(mask->bytes[i]);
    return bits;
}

static void take_address(struct invocation *out, const char *text)
{
    struct tcpip_address address;
    if (tcpip_address_parse(text, &address) != TCPIP_OK)
        return;
    *(address.len == 4 ? &out->local4 : &out->local6) = address;
}

/* One word, "--mtu=1280"; others are none of ours. */
static void take_word(struct invocation *out, const char *word)
{
    struct tcpip_address mask;
    if (strncmp(word, "--mtu=", 6) == 0)
        out->mtu = (uint32_t)strtoul(word + 6, NULL, 10);
    else if (strncmp(word, "--local_ip=", 11) == 0)
        take_address(out, word + 11);
    else if (strncmp(word, "--netmask_ip=", 13) == 0 && tcpip_address_parse(word + 13, &mask) == TCPIP_OK)
        out->bits4 = bits_of_netmask(&mask);
}

static void take_words(struct invocation *out, char *text)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\n", &rest); word != NULL; word = strtok_r(NULL, " \t\n", &rest))
        take_word(out, word);
}

static void take_script(struct invocation *out, const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "--", 2) == 0)
            take_words(out, line);
    }
    fclose(file);
}

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

static void take_command_line(struct invocation *out)
{
    char *word = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/cmdline", "re");
    if (file == NULL)
        return;
    while (getdelim(&word, &room, '\0', file) > 0) {
        take_word(out, word);
        if (ends_in(word, ".pkt"))
            take_script(out, word);
    }
    free(word);
    fclose(file);
}

void invocation_read(const char *flags, struct invocation *out)
{
    *out = (struct invocation){
        .local4 = tcpip_address_v4(192, 168, 0, 1),
        .bits4 = 16,
        .bits6 = 64,
        .mtu = 1500,
    };
    if (tcpip_address_parse("fd3d:0a0b:17d6::1", &out->local6) != TCPIP_OK)
        adapter_fail("address", "IPv6");
    take_command_line(out);
    if (flags != NULL) {
        char *words = strdup(flags);
        if (words == NULL)
            adapter_fail("flags", "out of memory");
        take_words(out, words);
        free(words);
    }
}
