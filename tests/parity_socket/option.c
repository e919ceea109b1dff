// SPDX-License-Identifier: MIT
/* option.c: scenarios: getsockopt and setsockopt: each option's default, values, and lengths, on each kind of socket.
 */
#include "play.h"

#include <linux/filter.h>
#include <linux/in6.h>

struct named {
    int level, option;
    const char *name;
    int dull; /* its value is the machine's, or memory's: not printed */
};

#define OPTION(level, option)     \
    {                             \
        level, option, #option, 0 \
    }
#define DULL(level, option)       \
    {                             \
        level, option, #option, 1 \
    }

static const struct named integers[] = {
    OPTION(SOL_SOCKET, SO_DEBUG),
    OPTION(SOL_SOCKET, SO_REUSEADDR),
    OPTION(SOL_SOCKET, SO_TYPE),
    OPTION(SOL_SOCKET, SO_ERROR),
    OPTION(SOL_SOCKET, SO_DONTROUTE),
    OPTION(SOL_SOCKET, SO_BROADCAST),
    DULL(SOL_SOCKET, SO_SNDBUF),
    DULL(SOL_SOCKET, SO_RCVBUF),
    OPTION(SOL_SOCKET, SO_KEEPALIVE),
    OPTION(SOL_SOCKET, SO_OOBINLINE),
    OPTION(SOL_SOCKET, SO_NO_CHECK),
    OPTION(SOL_SOCKET, SO_PRIORITY),
    OPTION(SOL_SOCKET, SO_REUSEPORT),
    OPTION(SOL_SOCKET, SO_PASSCRED),
    OPTION(SOL_SOCKET, SO_RCVLOWAT),
    OPTION(SOL_SOCKET, SO_SNDLOWAT),
    OPTION(SOL_SOCKET, SO_TIMESTAMP),
    OPTION(SOL_SOCKET, SO_ACCEPTCONN),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS),
    OPTION(SOL_SOCKET, SO_MARK),
    OPTION(SOL_SOCKET, SO_PROTOCOL),
    OPTION(SOL_SOCKET, SO_DOMAIN),
    OPTION(SOL_SOCKET, SO_RXQ_OVFL),
    OPTION(SOL_SOCKET, SO_PEEK_OFF),
    OPTION(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
    OPTION(SOL_SOCKET, SO_ZEROCOPY),
    OPTION(IPPROTO_IP, IP_TOS),
    OPTION(IPPROTO_IP, IP_TTL),
    OPTION(IPPROTO_IP, IP_HDRINCL),
    OPTION(IPPROTO_IP, IP_RECVTTL),
    OPTION(IPPROTO_IP, IP_RECVTOS),
    OPTION(IPPROTO_IP, IP_PKTINFO),
    OPTION(IPPROTO_IP, IP_RECVERR),
    OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
    OPTION(IPPROTO_IP, IP_MTU),
    OPTION(IPPROTO_IP, IP_MULTICAST_TTL),
    OPTION(IPPROTO_IP, IP_MULTICAST_LOOP),
    OPTION(IPPROTO_IP, IP_FREEBIND),
    OPTION(IPPROTO_IP, IP_TRANSPARENT),
    OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
    OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    OPTION(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
    OPTION(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    OPTION(IPPROTO_IPV6, IPV6_MULTICAST_IF),
    OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    OPTION(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    OPTION(IPPROTO_IPV6, IPV6_RECVTCLASS),
    OPTION(IPPROTO_IPV6, IPV6_RECVERR),
    OPTION(IPPROTO_IPV6, IPV6_TCLASS),
    OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    OPTION(IPPROTO_IPV6, IPV6_MTU),
    OPTION(IPPROTO_IPV6, IPV6_DONTFRAG),
    OPTION(IPPROTO_TCP, TCP_NODELAY),
    DULL(IPPROTO_TCP, TCP_MAXSEG),
    OPTION(IPPROTO_TCP, TCP_CORK),
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT),
    OPTION(IPPROTO_TCP, TCP_SYNCNT),
    OPTION(IPPROTO_TCP, TCP_LINGER2),
    OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    DULL(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    OPTION(IPPROTO_TCP, TCP_QUICKACK),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
    OPTION(IPPROTO_TCP, TCP_FASTOPEN),
    OPTION(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
    OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    OPTION(IPPROTO_TCP, TCP_INQ),
    OPTION(IPPROTO_UDP, UDP_NO_CHECK6_TX),
    OPTION(IPPROTO_UDP, UDP_NO_CHECK6_RX),
    OPTION(IPPROTO_UDP, UDP_SEGMENT),
    OPTION(IPPROTO_UDP, UDP_GRO),
    OPTION(SOL_SOCKET, 4711),
    OPTION(IPPROTO_IP, 4711),
    OPTION(IPPROTO_IPV6, 4711),
    OPTION(IPPROTO_TCP, 4711),
    OPTION(IPPROTO_UDP, 4711),
    OPTION(4711, 1),
    OPTION(-1, 1),
};

enum { INTEGERS = sizeof(integers) / sizeof(*integers) };

static int get_silently(int fd, const struct named *o, int *value, socklen_t *length)
{
    *value = 0x55555555;
    *length = sizeof(*value);
    errno = 0;
    return getsockopt(fd, o->level, o->option, value, length);
}

static const char *got(int fd, const struct named *o)
{
    static char text[64];
    int value;
    socklen_t length;
    if (get_silently(fd, o, &value, &length) != 0)
        return errno_text(errno);
    if (o->dull)
        snprintf(text, sizeof(text), "some (%u)", length);
    else
        snprintf(text, sizeof(text), "%d (%u)", value, length);
    return text;
}

static void defaults(int domain, int type)
{
    int fd = MUST(socket(domain, type, 0));
    for (int i = 0; i < INTEGERS; i++)
        say("%d %s: %s", integers[i].level, integers[i].name, got(fd, &integers[i]));
}

static void values(int domain, int type)
{
    static const int list[] = {1, 0, 2, -1, 3, 255, 256, 1000, 32767, 32768, 65536, INT32_MAX, INT32_MIN};
    for (int i = 0; i < INTEGERS; i++) {
        int fd = MUST(socket(domain, type, 0));
        for (size_t v = 0; v < sizeof(list) / sizeof(*list); v++) {
            errno = 0;
            int result = setsockopt(fd, integers[i].level, integers[i].option, &list[v], sizeof(int));
            const char *error = result == 0 ? "done" : errno_text(errno);
            say("%d %s to %d: %s, now %s", integers[i].level, integers[i].name, list[v], error, got(fd, &integers[i]));
        }
        close(fd);
    }
}

static void lengths(int domain, int type)
{
    static const socklen_t list[] = {0, 1, 2, 3, 5, 8, (socklen_t)-1};
    for (int i = 0; i < INTEGERS; i++) {
        int fd = MUST(socket(domain, type, 0));
        for (size_t l = 0; l < sizeof(list) / sizeof(*list); l++) {
            int value[4] = {1, 0, 0, 0};
            socklen_t length = list[l];
            errno = 0;
            int set = setsockopt(fd, integers[i].level, integers[i].option, value, length);
            int set_errno = errno;
            memset(value, 0x55, sizeof(value));
            errno = 0;
            int result = getsockopt(fd, integers[i].level, integers[i].option, value, &length);
            say("%d %s of %d bytes: set %s, get %s (%d) %s", integers[i].level, integers[i].name, (int)list[l],
                set == 0 ? "done" : errno_text(set_errno), result == 0 ? "done" : errno_text(errno), (int)length,
                integers[i].dull ? "" : data_text(value, 8));
        }
        close(fd);
    }
}

static void pointers(int domain, int type)
{
    int fd = MUST(socket(domain, type, 0)), value = 0;
    socklen_t length = sizeof(value);
    for (int i = 0; i < INTEGERS; i++) {
        errno = 0;
        int set_null = setsockopt(fd, integers[i].level, integers[i].option, NULL, 4) == 0 ? 0 : errno;
        int set_bad = setsockopt(fd, integers[i].level, integers[i].option, bad_pointer(), 4) == 0 ? 0 : errno;
        length = 4;
        int get_null = getsockopt(fd, integers[i].level, integers[i].option, NULL, &length) == 0 ? 0 : errno;
        int get_none = getsockopt(fd, integers[i].level, integers[i].option, &value, NULL) == 0 ? 0 : errno;
        say("%d %s: set %s %s, get %s %s", integers[i].level, integers[i].name, errno_text(set_null),
            errno_text(set_bad), errno_text(get_null), errno_text(get_none));
    }
}

#define ON_ALL(what)                 \
    static void what##_tcp4(void)    \
    {                                \
        what(AF_INET, SOCK_STREAM);  \
    }                                \
    static void what##_tcp6(void)    \
    {                                \
        what(AF_INET6, SOCK_STREAM); \
    }                                \
    static void what##_udp4(void)    \
    {                                \
        what(AF_INET, SOCK_DGRAM);   \
    }                                \
    static void what##_udp6(void)    \
    {                                \
        what(AF_INET6, SOCK_DGRAM);  \
    }

ON_ALL(defaults)
ON_ALL(values)
ON_ALL(lengths)
ON_ALL(pointers)

static void buffers(int fd)
{
    static const int list[] = {0, 1, 1000, 5000, 65536, 100000};
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        say("%d", list[i]);
        SET(fd, SOL_SOCKET, SO_SNDBUF, list[i]);
        GET(fd, SOL_SOCKET, SO_SNDBUF);
        SET(fd, SOL_SOCKET, SO_RCVBUF, list[i]);
        GET(fd, SOL_SOCKET, SO_RCVBUF);
    }
    for (size_t i = 0; i < 2; i++) { /* more than the machine's limit, whatever that is */
        int value = 0;
        socklen_t length = sizeof(value);
        SET(fd, SOL_SOCKET, SO_SNDBUF, i == 0 ? -1 : INT32_MIN);
        MUST(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &length));
        say("large: %d", value > 300000);
        SET(fd, SOL_SOCKET, SO_RCVBUF, i == 0 ? -1 : INT32_MIN);
        MUST(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length));
        say("large: %d", value > 300000);
    }
    SET(fd, SOL_SOCKET, SO_SNDBUFFORCE, 70000);
    GET(fd, SOL_SOCKET, SO_SNDBUF);
    SET(fd, SOL_SOCKET, SO_RCVBUFFORCE, 70000);
    GET(fd, SOL_SOCKET, SO_RCVBUF);
    GET(fd, SOL_SOCKET, SO_SNDBUFFORCE);
}

static void buffers_tcp(void)
{
    buffers(make_tcp(AF_INET));
}

static void buffers_udp(void)
{
    buffers(make_udp(AF_INET));
}

static void linger(void)
{
    int fd = make_tcp(AF_INET);
    static const struct linger list[] = {{1, 5}, {0, 9}, {7, 0}, {1, 70000}, {-1, 3}};
    struct linger value = {5, 5};
    socklen_t length = sizeof(value);
    DO(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length));
    say("%d %d (%u)", value.l_onoff, value.l_linger, length);
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        say("%d %d", list[i].l_onoff, list[i].l_linger);
        DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &list[i], sizeof(list[i])));
        DO(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length));
        say("%d %d (%u)", value.l_onoff, value.l_linger, length);
    }
    DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, 4));
    DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, 7));
    DO(setsockopt(fd, SOL_SOCKET, SO_LINGER, NULL, 8));
    length = 4;
    DO(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length));
    length = 100;
    DO(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &length));
    say("(%u)", length);
}

