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
    {SOL_SOCKET, 84, ALL}, /* SO_INQ */
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
    /* The kernel is built without TCP-AO. */
    {IPPROTO_TCP, 38, ALL},
    {IPPROTO_TCP, 39, ALL},
    {IPPROTO_TCP, 40, ALL},
    {IPPROTO_TCP, 41, ALL},
    {IPPROTO_TCP, 42, ALL},
    /* Not built. */
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
    static int kinds[][2] = {{AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},
                             {AF_INET6, SOCK_DGRAM}, {AF_UNIX, SOCK_STREAM},  {AF_UNIX, SOCK_DGRAM}};
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

/* ---- what options do ---- */

static int get_int(struct socket_world *w, int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);
    assert_int_equal(tcpip_getsockopt(w->s, fd, level, name, &value, &length), 0);
    assert_int_equal(length, sizeof(value));
    return value;
}

static void set_int(struct socket_world *w, int fd, int level, int name, int value)
{
    assert_int_equal(tcpip_setsockopt(w->s, fd, level, name, &value, sizeof(value)), 0);
}

static void buffer_sizes_are_doubled_and_have_a_least(void **state)
{
    struct socket_world *w = *state;
    int tcp = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    int64_t exact;
    set_int(w, tcp, SOL_SOCKET, SO_RCVBUF, 100000);
    assert_int_equal(get_int(w, tcp, SOL_SOCKET, SO_RCVBUF), 200000);
    assert_int_equal(
        tcpip_endpoint_get_option(tcpip_socket_endpoint(w->s, tcp), TCPIP_OPTION_RECEIVE_BUFFER_SIZE, &exact),
        TCPIP_OK);
    assert_int_equal(exact, 100000);
    set_int(w, tcp, SOL_SOCKET, SO_RCVBUF, 0);
    assert_int_equal(get_int(w, tcp, SOL_SOCKET, SO_RCVBUF), 2304);
    set_int(w, tcp, SOL_SOCKET, SO_SNDBUF, 1);
    assert_int_equal(get_int(w, tcp, SOL_SOCKET, SO_SNDBUF), 4608);
    assert_int_equal(get_int(w, tcp, SOL_SOCKET, SO_BUF_LOCK), 3);
    set_int(w, tcp, SOL_SOCKET, SO_SNDBUF, -1); /* as much as there may be */
    assert_int_equal(tcpip_endpoint_get_option(tcpip_socket_endpoint(w->s, tcp), TCPIP_OPTION_SEND_BUFFER_SIZE, &exact),
                     TCPIP_OK);
    assert_int_equal(get_int(w, tcp, SOL_SOCKET, SO_SNDBUF), 2 * exact);
}

