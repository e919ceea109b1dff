// SPDX-License-Identifier: MIT
/* run.c: seeds in processes: one that crashes or hangs is one failure, and the others go on.
 *
 * Each job is a child that takes the next seed from a counter that all share. What it is doing stands in shared memory,
 * so that when it dies the parent knows over which seed, and makes another child. A child that saw a failure ends too:
 * what the run held is given up with it.
 *
 * Owns:     children, the memory they share.
 * Not here: what a seed does (world.c), which seeds (main.c). */
#include "run.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SECONDS_MAX = 120, /* of the machine's time for one seed: it hangs */
    TWICE_EVERY = 10,  /* seeds that are run twice, if not all are */
    KEEP_MAX = 5,      /* failures whose trace and capture are kept */
};

struct job {
    uint64_t seed; /* running, or done with; 0: none */
    bool finished; /* its result has been told */
    struct run_result result;
};

/* Between parent and children. */
struct board {
    atomic_uint_fast64_t next, failed;
    struct job jobs[RUN_JOBS_MAX];
};

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("sim: mmap");
        exit(2);
    }
    return memory;
}

/* ---- one seed ---- */

static void run_once(const struct run *run, uint64_t seed, struct run_result *result)
{
    struct plan *plan = malloc(sizeof(*plan));
    struct sim *sim = malloc(sizeof(*sim));
    struct sim_options options = run->sim;
    plan_make(plan, seed, options.without, run->two_hosts);
    plan_cut(plan, &run->cuts);
    if (options.trace)
        plan_print(plan);
    options.last_words = result->what;
    sim_init(sim, plan, &options);
    sim_run(sim);
    if (!sim->failed)
        sim_fini(sim);
    result->hash = sim->hash;
    result->failed = sim->failed;
    if (run->one && !run->shrink && !sim->failed)
        printf("# %.6f s, %" PRIu64 " rounds, %" PRIu64 " packets, %" PRIu64 " bytes, hash %016" PRIx64 "\n",
               (double)sim->now / 1e9, sim->steps, sim_packets(sim), sim->bytes_read, sim->hash);
    if (sim->failed) { /* what it held is given up with the process */
        static struct sim *kept;
        snprintf(result->what, sizeof(result->what), "%s", sim->what);
        kept = sim;
        (void)kept;
        return;
    }
    free(sim);
    free(plan);
}

static void run_seed(const struct run *run, uint64_t seed, struct run_result *result)
{
    *result = (struct run_result){.failed = false};
    run_once(run, seed, result);
    if (result->failed || !(run->twice || seed % TWICE_EVERY == 0) || run->sim.trace || run->sim.pcap != NULL)
        return;
    struct run_result again = {.failed = false};
    run_once(run, seed, &again);
    if (again.failed) {
        *result = again;
    } else if (again.hash != result->hash) {
        result->failed = true;
        snprintf(result->what, sizeof(result->what),
                 "the second run of the same seed was another: %016" PRIx64 ", %016" PRIx64, result->hash, again.hash);
    }
}

struct run_result run_here(const struct run *run, uint64_t seed)
{
    struct run_result result;
    run_seed(run, seed, &result);
    return result;
}

/* How a child ended that had no time to say so. */
static void died(struct run_result *result, int status)
{
    const char *how = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hangs" : "it crashed, see above";
    result->failed = true;
    if (result->what[0] == '\0')
        snprintf(result->what, sizeof(result->what), "%s", how);
}

struct run_result run_apart(const struct run *run, uint64_t seed)
{
    struct run_result *shared = share(sizeof(*shared)), result;
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(SECONDS_MAX);
        run_seed(run, seed, shared);
        fflush(stdout);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("sim: fork");
        exit(2);
    }
    result = *shared;
    if (status != 0)
        died(&result, status);
    munmap(shared, sizeof(*shared));
    return result;
}

/* ---- telling ---- */

bool run_same_failure(const char *one, const char *other)
{
    /* The instant in front, and every number: they move when the world shrinks. Lines that follow are details. */
    while (*one != '\0' && *other != '\0' && *one != '\n' && *other != '\n') {
        if (isdigit((unsigned char)*one) && isdigit((unsigned char)*other)) {
            one += strspn(one, "0123456789.");
            other += strspn(other, "0123456789.");
        } else if (*one++ != *other++) {
            return false;
        }
    }
    return (*one == '\0' || *one == '\n') && (*other == '\0' || *other == '\n');
}