static void times(void)
{
    static const struct timeval list[] = {{1, 500000}, {0, 0},       {0, 1},         {-1, 0},
                                          {0, -1},     {0, 1000000}, {INT32_MAX, 0}, {0, 10000}};
    int fd = make_udp(AF_INET);
    struct timeval value = {5, 5};
    socklen_t length = sizeof(value);
    DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, &length));
    say("%ld %ld (%u)", (long)value.tv_sec, (long)value.tv_usec, length);
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        say("%ld %ld", (long)list[i].tv_sec, (long)list[i].tv_usec);
        DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &list[i], sizeof(value)));
        DO(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &list[i], sizeof(value)));
        DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, &length));
        say("whole seconds %ld (%u)", (long)value.tv_sec, length);
        DO(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, &length));
        say("whole seconds %ld, zero %d", (long)value.tv_sec, value.tv_sec == 0 && value.tv_usec == 0);
    }
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, 8));
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, 15));
    DO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, NULL, 16));
    length = 4;
    DO(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, &length));
    say("(%u)", length);
}

static void bind_to_device(void)
{
    int fd = make_udp(AF_INET), other = make_udp(AF_INET);
    char name[64] = "";
    socklen_t length = sizeof(name);
    DO(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    say("'%s' (%u)", name, length);
    DO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    length = sizeof(name);
    DO(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    say("'%s' (%u)", name, length);
    length = 2;
    DO(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    DO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 7));
    DO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "a name longer than sixteen bytes", 32));
    DO(bind(fd, V4("127.0.0.1", 6001)));
    DO(sendto(other, "x", 1, 0, V4("127.0.0.1", 6001)));
    RECV(fd, 10, 0);
    GET(fd, SOL_SOCKET, SO_BINDTOIFINDEX);
    SET(fd, SOL_SOCKET, SO_BINDTOIFINDEX, -1);
    SET(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 99);
    DO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    GET(fd, SOL_SOCKET, SO_BINDTOIFINDEX);
}

