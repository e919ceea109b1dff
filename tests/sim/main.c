// SPDX-License-Identifier: MIT
/* main.c: the simulator's command line; `tcpip sim --help` is its manual.
 *
 * Not here: what a seed is (plan.c), running one or many (run.c), making one smaller (shrink.c). */
#include "command.h"
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SEEDS_TAP = 300,
    SEEDS_LONG = 10000,
    PLANT_SEEDS = 20, /* one of these must report a planted bug */
};

static const char help_text[] =
    "Worlds from seeds: hosts, links, faults and programs in virtual time, and what must hold of them.\n"
    "\n"
    "  tcpip sim --seeds 1-1000 -j 2\n"
    "      a thousand worlds on two cores; a line and a command for each that fails\n"
    "  tcpip sim --seed 7 --trace --pcap 7.pcapng\n"
    "      one, with all that happens in it, and all packets\n"
    "  tcpip sim --seed 7 --shrink\n"
    "      takes away whatever isn't needed for the failure of seed 7, and shows what is left\n"
    "\n"
    "Usage: tcpip sim --seeds FROM-TO | --seed N | --tap [OPTION]...\n"
    "\n"
    "  -j N                  seeds at a time (default 1)\n"
    "  --trace               the plan, and every event of every host\n"
    "  --pcap FILE           what passed all NICs, as pcapng\n"
    "  --keep DIR            trace and capture of the first failures, DIR/seed-N.trace and .pcapng\n"
    "  --shrink              look for a smaller world that fails in the same way\n"
    "  --cut WHAT:WHICH,...  a smaller world: without fault:NAME, flow:N, gram:N, change:N (of the trace's\n"
    "                        list), options:N, habits:N, with half the bytes:0 or in half the time:0\n"
    "  --without FAULT,...   faults that aren't drawn: another world, in which they don't exist\n"
    "  --two-hosts           no more than two hosts and a wire\n"
    "  --flows I,...         only these connections\n"
    "  --twice               run every seed twice, which must do the same (else every tenth)\n"
    "  --plant BUG           a bug on purpose, to be found: flip, forget, leak, wake, clock\n"
    "  --tap                 the test of the build: some hundred seeds, with CHECK_LONG in the environment\n"
    "                        10,000, and all planted bugs\n"
    "\n"
    "The last line is 'N seeds, M failed'. Exit status: 0 none failed, 1 some did, 2 the command line was wrong.\n";

static void usage(const char *word)
{
    fprintf(stderr, "tcpip sim: %s? 'tcpip sim --help' has examples and all options\n", word);
    exit(2);
}

/* ---- planted bugs ---- */

/* Is each found, within some seeds? A judge that sees nothing is no judge. */
static uint32_t planted_bugs(const struct run *run)
{
    uint32_t missed = 0;
    for (uint32_t plant = 1; plant < SIM_PLANT_COUNT; plant++) {
        struct run planted = *run;
        struct run_result result = {.failed = false};
        planted.sim.plant = plant;
        planted.twice = true;
        for (uint64_t seed = 1; seed <= PLANT_SEEDS && !result.failed; seed++)
            result = run_apart(&planted, seed);
        missed += !result.failed;
        printf("%s - the planted bug '%s' is found\n", result.failed ? "ok" : "not ok", sim_plant_name(plant));
        if (result.failed)
            printf("# %.*s\n", (int)strcspn(result.what, "\n"), result.what);
        fflush(stdout);
    }
    return missed;
}

/* ---- arguments ---- */

static uint32_t parse_faults(const char *text)
{
    uint32_t faults = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        uint32_t i = 0;
        while (i < PLAN_FAULT_COUNT &&
               (strlen(plan_fault_name(i)) != length || strncmp(plan_fault_name(i), text, length) != 0))
            i++;
        if (i == PLAN_FAULT_COUNT)
            usage(text);
        faults |= 1u << i;
        text += length + (text[length] == ',' ? 1 : 0);
    }
    return faults;
}

static uint64_t parse_flows(const char *text)
{
    uint64_t flows = 0;
    for (char *end; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        unsigned long flow = strtoul(text, &end, 10);
        if (end == text || flow >= PLAN_FLOWS_MAX)
            usage(text);
        flows |= (uint64_t)1 << flow;
    }
    return flows;
}

