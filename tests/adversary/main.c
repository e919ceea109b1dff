// SPDX-License-Identifier: MIT
/* main.c: adversary [--whole] [--count] [--rows] [--only PREFIX]: every attack, as a test that speaks TAP.
 *
 * Without options each attack goes as far as make check has time for; --whole is what table.txt tells of. --rows prints
 * a line of the table per attack besides; --count plays few packets of each, for run.py to count instructions.
 *
 * Owns:     the list of families.
 * Not here: the table itself (run.py). */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct attack *const main_families[] = {attacks_flood,    attacks_blind,    attacks_hoard, attacks_segment,
                                                     attacks_fragment, attacks_neighbor, attacks_table, attacks_path,
                                                     attacks_reflect,  attacks_spoof};

struct choice {
    enum bench_scale scale;
    const char *only;
    bool rows, list;
};

static void main_row(const struct bench *bench)
{
    char opened[32] = "-", echoed[48] = "-";
    uint64_t wanted = 0, got = 0;
    for (uint32_t i = 0; i < bench->flow_count; i++) {
        wanted += bench->flows[i].wanted;
        got += bench->flows[i].echoed;
    }
    if (bench->connects_begun > 0)
        snprintf(opened, sizeof(opened), "%u/%u", bench->connects_good, bench->connects_begun);
    if (bench->flow_count > 0)
        snprintf(echoed, sizeof(echoed), "%llu/%llu", (unsigned long long)got / 1000,
                 (unsigned long long)wanted / 1000);
    printf("# row %s|%s|%llu|%.2f|%llu|%llu|%llu|%.3f|%.3f|%s|%s\n", bench->name, bench->what,
           (unsigned long long)bench->in_packets, (double)bench->took_ns / 1e9,
           (unsigned long long)bench->memory_before / 1000, (unsigned long long)bench->memory_peak / 1000,
           (unsigned long long)(bench->memory_before + bench->memory_bound) / 1000,
           (double)bench_packets_ratio(bench) / 1000, (double)bench_bytes_ratio(bench) / 1000, opened, echoed);
    printf("# measured %llu\n", (unsigned long long)bench->measured);
}

static bool main_play(const struct attack *attack, unsigned number, const struct choice *choice)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    if (bench == NULL)
        abort();
    bench->scale = choice->scale;
    bench->name = attack->name;
    bench->what = attack->what;
    attack->run(bench);
    bool good = bench->failure[0] == 0;
    printf("%s %u - %s: %s\n", good ? "ok" : "not ok", number, attack->name, attack->what);
    if (!good)
        printf("# %s\n# repeat: build/tests/adversary/adversary --only %s\n", bench->failure, attack->name);
    if (choice->rows)
        main_row(bench);
    fflush(stdout);
    free(bench);
    return good;
}

static bool main_wanted(const struct attack *attack, const struct choice *choice)
{
    return choice->only == NULL || strncmp(attack->name, choice->only, strlen(choice->only)) == 0;
}

int main(int argc, char **argv)
{
    struct choice choice = {.scale = BENCH_SLICE};
    unsigned count = 0, number = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--whole") == 0)
            choice.scale = BENCH_WHOLE;
        else if (strcmp(argv[i], "--count") == 0)
            choice.scale = BENCH_COUNT;
        else if (strcmp(argv[i], "--rows") == 0)
            choice.rows = true;
        else if (strcmp(argv[i], "--list") == 0)
            choice.list = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            choice.only = argv[++i];
        else
            return fprintf(stderr, "usage: adversary [--whole|--count] [--rows] [--list] [--only PREFIX]\n"), 2;
    }
    for (size_t i = 0; i < sizeof(main_families) / sizeof(main_families[0]); i++)
        for (const struct attack *attack = main_families[i]; attack->name != NULL; attack++) {
            count += main_wanted(attack, &choice);
            if (choice.list)
                puts(attack->name);
        }
    if (choice.list)
        return 0;
    printf("1..%u\n", count);
    for (size_t i = 0; i < sizeof(main_families) / sizeof(main_families[0]); i++)
        for (const struct attack *attack = main_families[i]; attack->name != NULL; attack++)
            if (main_wanted(attack, &choice) && !main_play(attack, ++number, &choice))
                failed++;
    return failed > 0;
}