static void congestion(void)
{
    int fd = make_tcp(AF_INET);
    char name[32] = "";
    socklen_t length = sizeof(name);
    DO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    DO(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length));
    say("'%s' (%u)", name, length);
    DO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "no such", 7));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno and many more bytes", 24));
    length = 2;
    memset(name, 0, sizeof(name));
    DO(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length));
    say("'%s' (%u)", name, length);
}

static void say_state(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    errno = 0;
    int result = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length);
    say("info: %d state %u options %u", result, info.tcpi_state,
        info.tcpi_options & (TCPI_OPT_SACK | TCPI_OPT_TIMESTAMPS | TCPI_OPT_WSCALE));
}

/* Of struct tcp_info as Linux 6.18 has it, every field that the same calls make the same number; the C library's
 * headers are older. */
static void say_info(int fd)
{
    static const struct {
        const char *name;
        unsigned offset, size;
    } fields[] = {
        {"state", 0, 1},
        {"ca_state", 1, 1},
        {"retransmits", 2, 1},
        {"probes", 3, 1},
        {"backoff", 4, 1},
        {"unacked", 24, 4},
        {"sacked", 28, 4},
        {"lost", 32, 4},
        {"retrans", 36, 4},
        {"fackets", 40, 4},
        {"last_ack_sent", 48, 4},
        {"snd_ssthresh", 76, 4},
        {"reordering", 88, 4},
        {"total_retrans", 100, 4},
        {"max_pacing_rate", 112, 8},
        {"bytes_acked", 120, 8},
        {"bytes_received", 128, 8},
        {"notsent_bytes", 144, 4},
        {"data_segs_in", 152, 4},
        {"data_segs_out", 156, 4},
        {"rwnd_limited", 176, 8},
        {"sndbuf_limited", 184, 8},
        {"delivered", 192, 4},
        {"delivered_ce", 196, 4},
        {"bytes_sent", 200, 8},
        {"bytes_retrans", 208, 8},
        {"dsack_dups", 216, 4},
        {"reord_seen", 220, 4},
        {"rcv_ooopack", 224, 4},
        {"rehash", 236, 4},
        {"total_rto", 240, 2},
        {"total_rto_recoveries", 242, 2},
        {"total_rto_time", 244, 4},
        {"received_ce", 248, 4},
        {"delivered_e1_bytes", 252, 4},
        {"delivered_e0_bytes", 256, 4},
        {"delivered_ce_bytes", 260, 4},
        {"received_e1_bytes", 264, 4},
        {"received_e0_bytes", 268, 4},
        {"received_ce_bytes", 272, 4},
        {"accecn_fail_mode", 276, 2},
        {"accecn_opt_seen", 278, 2},
    };
    char room[512] = "";
    socklen_t length = sizeof(room);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_INFO, room, &length));
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        unsigned long long value = 0; /* least significant byte first */
        memcpy(&value, room + fields[i].offset, fields[i].size);
        say("%s %llu", fields[i].name, value);
    }
    say("of %u bytes", length);
}

