// SPDX-License-Identifier: MIT
/* options_test.c: every option that there is, with many values, lengths and pointers, on the kernel's sockets and on
 * ours: the answers are the same, but for those that are listed here with the reason. */
#include "socket_world.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define array_count(array) (sizeof(array) / sizeof((array)[0]))

/* ---- both sides ---- */

struct side {
    struct socket_world *w; /* NULL: the kernel */
};

static int side_open(const struct side *side, int domain, int type)
{
    int fd = side->w != NULL ? tcpip_socket(side->w->s, domain, type, 0) : socket(domain, type, 0);
    assert_true(fd >= 0);
    return fd;
}

static void side_close(const struct side *side, int fd)
{
    assert_int_equal(side->w != NULL ? tcpip_close(side->w->s, fd) : close(fd), 0);
}

static int side_get(const struct side *side, int fd, int level, int name, void *value, socklen_t *length)
{
    return side->w != NULL ? tcpip_getsockopt(side->w->s, fd, level, name, value, length)
                           : getsockopt(fd, level, name, value, length);
}

static int side_set(const struct side *side, int fd, int level, int name, const void *value, socklen_t length)
{
    return side->w != NULL ? tcpip_setsockopt(side->w->s, fd, level, name, value, length)
                           : setsockopt(fd, level, name, value, length);
}

/* ---- the questions ---- */

struct question {
    int level, first, last; /* names from first to last */
};
static const struct question questions[] = {
    {SOL_SOCKET, 0, 90},   {IPPROTO_IP, 0, 60}, {IPPROTO_IPV6, 0, 80}, {IPPROTO_TCP, 0, 50},
    {IPPROTO_UDP, 0, 110}, {255, 0, 2},         {9999, 0, 1},
};

static const int question_values[] = {INT_MIN, -2,   -1,    0,     1,     2,     3,      4,       7,
                                      16,      63,   88,    100,   127,   128,   255,    256,     1000,
                                      1280,    4096, 32767, 32768, 65535, 65536, 200000, 1000000, INT_MAX};
static const int question_lengths[] = {0, 1, 2, 3, 5, 8, 12, 16, 64, 512, -1};

struct answer {
    char text[4096];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(answer->text + answer->used, sizeof(answer->text) - answer->used, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && answer->used + (size_t)n < sizeof(answer->text));
    answer->used += (size_t)n;
}

static void say_get(struct answer *answer, const struct side *side, int fd, int level, int name, int room)
{
    unsigned char bytes[600];
    socklen_t length = (socklen_t)room;
    memset(bytes, 0xaa, sizeof(bytes));
    if (side_get(side, fd, level, name, bytes, &length) < 0) {
        say(answer, "%s", strerrorname_np(errno));
        return;
    }
    say(answer, "[%d]", (int)length);
    for (socklen_t i = 0; i < length && i < 16; i++)
        say(answer, "%02x", bytes[i]);
    assert_int_equal(bytes[length], 0xaa); /* nothing behind the end */
}

static void say_set(struct answer *answer, const struct side *side, int kind[2], int level, int name, const void *value,
                    int length)
{
    int fd = side_open(side, kind[0], kind[1]);
    if (side_set(side, fd, level, name, value, (socklen_t)length) < 0)
        say(answer, "%s", strerrorname_np(errno));
    else
        say_get(answer, side, fd, level, name, 4);
    side_close(side, fd);
}

/* What may be asked of an option in one way: answers to a list of numbers. */
static void ask_get(struct answer *answer, const struct side *side, int kind[2], int level, int name)
{
    static const int rooms[] = {4, 1, 0, 3, 8, 16, 512, -1};
    int fd = side_open(side, kind[0], kind[1]);
    for (size_t i = 0; i < array_count(rooms); i++) {
        say(answer, " %d:", rooms[i]);
        say_get(answer, side, fd, level, name, rooms[i]);
    }
    socklen_t length = 4;
    int word;
    say(answer, " NULL:%s", side_get(side, fd, level, name, NULL, &length) < 0 ? strerrorname_np(errno) : "0");
    say(answer, " no length:%s", side_get(side, fd, level, name, &word, NULL) < 0 ? strerrorname_np(errno) : "0");
    side_close(side, fd);
}

static void ask_values(struct answer *answer, const struct side *side, int kind[2], int level, int name)
{
    for (size_t i = 0; i < array_count(question_values); i++) {
        say(answer, " %d:", question_values[i]);
        say_set(answer, side, kind, level, name, &question_values[i], sizeof(int));
    }
}

static void ask_lengths(struct answer *answer, const struct side *side, int kind[2], int level, int name)
{
    unsigned char bytes[512] = {1};
    for (size_t i = 0; i < array_count(question_lengths); i++) {
        say(answer, " %d:", question_lengths[i]);
        say_set(answer, side, kind, level, name, bytes, question_lengths[i]);
    }
    say(answer, " NULL:");
    say_set(answer, side, kind, level, name, NULL, 4);
    say(answer, " NULL, 0:");
    say_set(answer, side, kind, level, name, NULL, 0);
}

/* ---- where the answers differ ---- */

enum aspect {
    GET = 1,
    VALUES = 2,
    LENGTHS = 4,
    ALL = GET | VALUES | LENGTHS,
};