static void timeouts_and_lingering_are_told_as_they_were_set(void **state)
{
    struct socket_world *w = *state;
    int tcp = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    struct timeval time = {1, 500000}, told, bad = {1, 1000000}, none = {-1, 0};
    struct linger linger = {1, 7}, off = {0, 9}, linger_told;
    socklen_t length = sizeof(told);
    assert_int_equal(tcpip_setsockopt(w->s, tcp, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
    assert_int_equal(tcpip_setsockopt(w->s, tcp, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)), -1);
    assert_int_equal(errno, EDOM);
    assert_int_equal(tcpip_getsockopt(w->s, tcp, SOL_SOCKET, SO_RCVTIMEO, &told, &length), 0);
    assert_memory_equal(&told, &time, sizeof(told));
    assert_int_equal(tcpip_setsockopt(w->s, tcp, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)), 0);
    assert_int_equal(tcpip_getsockopt(w->s, tcp, SOL_SOCKET, SO_RCVTIMEO, &told, &length), 0);
    assert_int_equal(told.tv_sec + told.tv_usec, 0);
    assert_int_equal(tcpip_setsockopt(w->s, tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(tcpip_setsockopt(w->s, tcp, SOL_SOCKET, SO_LINGER, &off, sizeof(off)), 0);
    length = sizeof(linger_told);
    assert_int_equal(tcpip_getsockopt(w->s, tcp, SOL_SOCKET, SO_LINGER, &linger_told, &length), 0);
    assert_int_equal(linger_told.l_onoff, 0);
    assert_int_equal(linger_told.l_linger, 7);
}

static void a_timeout_ends_a_receive_in_the_stacks_time(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    struct timeval time = {0, 250000};
    char byte;
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_setsockopt(w->s, client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
    tcpip_ns before = w->world.now;
    assert_int_equal(tcpip_recv(w->s, client, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(w->world.now - before, 250 * TCPIP_MS);
}

static void what_is_left_to_read_comes_as_a_control_message(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    char room[4];
    socket_world_connect(w, &client, &server);
    set_int(w, server, IPPROTO_TCP, TCP_INQ, 1);
    assert_int_equal(tcpip_send(w->s, client, "0123456789", 10, 0), 10);
    assert_int_equal(tcpip_shutdown(w->s, client, SHUT_WR), 0);
    static const int want[][2] = {{4, 6}, {4, 2}, {2, 1}, {0, 1}};
    for (size_t i = 0; i < array_count(want); i++) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        struct iovec iov = {room, sizeof(room)};
        struct msghdr message = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        int left;
        assert_int_equal(tcpip_recvmsg(w->s, server, &message, 0), want[i][0]);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        assert_non_null(header);
        assert_int_equal(header->cmsg_level, IPPROTO_TCP);
        assert_int_equal(header->cmsg_type, TCP_CM_INQ);
        memcpy(&left, CMSG_DATA(header), sizeof(left));
        assert_int_equal(left, want[i][1]);
    }
}

static void peeking_goes_on_where_it_stopped(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    char room[4];
    socket_world_connect(w, &client, &server);
    set_int(w, server, SOL_SOCKET, SO_PEEK_OFF, 1);
    assert_int_equal(tcpip_send(w->s, client, "abcdefgh", 8, 0), 8);
    assert_int_equal(tcpip_recv(w->s, server, room, 3, MSG_PEEK), 3);
    assert_memory_equal(room, "bcd", 3);
    assert_int_equal(tcpip_recv(w->s, server, room, 2, 0), 2);
    assert_memory_equal(room, "ab", 2);
    assert_int_equal(get_int(w, server, SOL_SOCKET, SO_PEEK_OFF), 2);
    assert_int_equal(tcpip_recv(w->s, server, room, 4, MSG_PEEK), 4);
    assert_memory_equal(room, "efgh", 4);
    assert_int_equal(tcpip_recv(w->s, server, room, 4, MSG_PEEK | MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static void an_accepted_socket_has_its_listeners_options(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7100);
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0), client = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    set_int(w, listener, SOL_SOCKET, SO_PRIORITY, 5);
    set_int(w, listener, SOL_SOCKET, SO_DEBUG, 1);
    set_int(w, listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(w, listener, IPPROTO_TCP, TCP_INQ, 1);
    set_int(w, listener, IPPROTO_IP, IP_TOS, 0x10);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(get_int(w, listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 1), 0);
    assert_int_equal(get_int(w, listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(tcpip_connect(w->s, client, (struct sockaddr *)&address, sizeof(address)), 0);
    int accepted = tcpip_accept(w->s, listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(get_int(w, accepted, SOL_SOCKET, SO_DEBUG), 1);
    assert_int_equal(get_int(w, accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(get_int(w, accepted, IPPROTO_TCP, TCP_INQ), 1);
    assert_int_equal(get_int(w, accepted, IPPROTO_IP, IP_TOS), 0x10);
    assert_int_equal(get_int(w, accepted, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

static void the_syn_of_a_connection_is_kept_until_it_is_read(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7101);
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0), client = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    uint8_t syn[200];
    socklen_t length = 10;
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    set_int(w, listener, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    assert_int_equal(tcpip_listen(w->s, listener, 1), 0);
    assert_int_equal(tcpip_connect(w->s, client, (struct sockaddr *)&address, sizeof(address)), 0);
    int accepted = tcpip_accept(w->s, listener, NULL, NULL);
    assert_int_equal(tcpip_getsockopt(w->s, accepted, IPPROTO_TCP, TCP_SAVED_SYN, syn, &length), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(length, 60); /* IPv4, TCP, MSS, SACK permitted, timestamps, window scale */
    length = sizeof(syn);
    assert_int_equal(tcpip_getsockopt(w->s, accepted, IPPROTO_TCP, TCP_SAVED_SYN, syn, &length), 0);
    assert_int_equal(length, 60);
    assert_int_equal(syn[0], 0x45);
    assert_int_equal(syn[9], IPPROTO_TCP);
    assert_int_equal(syn[22] << 8 | syn[23], 7101);
    assert_int_equal(syn[33], 2); /* SYN */
    assert_int_equal(tcpip_getsockopt(w->s, accepted, IPPROTO_TCP, TCP_SAVED_SYN, syn, &length), 0);
    assert_int_equal(length, 0);
    int unread = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0); /* what nobody reads goes with its endpoint */
    assert_int_equal(tcpip_connect(w->s, unread, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void one_call_sends_many_datagrams(void **state)
{
    static const struct {
        int segment, bytes, number, datagrams, last; /* number: errno */
    } cases[] = {
        {1000, 2500, 0, 3, 500},      {1000, 1000, 0, 1, 1000},   {1000, 999, 0, 1, 999},
        {100, 12800, 0, 128, 100},    {100, 12801, EINVAL, 0, 0}, {1, 129, EINVAL, 0, 0},
        {500, 65508, EMSGSIZE, 0, 0}, {0, 3000, 0, 1, 3000},      {30000, 65000, 0, 3, 5000},
    };
    struct socket_world *w = *state;
    static char data[65508];
    struct sockaddr_in address = loopback4(7102);
    int to = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_bind(w->s, to, (struct sockaddr *)&address, sizeof(address)), 0);
    set_int(w, to, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    for (size_t i = 0; i < array_count(cases); i++) {
        int from = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0), n = 0;
        set_int(w, from, IPPROTO_UDP, UDP_SEGMENT, cases[i].segment);
        errno = 0;
        ssize_t sent =
            tcpip_sendto(w->s, from, data, (size_t)cases[i].bytes, 0, (struct sockaddr *)&address, sizeof(address));
        assert_int_equal(sent, cases[i].number == 0 ? cases[i].bytes : -1);
        assert_int_equal(errno, cases[i].number);
        for (ssize_t got, last = 0; n <= cases[i].datagrams; n++) {
            got = tcpip_recv(w->s, to, data, sizeof(data), MSG_DONTWAIT);
            if (got < 0) {
                assert_int_equal(last, cases[i].last);
                break;
            }
            last = got;
        }
        assert_int_equal(n, cases[i].datagrams);
        assert_int_equal(tcpip_close(w->s, from), 0);
    }
}

static void connections_from_far_away_are_not_heard(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7103);
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    int far = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0), near = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 4), 0);
    set_int(w, listener, IPPROTO_IP, IP_MINTTL, 255);
    set_int(w, near, IPPROTO_IP, IP_TTL, 255);
    set_int(w, far, IPPROTO_IP, IP_TTL, 254);
    set_int(w, far, IPPROTO_TCP, TCP_SYNCNT, 1);
    assert_int_equal(tcpip_connect(w->s, near, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_connect(w->s, far, (struct sockaddr *)&address, sizeof(address)), -1);
    assert_int_equal(errno, ETIMEDOUT);
    /* an accepted socket has it too, until it is told otherwise */
    int accepted = tcpip_accept(w->s, listener, NULL, NULL);
    char byte = 'x';
    set_int(w, near, IPPROTO_IP, IP_TTL, 64);
    assert_int_equal(tcpip_send(w->s, near, &byte, 1, 0), 1);
    socket_world_run(w, TCPIP_MS * 50);
    assert_int_equal(tcpip_recv(w->s, accepted, &byte, 1, MSG_DONTWAIT), -1);
    set_int(w, accepted, IPPROTO_IP, IP_MINTTL, 0);
    assert_int_equal(tcpip_recv(w->s, accepted, &byte, 1, 0), 1);
}

static void addresses_that_are_not_there_yet_are_bound_freely(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7104)};
    address.sin_addr.s_addr = htonl(0x0a636363);
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        int fd = tcpip_socket(w->s, AF_INET, type, 0);
        assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, sizeof(address)), -1);
        assert_int_equal(errno, EADDRNOTAVAIL);
        set_int(w, fd, IPPROTO_IP, IP_FREEBIND, 1);
        assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, sizeof(address)), 0);
    }
}

static void ports_are_chosen_from_a_range_of_ones_own(void **state)
{
    enum { LOCAL_PORT_RANGE = 51, LOWEST = 40000, HIGHEST = 40003 };
    struct socket_world *w = *state;
    struct sockaddr_in any = loopback4(0), to = loopback4(7105);
    socklen_t length = sizeof(any);
    bool seen[2][HIGHEST - LOWEST + 1] = {{false}};
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 16), 0);
    for (int i = 0; i < 10; i++) {
        bool connects = i >= 5;
        int fd = tcpip_socket(w->s, AF_INET, connects ? SOCK_STREAM : SOCK_DGRAM, 0);
        set_int(w, fd, IPPROTO_IP, LOCAL_PORT_RANGE, (int)(LOWEST | (uint32_t)HIGHEST << 16));
        any.sin_port = 0;
        int done = connects ? tcpip_connect(w->s, fd, (struct sockaddr *)&to, sizeof(to))
                            : tcpip_bind(w->s, fd, (struct sockaddr *)&any, sizeof(any));
        assert_int_equal(done, i % 5 < 4 ? 0 : -1); /* there are no more than four */
        if (done < 0) {
            assert_int_equal(errno, connects ? EADDRNOTAVAIL : EADDRINUSE);
            continue;
        }
        assert_int_equal(tcpip_getsockname(w->s, fd, (struct sockaddr *)&any, &length), 0);
        assert_in_range(ntohs(any.sin_port), LOWEST, HIGHEST);
        assert_false(seen[connects][ntohs(any.sin_port) - LOWEST]);
        seen[connects][ntohs(any.sin_port) - LOWEST] = true;
    }
}

/* TIME-WAIT of loopback, whose other side is known, is there for the next connection after a second (Linux's
 * tcp_tw_reuse = 2). */
static void a_port_over_loopback_is_free_again_after_a_second(void **state)
{
    enum { ONLY = 40000 };
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7000);
    uint32_t range = ONLY | (uint32_t)ONLY << 16;
    int listener = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 5), 0);
    for (int i = 0; i < 3; i++) {
        int fd = tcpip_socket(w->s, AF_INET, SOCK_STREAM, 0);
        assert_int_equal(tcpip_setsockopt(w->s, fd, IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, &range, sizeof(range)),
                         0);
        if (i == 1) {
            assert_refused(tcpip_connect(w->s, fd, (struct sockaddr *)&address, sizeof(address)), EADDRNOTAVAIL);
            assert_int_equal(tcpip_close(w->s, fd), 0);
            socket_world_run(w, TCPIP_SECOND);
            continue;
        }
        assert_int_equal(tcpip_connect(w->s, fd, (struct sockaddr *)&address, sizeof(address)), 0);
        int server = tcpip_accept(w->s, listener, NULL, NULL);
        assert_true(server >= 0);
        assert_int_equal(tcpip_close(w->s, fd), 0);
        socket_world_run(w, 0);
        assert_int_equal(tcpip_close(w->s, server), 0);
        socket_world_run(w, 0);
    }
}

