// SPDX-License-Identifier: MIT
/* main.c: runs seeds.
 *
 *   sim --seeds FROM-TO             'N seeds, M failed', after a line and a command for each that failed
 *   sim --seed N [--trace] [--pcap FILE [--pcap-host 0|1]]
 *   sim --tap                       the test of the build: some hundred seeds; with CHECK_LONG in the environment,
 * 10,000
 *   ... [--without FAULT,...] [--flows I,...]   to see what a failure needs: faults off, only these connections
 *   ... [--with move]               seeds move hosts, too, which they don't unless they are asked to
 *   ... [--twice]                   every seed is run twice, and must do the same; else every tenth is
 *
 * Seeds run in a child process, so that one that crashes or hangs is one failure: what it was doing stands in shared
 * memory, and the next child goes on behind it. */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SECONDS_MAX = 120, /* of the machine's time for one seed: it hangs */
    SEEDS_TAP = 300,
    SEEDS_LONG = 10000,
    TWICE_EVERY = 10,
};

struct arguments {
    uint64_t from, to;
    bool tap, twice, one;
    const char *program;
    struct sim_options sim;
};

/* Between parent and child. */
struct shared {
    uint64_t seed; /* running, or done with */
    uint64_t failed;
    bool finished; /* this seed's result has been told */
};

static void usage(void)
{
    fprintf(stderr, "usage: sim --seeds FROM-TO | --seed N [--trace] [--pcap FILE] | --tap; see the head of main.c\n");
    exit(2);
}

/* ---- one seed ---- */

static uint64_t run_once(const struct arguments *arguments, uint64_t seed, char *what)
{
    struct plan *plan = malloc(sizeof(*plan));
    struct sim *sim = malloc(sizeof(*sim));
    plan_make(plan, seed, arguments->sim.without);
    if (arguments->sim.trace)
        plan_print(plan);
    sim_init(sim, plan, &arguments->sim);
    sim_run(sim);
    if (!sim->failed)
        sim_fini(sim);
    if (sim->failed)
        snprintf(what, SIM_WHAT_MAX, "%s", sim->what);
    uint64_t hash = sim->hash;
    if (arguments->one && !sim->failed)
        printf("# %.6f s, %" PRIu64 " rounds, %" PRIu64 "+%" PRIu64 " packets, %" PRIu64 " bytes, hash %016" PRIx64
               "\n",
               (double)sim->now / 1e9, sim->steps, sim->hosts[0].packets_out, sim->hosts[1].packets_out,
               sim->bytes_read, hash);
    if (sim->failed) { /* what it held is given up with the child */
        static struct sim *kept;
        kept = sim;
        (void)kept;
        return hash;
    }
    free(sim);
    free(plan);
    return hash;
}

/* what: why it failed; empty: it didn't. */
static void run_seed(const struct arguments *arguments, uint64_t seed, char *what)
{
    what[0] = '\0';
    uint64_t hash = run_once(arguments, seed, what);
    if (what[0] != '\0' || !(arguments->twice || seed % TWICE_EVERY == 0) || arguments->sim.trace)
        return;
    uint64_t again = run_once(arguments, seed, what);
    if (what[0] == '\0' && again != hash)
        snprintf(what, SIM_WHAT_MAX, "the second run of the same seed was another: %016" PRIx64 ", %016" PRIx64, hash,
                 again);
}

