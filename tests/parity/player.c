// SPDX-License-Identifier: MIT
/* player.c: reads the programs and compares the answers.
 *
 * Owns:       nothing.
 * Invariants: both sides see the same words and the same ports.
 * Not here:   what the words do (kernel.c, library.c). */
#include "player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

long player_number(const struct player_step *step, const char *word)
{
    if (word[0] == 'P' && word[1] >= '1' && word[1] <= '9')
        return step->ports[word[1] - '0'];
    return strtol(word, NULL, 10);
}

size_t player_text(const char *word, char *out, size_t size)
{
    size_t bytes = word[0] == '@' ? (size_t)strtol(word + 1, NULL, 10) : strlen(word);
    if (strcmp(word, "-") == 0)
        bytes = 0;
    assert_true(bytes <= size);
    for (size_t i = 0; i < bytes; i++)
        out[i] = word[0] == '@' ? (char)('a' + i % 26) : word[i];
    return bytes;
}

void player_show_data(char *out, const char *data, size_t size)
{
    if (size > 40)
        (void)snprintf(out, PLAYER_ANSWER, "%zu bytes", size);
    else
        (void)snprintf(out, PLAYER_ANSWER, "\"%.*s\"", (int)size, data);
}

void player_show_address(const struct player_step *step, char *out, size_t size, const char *address, uint16_t port)
{
    const char *name = port == 0 ? "0" : "*";
    char known[4];
    for (int i = 1; i < PLAYER_PORTS; i++) {
        if (port == 0 || step->ports[i] != port)
            continue;
        (void)snprintf(known, sizeof(known), "P%d", i);
        name = known;
    }
    (void)snprintf(out, size, "%s %s", address, name);
}

static void step_parse(struct player_step *step, const char *line)
{
    char *save = NULL;
    assert_true(strlen(line) < sizeof(step->line));
    strcpy(step->line, line);
    step->words = 0;
    for (char *word = strtok_r(step->line, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        assert_true(step->words < PLAYER_WORDS);
        step->word[step->words++] = word;
    }
    assert_true(step->words >= 2);
}

void player_run(const char *const *program)
{
    struct player_side kernel, library;
    struct player_step step = {{0}, {0}, 0, {0}};
    char heard[PLAYER_ANSWER], said[PLAYER_ANSWER], expected[2 * PLAYER_ANSWER], got[2 * PLAYER_ANSWER];
    bool differs = false;
    kernel_free_ports(step.ports + 1, PLAYER_PORTS - 1);
    kernel_side_new(&kernel);
    library_side_new(&library);
    for (; *program != NULL; program++) {
        if (strncmp(*program, "# ", 2) == 0) { /* a known difference: library | kernel */
            (void)snprintf(expected, sizeof(expected), "%s", *program + 2);
            differs = true;
            continue;
        }
        heard[0] = said[0] = '\0';
        step_parse(&step, *program);
        library.step(library.state, &step, said);
        kernel.step(kernel.state, &step, heard);
        (void)snprintf(got, sizeof(got), "%s | %s", said, heard);
        if (getenv("PARITY_SHOW") != NULL)
            print_message("# %-40s %s\n", *program, got);
        if (differs ? strcmp(got, expected) != 0 : strcmp(said, heard) != 0)
            fail_msg("%s: library: %s, kernel: %s", *program, said, heard);
        differs = false;
    }
    kernel_side_free(&kernel);
    library_side_free(&library);
}