static void tcp_info_counts_as_the_kernels_does(void **state)
{
    struct socket_world *w = *state;
    int client, server;
    struct tcp_info info;
    socklen_t length = sizeof(info);
    uint8_t state_alone = 0;
    socket_world_connect(w, &client, &server);
    assert_int_equal(tcpip_send(w->s, client, "hello", 5, 0), 5);
    socket_world_run(w, TCPIP_SECOND);
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    assert_int_equal(info.tcpi_state, 1); /* TCP_ESTABLISHED */
    assert_int_equal(info.tcpi_options & 7, 7);
    assert_int_equal(info.tcpi_bytes_sent, 5);
    assert_int_equal(info.tcpi_unacked, 0);
    assert_int_equal(info.tcpi_data_segs_out, 1);
    assert_int_equal(info.tcpi_last_data_sent, 1000);
    assert_int_equal(info.tcpi_snd_ssthresh, 0x7fffffff);
    length = 1;
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, TCP_INFO, &state_alone, &length), 0);
    assert_int_equal(state_alone, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(buffer_sizes_are_doubled_and_have_a_least, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(timeouts_and_lingering_are_told_as_they_were_set, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_timeout_ends_a_receive_in_the_stacks_time, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(what_is_left_to_read_comes_as_a_control_message, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(peeking_goes_on_where_it_stopped, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(an_accepted_socket_has_its_listeners_options, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(the_syn_of_a_connection_is_kept_until_it_is_read, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(one_call_sends_many_datagrams, socket_world_setup, socket_world_teardown),
        cmocka_unit_test_setup_teardown(connections_from_far_away_are_not_heard, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(addresses_that_are_not_there_yet_are_bound_freely, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(ports_are_chosen_from_a_range_of_ones_own, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(a_port_over_loopback_is_free_again_after_a_second, socket_world_setup,
                                        socket_world_teardown),
        cmocka_unit_test_setup_teardown(tcp_info_counts_as_the_kernels_does, socket_world_setup, socket_world_teardown),
        cmocka_unit_test(every_option_answers_as_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
