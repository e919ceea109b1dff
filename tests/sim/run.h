// SPDX-License-Identifier: MIT
/* run.h: one seed or many of them, in processes of their own, and what comes of each. */
#ifndef TCPIP_TESTS_SIM_RUN_H
#define TCPIP_TESTS_SIM_RUN_H

#include "cut.h"
#include "sim.h"

enum { RUN_JOBS_MAX = 64 };

/* What a command line asks for. */
struct run {
    uint64_t from, to; /* seeds, both included */
    uint32_t jobs;
    bool tap, twice, one, shrink, two_hosts;
    const char *program; /* how it was called: "build/tcpip sim" */
    const char *keep;    /* folder for traces and captures of what failed; NULL: none */
    struct cuts cuts;
    struct sim_options sim;
};

/* What came of a seed. */
struct run_result {
    bool failed;
    char what[SIM_WHAT_MAX]; /* why */
    uint64_t hash;           /* of all that happened */
};

/* In this process, for a debugger; prints what it was like. What a failed run held is never freed. */
struct run_result run_here(const struct run *run, uint64_t seed);
/* In a child: whatever happens there, even a crash, is a result. */
struct run_result run_apart(const struct run *run, uint64_t seed);
/* All seeds, spread over run->jobs processes; returns how many failed. */
uint64_t run_all(const struct run *run);
/* A line or more about a failure, and the command that repeats it. */
void run_tell(const struct run *run, uint64_t seed, const struct run_result *result);
/* Are these two failures of one kind: the same words, whatever the numbers? */
bool run_same_failure(const char *one, const char *other);

/* shrink.c: looks for a smaller world that fails in the same way, and shows it. Returns whether the seed fails. */
bool run_shrink(struct run *run, uint64_t seed);

#endif