static void info_of_transfer(void)
{
    int ends[2];
    char name[16] = "reno", room[64];
    socklen_t length = sizeof(room);
    make_pair(AF_INET, ends);
    DO(send(ends[0], "some data", 9, 0));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 100, 0);
    DO(send(ends[1], "and back", 8, 0));
    AWAIT(ends[0], POLLIN);
    RECV(ends[0], 100, 0);
    say_info(ends[0]);
    say_info(ends[1]);
    DO(setsockopt(ends[0], IPPROTO_TCP, TCP_CONGESTION, name, 4));
    DO(getsockopt(ends[0], IPPROTO_TCP, TCP_CC_INFO, room, &length));
    say("(%u)", length);
    length = sizeof(room);
    DO(setsockopt(ends[0], IPPROTO_TCP, TCP_CONGESTION, "bbr", 3));
    DO(getsockopt(ends[0], IPPROTO_TCP, TCP_CC_INFO, room, &length));
    say("(%u)", length);
    length = 5;
    DO(getsockopt(ends[0], IPPROTO_TCP, TCP_CC_INFO, room, &length));
    say("(%u)", length);
}

static void info(void)
{
    int fd = make_tcp(AF_INET), ends[2], listener = make_listener(AF_INET, 5000, 1);
    char part[4];
    socklen_t length = sizeof(part);
    say_state(fd);
    say_state(listener);
    make_pair(AF_INET, ends);
    say_state(ends[0]);
    say_state(ends[1]);
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLIN);
    say_state(ends[1]);
    DO(shutdown(ends[1], SHUT_WR));
    AWAIT(ends[0], POLLIN);
    AWAIT(ends[1], POLLHUP);
    say_state(ends[1]);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_INFO, part, &length));
    say("(%u)", length);
    length = 0;
    DO(getsockopt(fd, IPPROTO_TCP, TCP_INFO, part, &length));
}

