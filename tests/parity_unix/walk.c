// SPDX-License-Identifier: MIT
/* walk.c: random calls on both, compared one by one.
 *
 * Buffers are kept far from full, because the kernel charges a message otherwise than the library does; what happens
 * at a full buffer is tested beside the code. A failing seed prints its steps. */
#include "twin.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEEDS = 500, STEPS = 400, IN_FLIGHT_MAX = 30000, LOG_MAX = STEPS };

struct walk {
    uint64_t random;
    int type[SLOTS]; /* -1: nobody */
    struct step log[LOG_MAX];
    struct answer kernel, library;
};

static uint32_t walk_below(struct walk *walk, uint32_t bound)
{
    uint64_t z = (walk->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % bound);
}

static int walk_free_slot(const struct walk *walk, int not_this)
{
    for (int i = 0; i < SLOTS; i++)
        if (walk->type[i] < 0 && i != not_this)
            return i;
    return -1;
}

/* Calls, as often as they make something happen. */
static enum call walk_call(struct walk *walk)
{
    static const uint8_t weights[CALLS] = {
        [CALL_NEW] = 8,    [CALL_PAIR] = 3,     [CALL_CLOSE] = 6,      [CALL_BIND] = 8,     [CALL_AUTOBIND] = 1,
        [CALL_UNLINK] = 2, [CALL_CONNECT] = 16, [CALL_DISCONNECT] = 2, [CALL_LISTEN] = 6,   [CALL_ACCEPT] = 10,
        [CALL_SEND] = 24,  [CALL_RECV] = 22,    [CALL_SHUTDOWN] = 2,   [CALL_PASSCRED] = 1, [CALL_READY] = 16,
        [CALL_LOCAL] = 3,  [CALL_REMOTE] = 3,   [CALL_UNREAD] = 4,     [CALL_ERROR] = 1,    [CALL_PEERCRED] = 2,
    };
    uint32_t sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += weights[i];
    uint32_t pick = walk_below(walk, sum);
    for (int i = 0;; i++) {
        if (pick < weights[i])
            return (enum call)i;
        pick -= weights[i];
    }
}

/* False: it makes no sense now. */
static bool walk_choose(struct walk *walk, const struct kernel *kernel, struct step *step)
{
    uint32_t kind = walk_below(walk, 3);
    *step = (struct step){.call = walk_call(walk),
                          .slot = (int)walk_below(walk, SLOTS),
                          .name = (int)walk_below(walk, NAMES),
                          .flag = walk_below(walk, 3) == 0,
                          .uid = -1,
                          .fill = (uint8_t)walk_below(walk, 256)};
    int *type = &walk->type[step->slot];
    if (step->call == CALL_NEW || step->call == CALL_PAIR) {
        step->slot = walk_free_slot(walk, -1);
        step->other = walk_free_slot(walk, step->slot);
        step->size = kind;
        if (step->call == CALL_NEW)
            step->other = 0;
        return step->slot >= 0 && step->other >= 0;
    }
    if (*type < 0)
        return false;
    switch (step->call) {
    case CALL_AUTOBIND:
        step->name = -1;
        return true;
    case CALL_UNLINK:
        step->name |= 1;
        return true;
    case CALL_LISTEN:
        step->size = walk_below(walk, 3);
        return true;
    case CALL_ACCEPT:
        step->other = walk_free_slot(walk, step->slot);
        return step->other >= 0;
    case CALL_SEND:
        step->size = walk_below(walk, 4) == 0 ? walk_below(walk, DATA_MAX) : walk_below(walk, 12);
        if (walk_below(walk, 2) == 0)
            step->name = -1;
        if (walk_below(walk, 5) == 0)
            step->references = walk_below(walk, 4);
        if (walk_below(walk, 6) == 0)
            step->uid = geteuid() == 0 ? (int)walk_below(walk, 3) : (int)getuid();
        return kernel_in_flight(kernel, step->slot) < IN_FLIGHT_MAX;
    case CALL_RECV:
        step->size = walk_below(walk, 2) == 0 ? DATA_MAX : walk_below(walk, 20);
        return true;
    case CALL_SHUTDOWN:
        step->size = kind;
        return true;
    default:
        return true;
    }
}