static const struct {
    int level, name, aspects;
} differences[] = {
    /* The core counts exact bytes, and has its own defaults and limits. */
    {SOL_SOCKET, SO_SNDBUF, GET | VALUES},
    {SOL_SOCKET, SO_RCVBUF, GET | VALUES},
    {SOL_SOCKET, SO_RCVLOWAT, VALUES},
    {SOL_SOCKET, SO_MEMINFO, GET},
    /* Filters are the kernel's. */
    {SOL_SOCKET, SO_ATTACH_FILTER, ALL},
    {SOL_SOCKET, SO_BPF_EXTENSIONS, GET},
    {SOL_SOCKET, SO_ATTACH_BPF, ALL},
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ALL},
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, ALL},
    {SOL_SOCKET, 80, ALL}, /* SO_DEVMEM_DONTNEED: of hardware */
    /* Numbers of the kernel's own. */
    {SOL_SOCKET, SO_COOKIE, GET},
    {SOL_SOCKET, SO_NETNS_COOKIE, GET},
    {SOL_SOCKET, SO_BINDTOIFINDEX, VALUES},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, VALUES},
    /* No options in headers, no IPsec, no netfilter. */
    {IPPROTO_IP, IP_OPTIONS, VALUES | LENGTHS},
    {IPPROTO_IP, IP_IPSEC_POLICY, ALL},
    {IPPROTO_IP, IP_XFRM_POLICY, ALL},
    {IPPROTO_IPV6, IPV6_2292PKTOPTIONS, ALL},
    {IPPROTO_IPV6, IPV6_HOPOPTS, LENGTHS},
    {IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, LENGTHS},
    {IPPROTO_IPV6, IPV6_DSTOPTS, LENGTHS},
    {IPPROTO_IPV6, IPV6_PKTINFO, LENGTHS},
    {IPPROTO_IPV6, IPV6_IPSEC_POLICY, ALL},
    {IPPROTO_IPV6, IPV6_XFRM_POLICY, ALL},
    {IPPROTO_IPV6, 64, ALL},
    {IPPROTO_IPV6, 65, ALL},
    {IPPROTO_IPV6, 68, ALL},
    {IPPROTO_IPV6, 69, ALL},
    {IPPROTO_IPV6, 80, ALL},
    {IPPROTO_IP, IP_MULTICAST_ALL, GET},   /* AF_INET6 tells 0 there */
    {IPPROTO_IP, MCAST_MSFILTER, LENGTHS}, /* groups are heard from every source */
    {IPPROTO_IPV6, MCAST_MSFILTER, GET},
    /* Another congestion control, clock, and length of a jiffy. */
    {IPPROTO_TCP, TCP_CONGESTION, GET},
    {IPPROTO_TCP, TCP_CC_INFO, GET},
    {IPPROTO_TCP, TCP_TIMESTAMP, GET},
    {IPPROTO_TCP, TCP_INFO, GET},
    {IPPROTO_TCP, 44, VALUES},
    {IPPROTO_TCP, 45, VALUES},
    {IPPROTO_TCP, 46, VALUES},
    /* Not built. */
    {IPPROTO_TCP, TCP_MD5SIG, LENGTHS},
    {IPPROTO_TCP, TCP_MD5SIG_EXT, LENGTHS},
    {IPPROTO_TCP, TCP_REPAIR, VALUES | LENGTHS},
    {IPPROTO_TCP, TCP_FASTOPEN_KEY, ALL}, /* the kernel has none before the first use */
    {IPPROTO_TCP, TCP_TX_DELAY, VALUES | LENGTHS},
    {IPPROTO_UDP, UDP_CORK, VALUES | LENGTHS},
    {IPPROTO_UDP, UDP_ENCAP, VALUES},
};

static bool differs(int level, int name, int aspect)
{
    for (size_t i = 0; i < array_count(differences); i++)
        if (differences[i].level == level && differences[i].name == name && (differences[i].aspects & aspect) != 0)
            return true;
    return false;
}

/* ---- the test ---- */

static int compare(struct socket_world *w, int kind[2], int level, int name, int aspect,
                   void (*ask)(struct answer *, const struct side *, int[2], int, int))
{
    struct side kernel = {NULL}, ours = {w};
    struct answer want = {.used = 0}, got = {.used = 0};
    if (differs(level, name, aspect))
        return 0;
    ask(&want, &kernel, kind, level, name);
    ask(&got, &ours, kind, level, name);
    if (strcmp(want.text, got.text) == 0)
        return 0;
    print_error("domain %d type %d level %d option %d:\n  kernel%s\n  ours  %s\n", kind[0], kind[1], level, name,
                want.text, got.text);
    return 1;
}

/* The kernel that the answers are those of; with the rights to ask all questions. */
static bool kernel_is_the_judge(void)
{
    struct utsname name;
    int major = 0, minor = 0, one = 1;
    if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool good = major == 6 && minor == 18 && fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &one, 4) == 0;
    (void)close(fd);
    return good;
}

static void every_option_answers_as_the_kernels(void **state)
{
    static int kinds[][2] = {
        {AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}, {AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_DGRAM}};
    struct socket_world w;
    int wrong = 0;
    (void)state;
    if (!kernel_is_the_judge())
        skip();
    socket_world_init(&w, NULL);
    for (size_t k = 0; k < array_count(kinds); k++)
        for (size_t q = 0; q < array_count(questions); q++)
            for (int name = questions[q].first; name <= questions[q].last; name++) {
                wrong += compare(&w, kinds[k], questions[q].level, name, GET, ask_get);
                wrong += compare(&w, kinds[k], questions[q].level, name, VALUES, ask_values);
                wrong += compare(&w, kinds[k], questions[q].level, name, LENGTHS, ask_lengths);
            }
    socket_world_fini(&w);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_answers_as_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