/* What may be set at any time, and what not any more. */
static void delay(void)
{
    int fd = make_tcp(AF_INET);
    SET(fd, IPPROTO_TCP, TCP_TX_DELAY, 0);
    SET(fd, IPPROTO_TCP, TCP_TX_DELAY, -1);
    SET(fd, IPPROTO_TCP, TCP_TX_DELAY, 1000);
}

static void of_connections(void)
{
    int ends[2], listener = make_listener(AF_INET6, 5000, 1);
    make_pair(AF_INET6, ends);
    SET(ends[0], IPPROTO_IPV6, IPV6_V6ONLY, 1);
    SET(listener, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    GET(ends[0], SOL_SOCKET, SO_ACCEPTCONN);
    GET(listener, SOL_SOCKET, SO_ACCEPTCONN);
    SET(ends[0], IPPROTO_TCP, TCP_NODELAY, 1);
    SET(ends[0], IPPROTO_TCP, TCP_MAXSEG, 1000);
    GET(ends[0], IPPROTO_IPV6, IPV6_MTU);
    SET(ends[0], SOL_SOCKET, SO_KEEPALIVE, 1);
    GET(ends[0], SOL_SOCKET, SO_KEEPALIVE);
    SET(ends[0], IPPROTO_TCP, TCP_KEEPIDLE, 32767);
    SET(ends[0], IPPROTO_TCP, TCP_KEEPIDLE, 32768);
    SET(ends[0], IPPROTO_TCP, TCP_FASTOPEN, 1);
    SET(listener, IPPROTO_TCP, TCP_FASTOPEN, 1);
    SET(ends[0], IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    GET(ends[0], IPPROTO_TCP, TCP_DEFER_ACCEPT);
}

static void names_of_options(void)
{
    int ends[2], listener = make_listener(AF_INET, 5000, 1);
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    uint64_t cookie = 0;
    make_pair(AF_INET, ends);
    DO(getsockopt(ends[0], SOL_SOCKET, SO_PEERNAME, &name, &length));
    say("%s", address_text(&name, length));
    length = 100;
    DO(getsockopt(listener, SOL_SOCKET, SO_PEERNAME, &name, &length));
    length = 4;
    DO(getsockopt(ends[0], SOL_SOCKET, SO_PEERNAME, &name, &length));
    length = sizeof(cookie);
    DO(getsockopt(ends[0], SOL_SOCKET, SO_COOKIE, &cookie, &length));
    say("some %d (%u)", cookie != 0, length);
    length = 4;
    DO(getsockopt(ends[0], SOL_SOCKET, SO_COOKIE, &cookie, &length));
    struct ucred peer = {1, 1, 1};
    length = sizeof(peer);
    DO(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("process %d user %d group %d (%u)", peer.pid, (int)peer.uid, (int)peer.gid, length);
    DO(setsockopt(ends[0], SOL_SOCKET, SO_TYPE, &length, 4));
    DO(setsockopt(ends[0], SOL_SOCKET, SO_ERROR, &length, 4));
    DO(setsockopt(ends[0], SOL_SOCKET, SO_PEERNAME, &length, 4));
}

#define LIST_OF(what)                                                               \
    {"option/" #what "_tcp4", what##_tcp4}, {"option/" #what "_tcp6", what##_tcp6}, \
        {"option/" #what "_udp4", what##_udp4},                                     \
    {                                                                               \
        "option/" #what "_udp6", what##_udp6                                        \
    }

const struct scenario option_scenarios[] = {
    LIST_OF(defaults),
    LIST_OF(values),
    LIST_OF(lengths),
    LIST_OF(pointers),
    {"option/buffers_tcp", buffers_tcp},
    {"option/buffers_udp", buffers_udp},
    {"option/linger", linger},
    {"option/times", times},
    {"option/bind_to_device", bind_to_device},
    {"option/congestion", congestion},
    {"option/info", info},
    {"option/info_of_transfer", info_of_transfer},
    {"option/delay", delay},
    {"option/of_connections", of_connections},
    {"option/names", names_of_options},
    {NULL, NULL},
};
