// SPDX-License-Identifier: MIT
/* env.c: the environment of an ordinary POSIX program.
 *
 * Owns: nothing. Not here: a virtual clock, counted memory (tests bring their own). */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <tcpip/loop.h>
#include <time.h>

static void *posix_alloc(void *ctx, size_t size, size_t align)
{
    (void)ctx;
    if (align <= alignof(max_align_t))
        return malloc(size);
    if (size > SIZE_MAX - align)
        return NULL;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void posix_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)size;
    free(ptr);
}

static tcpip_ns posix_clock(clockid_t clock)
{
    struct timespec at;
    if (clock_gettime(clock, &at) != 0)
        abort(); /* Linux has both clocks */
    return (tcpip_ns)at.tv_sec * TCPIP_SECOND + at.tv_nsec;
}

static tcpip_ns posix_now(void *ctx)
{
    (void)ctx;
    return posix_clock(CLOCK_MONOTONIC);
}

static tcpip_ns posix_wall_offset(void *ctx)
{
    (void)ctx;
    return posix_clock(CLOCK_REALTIME) - posix_clock(CLOCK_MONOTONIC);
}

static void posix_random(void *ctx, void *out, size_t size)
{
    uint8_t *bytes = out;
    (void)ctx;
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            /* Keys that can be guessed are worse than no stack. */
            fprintf(stderr, "tcpip: getrandom: %s\n", strerror(errno));
            abort();
        }
        bytes += got;
        size -= (size_t)got;
    }
}

static void posix_fatal(void *ctx, const char *file, int line, const char *what)
{
    (void)ctx;
    fprintf(stderr, "tcpip: %s:%d: %s\n", file, line, what);
    abort();
}

void tcpip_posix_env(struct tcpip_env *out)
{
    *out = (struct tcpip_env){
        .size = sizeof(*out),
        .alloc = posix_alloc,
        .free = posix_free,
        .now = posix_now,
        .wall_offset = posix_wall_offset,
        .random = posix_random,
        .fatal = posix_fatal,
    };
}
