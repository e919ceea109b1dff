// SPDX-License-Identifier: MIT
/* main.c: runs every scenario on both sides and compares: TAP, one result for each.
 *
 *     tcpip-parity-tcp [FILTER]          scenarios whose names contain FILTER
 *     tcpip-parity-tcp --steps 'STEPS'   one of one's own, all results shown
 *     tcpip-parity-tcp --walks N [SEED]  N random ones
 *
 * Where both answer alike the result is ok. A difference is looked at again, with more patience for the kernel, before
 * it is one.
 *
 * Owns:     nothing.
 * Not here: what is asked (scenarios.c, walk.c). */
#include "parity.h"
#include "platform/netns.h"
#include "settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_FIRST = 1024, PORT_LAST = 32000, PATIENCE_US = 200, MORE_PATIENCE_US = 20000 };

struct results {
    char lines[PARITY_STEPS][PARITY_RESULT];
};

static unsigned next_port = PORT_FIRST;

static void play(struct side *side, const struct step *steps, int count, struct results *out)
{
    /* Ports that no scenario had since the namespace was made. */
    if (next_port + 10 > PORT_LAST) {
        struct tcpip_system_error why;
        if (tcpip__netns_enter(&why) != TCPIP_OK)
            exit(1);
        kernel_settle_anew();
        next_port = PORT_FIRST;
    }
    side->begin(side, next_port);
    for (int i = 0; i < count; i++)
        side->step(side, &steps[i], out->lines[i]);
    side->end(side);
}

static int first_difference(const struct results *a, const struct results *b, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(a->lines[i], b->lines[i]) != 0)
            return i;
    return -1;
}

static void show(const struct step *steps, int count, const struct results *kernel, const struct results *library)
{
    for (int i = 0; i < count; i++) {
        char text[PARITY_WORDS * (PARITY_WORD + 1)] = "";
        for (int word = 0; word < PARITY_WORDS && steps[i].words[word][0] != 0; word++) {
            strcat(text, word > 0 ? " " : "");
            strcat(text, steps[i].words[word]);
        }
        bool same = strcmp(kernel->lines[i], library->lines[i]) == 0;
        printf("# %c %-24s %-28s %s\n", same ? ' ' : '!', text, kernel->lines[i], same ? "" : library->lines[i]);
    }
}

/* 0: alike; 1: not; 2: not a scenario. */
static int compare(const char *text, bool always_show)
{
    static struct step steps[PARITY_STEPS];
    static struct results kernel, library;
    char why[128];
    int count = steps_parse(text, steps, why, sizeof(why));
    if (count < 0) {
        printf("# %s\n", why);
        return 2;
    }
    play(library_side(), steps, count, &library);
    kernel_set_patience(PATIENCE_US);
    play(kernel_side(), steps, count, &kernel);
    next_port += 10;
    if (first_difference(&kernel, &library, count) >= 0) {
        kernel_set_patience(MORE_PATIENCE_US);
        play(kernel_side(), steps, count, &kernel);
        next_port += 10;
    }
    bool same = first_difference(&kernel, &library, count) < 0;
    if (!same || always_show)
        show(steps, count, &kernel, &library);
    fflush(stdout);
    return same ? 0 : 1;
}

static int walks(long count, uint64_t seed)
{
    char text[2048];
    int failed = 0;
    printf("1..%ld\n", count);
    for (long i = 1; i <= count; i++, seed++) {
        walk_make(seed, text, sizeof(text));
        bool same = compare(text, false) == 0;
        printf("%sok %ld - walk_%llu\n", same ? "" : "not ", i, (unsigned long long)seed);
        if (!same)
            printf("# repeat: tcpip-parity-tcp --walks 1 %llu\n", (unsigned long long)seed);
        failed += !same;
    }
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct tcpip_system_error why;
    if (tcpip__netns_enter(&why) != TCPIP_OK) {
        printf("1..0 # SKIP %s\n", why.text);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "--steps") == 0)
        return compare(argv[2], true);
    if (argc > 2 && strcmp(argv[1], "--walks") == 0)
        return walks(strtol(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    int failed = 0, number = 0;
    for (size_t i = 0; i < parity_scenario_count; i++)
        number += argc < 2 || strstr(parity_scenarios[i].name, argv[1]) != NULL;
    printf("1..%d\n", number);
    number = 0;
    for (size_t i = 0; i < parity_scenario_count; i++) {
        const struct scenario *scenario = &parity_scenarios[i];
        if (argc > 1 && strstr(scenario->name, argv[1]) == NULL)
            continue;
        bool same = compare(scenario->steps, false) == 0;
        printf("%sok %d - %s\n", same ? "" : "not ", ++number, scenario->name);
        failed += !same;
    }
    return failed != 0;
}