static void tell(const struct arguments *arguments, uint64_t seed, const char *what)
{
    uint64_t number = seed - arguments->from + 1;
    if (what[0] == '\0') {
        if (arguments->tap)
            printf("ok %" PRIu64 " - seed %" PRIu64 "\n", number, seed);
        return;
    }
    if (arguments->tap)
        printf("not ok %" PRIu64 " - seed %" PRIu64 "\n", number, seed);
    else
        printf("seed %" PRIu64 " failed\n", seed);
    for (const char *line = what; *line != '\0';) {
        int length = (int)strcspn(line, "\n");
        printf("# %.*s\n", length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    printf("# repeat: %s --seed %" PRIu64 " --trace\n", arguments->program, seed);
}

/* ---- children ---- */

static void child(const struct arguments *arguments, struct shared *shared)
{
    char what[SIM_WHAT_MAX];
    uint64_t first = shared->seed;
    for (uint64_t seed = first; seed <= arguments->to; seed++) {
        shared->seed = seed;
        shared->finished = false;
        alarm(SECONDS_MAX);
        run_seed(arguments, seed, what);
        tell(arguments, seed, what);
        fflush(stdout);
        shared->failed += what[0] != '\0';
        shared->finished = true;
        if (what[0] != '\0')
            break; /* memory was left behind: start afresh */
    }
    _exit(0);
}

static void run_all(const struct arguments *arguments, struct shared *shared)
{
    shared->seed = arguments->from;
    while (shared->seed <= arguments->to) {
        fflush(stdout);
        shared->finished = false;
        pid_t pid = fork();
        if (pid == 0)
            child(arguments, shared);
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            perror("sim: fork");
            exit(2);
        }
        if (!shared->finished) {
            const char *why = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hangs" : "it crashed, see above";
            shared->failed++;
            tell(arguments, shared->seed, why);
        }
        shared->seed++;
    }
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
            usage();
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
            usage();
        flows |= (uint64_t)1 << flow;
    }
    return flows;
}

static void parse_seeds(struct arguments *arguments, const char *text)
{
    char *end;
    arguments->from = strtoull(text, &end, 10);
    if (*end != '-')
        usage();
    arguments->to = strtoull(end + 1, &end, 10);
    if (*end != '\0' || arguments->to < arguments->from)
        usage();
}

static void parse(struct arguments *arguments, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--tap") == 0) {
            arguments->tap = true;
            arguments->from = 1;
            arguments->to = getenv("CHECK_LONG") != NULL ? SEEDS_LONG : SEEDS_TAP;
        } else if (strcmp(word, "--trace") == 0) {
            arguments->sim.trace = true;
        } else if (strcmp(word, "--twice") == 0) {
            arguments->twice = true;
        } else if (value == NULL) {
            usage();
        } else if (strcmp(word, "--seeds") == 0) {
            parse_seeds(arguments, value);
        } else if (strcmp(word, "--seed") == 0) {
            arguments->from = arguments->to = strtoull(value, NULL, 10);
            arguments->one = true;
        } else if (strcmp(word, "--without") == 0) {
            arguments->sim.without |= parse_faults(value);
        } else if (strcmp(word, "--with") == 0) {
            arguments->sim.without &= ~parse_faults(value);
        } else if (strcmp(word, "--flows") == 0) {
            arguments->sim.flows = parse_flows(value);
        } else if (strcmp(word, "--pcap") == 0) {
            arguments->sim.pcap = fopen(value, "wb");
            if (arguments->sim.pcap == NULL) {
                perror(value);
                exit(2);
            }
        } else if (strcmp(word, "--pcap-host") == 0) {
            arguments->sim.pcap_host = value[0] == '1' ? 1 : 0;
        } else {
            usage();
        }
        i +=
            value != NULL && strcmp(word, "--tap") != 0 && strcmp(word, "--trace") != 0 && strcmp(word, "--twice") != 0;
    }
    if (arguments->to == 0)
        usage();
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.program = argv[0], .sim = {.without = PLAN_MOVE, .flows = UINT64_MAX}};
    parse(&arguments, argc, argv);
    if (arguments.one) { /* in this process, for a debugger */
        char what[SIM_WHAT_MAX];
        run_seed(&arguments, arguments.from, what);
        if (arguments.sim.pcap != NULL)
            fclose(arguments.sim.pcap);
        tell(&arguments, arguments.from, what);
        printf("1 seeds, %d failed\n", what[0] != '\0');
        fflush(stdout);
        _exit(what[0] != '\0');
    }
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("sim: mmap");
        return 2;
    }
    if (arguments.tap)
        printf("1..%" PRIu64 "\n", arguments.to - arguments.from + 1);
    run_all(&arguments, shared);
    printf("%s%" PRIu64 " seeds, %" PRIu64 " failed\n", arguments.tap ? "# " : "", arguments.to - arguments.from + 1,
           shared->failed);
    return shared->failed > 0;
}
