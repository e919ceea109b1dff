// SPDX-License-Identifier: MIT
/* walk.c: random calls on both, compared one by one.
 *
 * Buffers are kept far from full, because the kernel charges a message otherwise than the library does; what happens
 * at a full buffer is tested beside the code. A failing seed prints its steps. */
#include "socket_world.h"
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
    bool sockets; /* not endpoints */
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
        [CALL_NEW] = 8,      [CALL_PAIR] = 3,     [CALL_CLOSE] = 6,      [CALL_BIND] = 8,     [CALL_AUTOBIND] = 1,
        [CALL_UNLINK] = 2,   [CALL_CONNECT] = 16, [CALL_DISCONNECT] = 2, [CALL_LISTEN] = 6,   [CALL_ACCEPT] = 10,
        [CALL_SEND] = 24,    [CALL_RECV] = 22,    [CALL_SHUTDOWN] = 2,   [CALL_PASSCRED] = 6, [CALL_PEEK_OFFSET] = 4,
        [CALL_READY] = 16,   [CALL_LOCAL] = 3,    [CALL_REMOTE] = 3,     [CALL_UNREAD] = 4,   [CALL_ERROR] = 1,
        [CALL_PEERCRED] = 2,
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

/* Of recvmsg. MSG_WAITALL waits for nothing here: nobody else would write. */
static const int walk_flags[] = {MSG_TRUNC, MSG_CMSG_CLOEXEC, MSG_WAITALL, MSG_TRUNC | MSG_DONTWAIT};

/* False: it makes no sense now. */
static bool walk_choose(struct walk *walk, const struct posix *kernel, struct step *step)
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
        /* The kernel passes over an empty datagram that it has peeked at before, if SO_PEEK_OFF is set. */
        step->size += walk->sockets && step->size == 0;
        if (walk_below(walk, 2) == 0)
            step->name = -1;
        if (walk_below(walk, 5) == 0)
            step->references = walk_below(walk, 4);
        if (walk_below(walk, 6) == 0)
            step->uid = geteuid() == 0 ? (int)walk_below(walk, 3) : (int)getuid();
        return posix_in_flight(kernel, step->slot) < IN_FLIGHT_MAX;
    case CALL_RECV:
        step->size = walk_below(walk, 2) == 0 ? DATA_MAX : walk_below(walk, 20);
        step->sockets = walk->sockets;
        if (!step->sockets)
            return true;
        step->room = walk_below(walk, 2) == 0 ? 128 : walk_below(walk, 64);
        step->flags = walk_below(walk, 3) != 0 ? 0 : walk_flags[walk_below(walk, 4)];
        return true;
    case CALL_PEEK_OFFSET:
        step->size = walk_below(walk, 12);
        return walk->sockets;
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
    bool told = kernel->has_credentials || (kernel->flags & MSG_CTRUNC) != 0; /* or there was no room to */
    return walk->type[step->slot] == 0 && kernel->error == 0 && kernel->bytes == 0 && told && kernel->pid == 0 &&
           kernel->uid == 0;
}

static void walk_print(const char *who, const struct answer *a)
{
    print_error("    %s: error %d value %ld bytes %u references %u from %d credentials %d (%ld %ld %ld) flags %x\n",
                who, a->error, (long)a->value, a->bytes, a->references, a->from, a->has_credentials, (long)a->pid,
                (long)a->uid, (long)a->gid, (unsigned)a->flags);
}

static void walk_fail(struct walk *walk, uint64_t seed, int steps)
{
    print_error("seed %lu\n", (unsigned long)seed);
    for (int i = 0; i <= steps; i++) {
        const struct step *s = &walk->log[i];
        print_error("  %3d %s %d other %d name %d size %u flag %d references %u uid %d flags %x room %u\n", i,
                    call_text(s->call), s->slot, s->other, s->name, s->size, s->flag, s->references, s->uid,
                    (unsigned)s->flags, s->room);
    }
    walk_print("kernel ", &walk->kernel);
    walk_print("library", &walk->library);
    fail_msg("the answers differ");
}

/* Who is compared with the kernel: endpoints, or sockets over them. */
struct other {
    struct library *library;
    struct socket_world world;
    struct posix *posix;
};

static void other_init(struct other *other, bool endpoints, const char *directory)
{
    *other = (struct other){.library = endpoints ? library_new(directory) : NULL};
    if (endpoints)
        return;
    socket_world_init(&other->world, NULL);
    other->posix = posix_new(&socket_calls, other->world.s, directory);
}

static void other_fini(struct other *other)
{
    if (other->library != NULL) {
        library_free(other->library);
        return;
    }
    posix_free(other->posix);
    socket_world_fini(&other->world);
}

static void other_do(struct other *other, const struct step *step, struct answer *out)
{
    if (other->library != NULL)
        library_do(other->library, step, out);
    else
        posix_do(other->posix, step, out);
}

static void walk_seed(bool endpoints, const char *directory, uint64_t seed)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    struct posix *kernel = posix_new(&kernel_calls, NULL, directory);
    struct other other;
    other_init(&other, endpoints, directory);
    walk->random = seed;
    walk->sockets = !endpoints;
    for (int i = 0; i < SLOTS; i++)
        walk->type[i] = -1;
    for (int i = 0; i < STEPS;) {
        struct step *step = &walk->log[i];
        if (!walk_choose(walk, kernel, step))
            continue;
        posix_do(kernel, step, &walk->kernel);
        other_do(&other, step, &walk->library);
        /* The kernel's peek at a stream goes on when it is full, and brings the references of bytes that it doesn't. */
        if (step->call == CALL_RECV && step->flag && walk->type[step->slot] == 0 && walk->library.bytes == step->size &&
            walk->library.references == 0) {
            walk->kernel.references = 0;
            walk->kernel.flags &= ~MSG_CTRUNC | walk->library.flags;
        }
        if (memcmp(&walk->kernel, &walk->library, sizeof(walk->kernel)) != 0 && !walk_excused(walk, step))
            walk_fail(walk, seed, i);
        walk_note(walk, step);
        i++;
    }
    posix_free(kernel);
    other_fini(&other);
    free(walk);
}

static void walk_all(bool endpoints)
{
    char directory[] = "/tmp/tcpip-unix-XXXXXX", text[16] = "";
    FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");
    if (file == NULL || fgets(text, sizeof(text), file) == NULL || strcmp(text, "10\n") != 0) {
        print_message("net.unix.max_dgram_qlen isn't 10 here: the kernel's queues would be longer than ours\n");
        skip();
    }
    (void)fclose(file);
    assert_non_null(mkdtemp(directory));
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        walk_seed(endpoints, directory, seed);
    assert_int_equal(rmdir(directory), 0);
}

static void endpoints_answer_as_the_kernel(void **state)
{
    (void)state;
    walk_all(true);
}

static void sockets_answer_as_the_kernel(void **state)
{
    (void)state;
    walk_all(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_answer_as_the_kernel),
        cmocka_unit_test(sockets_answer_as_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