static void print_command(const struct run *run, uint64_t seed)
{
    char cuts[2048];
    printf("%s --seed %" PRIu64, run->program, seed);
    for (uint32_t i = 0; i < PLAN_FAULT_COUNT; i++)
        if ((run->sim.without >> i & 1) != 0)
            printf(" --without %s", plan_fault_name(i));
    if (run->two_hosts)
        printf(" --two-hosts");
    if (run->sim.plant != 0)
        printf(" --plant %s", sim_plant_name(run->sim.plant));
    cuts_print(&run->cuts, cuts, sizeof(cuts));
    if (run->cuts.count > 0)
        printf(" --cut %s", cuts);
}

void run_tell(const struct run *run, uint64_t seed, const struct run_result *result)
{
    if (!result->failed) {
        if (run->tap)
            printf("ok - seed %" PRIu64 "\n", seed);
        return;
    }
    if (run->tap)
        printf("not ok - seed %" PRIu64 "\n", seed);
    else
        printf("seed %" PRIu64 " failed\n", seed);
    for (const char *line = result->what; *line != '\0';) {
        int length = (int)strcspn(line, "\n");
        printf("# %.*s\n", length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    printf("# repeat: ");
    print_command(run, seed);
    printf(" --trace\n");
}

/* Once more, with all that can be seen of it in two files. */
static void keep(const struct run *run, uint64_t seed)
{
    char path[4096];
    struct run again = *run;
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) {
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            perror("sim: fork");
        else
            printf("# kept: %s/seed-%" PRIu64 ".trace, .pcapng\n", run->keep, seed);
        return;
    }
    struct run_result result;
    (void)mkdir(run->keep, 0777);
    snprintf(path, sizeof(path), "%s/seed-%" PRIu64 ".pcapng", run->keep, seed);
    again.sim.pcap = fopen(path, "wb");
    again.sim.trace = true;
    snprintf(path, sizeof(path), "%s/seed-%" PRIu64 ".trace", run->keep, seed);
    if (freopen(path, "w", stdout) == NULL || freopen(path, "a", stderr) == NULL)
        _exit(1);
    alarm(SECONDS_MAX);
    run_seed(&again, seed, &result);
    run_tell(&again, seed, &result);
    fflush(stdout);
    if (again.sim.pcap != NULL)
        fclose(again.sim.pcap);
    _exit(0);
}

/* ---- many seeds ---- */

static void child(const struct run *run, struct board *board, struct job *job)
{
    for (;;) {
        uint64_t seed = atomic_fetch_add(&board->next, 1);
        job->finished = false;
        job->seed = seed <= run->to ? seed : 0;
        if (seed > run->to)
            _exit(0);
        alarm(SECONDS_MAX);
        run_seed(run, seed, &job->result);
        if (job->result.failed)
            _exit(0); /* the parent tells; memory was left behind */
        run_tell(run, seed, &job->result);
        fflush(stdout);
        job->finished = true;
    }
}

/* The child's process; 0: there is nothing left to do. */
static pid_t start(const struct run *run, struct board *board, struct job *job)
{
    job->seed = 0;
    job->result = (struct run_result){.failed = false};
    if (atomic_load(&board->next) > run->to)
        return 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        child(run, board, job);
    if (pid < 0) {
        perror("sim: fork");
        exit(2);
    }
    return pid;
}

static void ended(const struct run *run, struct board *board, struct job *job, int status)
{
    if (job->seed == 0 || job->finished)
        return;
    if (!job->result.failed)
        died(&job->result, status);
    run_tell(run, job->seed, &job->result);
    if (run->keep != NULL && atomic_fetch_add(&board->failed, 1) < KEEP_MAX)
        keep(run, job->seed);
    else if (run->keep == NULL)
        atomic_fetch_add(&board->failed, 1);
}

uint64_t run_all(const struct run *run)
{
    struct board *board = share(sizeof(*board));
    uint32_t running = 0;
    atomic_init(&board->next, run->from);
    atomic_init(&board->failed, 0);
    pid_t pids[RUN_JOBS_MAX] = {0};
    for (uint32_t i = 0; i < run->jobs; i++) {
        pids[i] = start(run, board, &board->jobs[i]);
        running += pids[i] > 0;
    }
    while (running > 0) {
        int status = 0;
        pid_t pid = wait(&status);
        if (pid < 0) {
            perror("sim: wait");
            exit(2);
        }
        for (uint32_t i = 0; i < run->jobs; i++) {
            if (pids[i] != pid)
                continue;
            ended(run, board, &board->jobs[i], status);
            pids[i] = start(run, board, &board->jobs[i]);
            running -= pids[i] == 0;
            break;
        }
    }
    uint64_t failed = atomic_load(&board->failed);
    munmap(board, sizeof(*board));
    return failed;
}