static void walk_note(struct walk *walk, const struct step *step)
{
    if (walk->kernel.error != 0)
        return;
    int type = step->call == CALL_NEW || step->call == CALL_PAIR ? (int)step->size : walk->type[step->slot];
    if (step->call == CALL_NEW || step->call == CALL_PAIR)
        walk->type[step->slot] = type;
    if (step->call == CALL_PAIR || step->call == CALL_ACCEPT)
        walk->type[step->other] = type;
    if (step->call == CALL_CLOSE)
        walk->type[step->slot] = -1;
}

/* A read that found the end. The kernel knows no end of datagrams unless the call waits, and at a stream's it makes
 * root the sender of nothing. */
static bool walk_excused(const struct walk *walk, const struct step *step)
{
    const struct answer *kernel = &walk->kernel, *library = &walk->library;
    if (step->call != CALL_RECV || library->error != 0 || library->bytes != 0 || library->has_credentials)
        return false;
    if (walk->type[step->slot] == 1)
        return kernel->error == EAGAIN;
    return walk->type[step->slot] == 0 && kernel->error == 0 && kernel->bytes == 0 && kernel->has_credentials &&
           kernel->pid == 0 && kernel->uid == 0;
}

static void walk_print(const char *who, const struct answer *a)
{
    print_error("    %s: error %d value %ld bytes %u references %u from %d credentials %d (%ld %ld %ld)\n", who,
                a->error, (long)a->value, a->bytes, a->references, a->from, a->has_credentials, (long)a->pid,
                (long)a->uid, (long)a->gid);
}

static void walk_fail(struct walk *walk, uint64_t seed, int steps)
{
    print_error("seed %lu\n", (unsigned long)seed);
    for (int i = 0; i <= steps; i++) {
        const struct step *s = &walk->log[i];
        print_error("  %3d %s %d other %d name %d size %u flag %d references %u uid %d\n", i, call_text(s->call),
                    s->slot, s->other, s->name, s->size, s->flag, s->references, s->uid);
    }
    walk_print("kernel ", &walk->kernel);
    walk_print("library", &walk->library);
    fail_msg("the answers differ");
}

static void walk_seed(const char *directory, uint64_t seed)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    struct kernel *kernel = kernel_new(directory);
    struct library *library = library_new(directory);
    walk->random = seed;
    for (int i = 0; i < SLOTS; i++)
        walk->type[i] = -1;
    for (int i = 0; i < STEPS;) {
        struct step *step = &walk->log[i];
        if (!walk_choose(walk, kernel, step))
            continue;
        kernel_do(kernel, step, &walk->kernel);
        library_do(library, step, &walk->library);
        /* The kernel's peek at a stream goes on when it is full, and brings the references of bytes that it doesn't. */
        if (step->call == CALL_RECV && step->flag && walk->type[step->slot] == 0 && walk->library.bytes == step->size &&
            walk->library.references == 0)
            walk->kernel.references = 0;
        if (memcmp(&walk->kernel, &walk->library, sizeof(walk->kernel)) != 0 && !walk_excused(walk, step))
            walk_fail(walk, seed, i);
        walk_note(walk, step);
        i++;
    }
    kernel_free(kernel);
    library_free(library);
    free(walk);
}

static void the_kernel_and_the_library_answer_alike(void **state)
{
    char directory[] = "/tmp/tcpip-unix-XXXXXX", text[16] = "";
    (void)state;
    FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");
    if (file == NULL || fgets(text, sizeof(text), file) == NULL || strcmp(text, "10\n") != 0) {
        print_message("net.unix.max_dgram_qlen isn't 10 here: the kernel's queues would be longer than ours\n");
        skip();
    }
    (void)fclose(file);
    assert_non_null(mkdtemp(directory));
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        walk_seed(directory, seed);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_and_the_library_answer_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