static uint64_t parse_number(const char *text, char after, const char **rest)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end != after)
        usage(text);
    if (rest != NULL)
        *rest = end + 1;
    return number;
}

static uint32_t parse_plant(const char *text)
{
    for (uint32_t i = 1; i < SIM_PLANT_COUNT; i++)
        if (strcmp(sim_plant_name(i), text) == 0)
            return i;
    usage(text);
    return 0;
}

/* A word that stands alone; false: it isn't one. */
static bool parse_flag(struct run *run, const char *word)
{
    if (strcmp(word, "--tap") == 0) {
        run->tap = true;
        run->from = 1;
        run->to = getenv("CHECK_LONG") != NULL ? SEEDS_LONG : SEEDS_TAP;
    } else if (strcmp(word, "--trace") == 0) {
        run->sim.trace = true;
    } else if (strcmp(word, "--twice") == 0) {
        run->twice = true;
    } else if (strcmp(word, "--two-hosts") == 0) {
        run->two_hosts = true;
    } else if (strcmp(word, "--shrink") == 0) {
        run->shrink = true;
    } else {
        return false;
    }
    return true;
}

static void parse_valued(struct run *run, const char *word, const char *value)
{
    const char *rest;
    if (value == NULL) {
        usage(word);
    } else if (strcmp(word, "--seeds") == 0) {
        run->from = parse_number(value, '-', &rest);
        run->to = parse_number(rest, '\0', NULL);
    } else if (strcmp(word, "--seed") == 0) {
        run->from = run->to = parse_number(value, '\0', NULL);
        run->one = true;
    } else if (strcmp(word, "-j") == 0) {
        uint64_t jobs = parse_number(value, '\0', NULL);
        run->jobs = jobs < 1 ? 1 : jobs > RUN_JOBS_MAX ? RUN_JOBS_MAX : (uint32_t)jobs;
    } else if (strcmp(word, "--without") == 0) {
        run->sim.without |= parse_faults(value);
    } else if (strcmp(word, "--flows") == 0) {
        run->sim.flows = parse_flows(value);
    } else if (strcmp(word, "--cut") == 0) {
        if (!cuts_parse(&run->cuts, value))
            usage(value);
    } else if (strcmp(word, "--plant") == 0) {
        run->sim.plant = parse_plant(value);
    } else if (strcmp(word, "--keep") == 0) {
        run->keep = value;
    } else if (strcmp(word, "--pcap") == 0) {
        run->sim.pcap = fopen(value, "wb");
        if (run->sim.pcap == NULL) {
            perror(value);
            exit(2);
        }
    } else {
        usage(word);
    }
}

static void parse(struct run *run, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help_text, stdout);
            exit(0);
        }
        if (!parse_flag(run, argv[i])) {
            parse_valued(run, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        }
    }
    if (run->to == 0 || run->to < run->from)
        usage("which seeds");
}

/* ---- what was asked for ---- */

static bool run_one(struct run *run)
{
    if (run->shrink && !run_shrink(run, run->from))
        return false;
    struct run_result result = run->shrink ? run_apart(run, run->from) : run_here(run, run->from);
    if (run->sim.pcap != NULL)
        fclose(run->sim.pcap);
    run_tell(run, run->from, &result);
    return result.failed;
}

int sim_main(int argc, char **argv)
{
    char program[256];
    struct run run = {.program = program, .jobs = 1, .sim = {.flows = UINT64_MAX}};
    snprintf(program, sizeof(program), "%s", strcmp(argv[0], "sim") == 0 ? "build/tcpip sim" : argv[0]);
    parse(&run, argc, argv);
    if (run.one) { /* in this process, for a debugger; what failed isn't taken down */
        bool failed = run_one(&run);
        printf("1 seeds, %d failed\n", failed);
        fflush(stdout);
        _exit(failed);
    }
    uint64_t seeds = run.to - run.from + 1, failed = 0;
    if (run.tap) {
        printf("1..%" PRIu64 "\n", seeds + SIM_PLANT_COUNT - 1);
        failed = planted_bugs(&run);
    }
    failed += run_all(&run);
    printf("%s%" PRIu64 " seeds, %" PRIu64 " failed\n", run.tap ? "# " : "", seeds, failed);
    return failed > 0;
}
