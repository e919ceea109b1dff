// SPDX-License-Identifier: MIT
/* name.c: scenarios: bind, and the names of sockets: which are free, which are wrong, and how short they are cut. */
#include "play.h"

static void errors(int family, int type)
{
    struct sockaddr_storage address = {0};
    int fd = MUST(socket(family, type, 0));
    socklen_t size = address_size(family);
    memcpy(&address, loopback(family, 5000), size);
    NAME(fd);
    DO(bind(fd, (struct sockaddr *)&address, 0));
    DO(bind(fd, (struct sockaddr *)&address, 1));
    DO(bind(fd, (struct sockaddr *)&address, size - 4));
    DO(bind(fd, (struct sockaddr *)&address, size - 1));
    DO(bind(fd, (struct sockaddr *)&address, (socklen_t)-1));
    DO(bind(fd, (struct sockaddr *)&address, sizeof(address) + 1));
    DO(bind(fd, NULL, size));
    DO(bind(fd, bad_pointer(), size));
    DO(bind(fd, NULL, 0));
    address.ss_family = AF_UNIX;
    DO(bind(fd, (struct sockaddr *)&address, size));
    address.ss_family = AF_UNSPEC;
    DO(bind(fd, (struct sockaddr *)&address, size));
    address.ss_family = 4711;
    DO(bind(fd, (struct sockaddr *)&address, size));
    DO(bind(fd, V4("192.0.2.1", 5000)));
    DO(bind(fd, V6("2001:db8::1", 5000)));
    DO(bind(fd, V4("240.0.0.1", 5000)));
    NAME(fd);
    address.ss_family = (sa_family_t)family;
    DO(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    NAME(fd);
    DO(bind(fd, (struct sockaddr *)&address, size));
    DO(bind(fd, loopback(family, 5001), size));
    int other = MUST(socket(family, type, 0));
    DO(bind(other, loopback(family, 5000), size));
    DO(bind(other, loopback(family, 0), size));
    NAME(other);
}

static void errors_tcp4(void)
{
    errors(AF_INET, SOCK_STREAM);
}

static void errors_tcp6(void)
{
    errors(AF_INET6, SOCK_STREAM);
}

static void errors_udp4(void)
{
    errors(AF_INET, SOCK_DGRAM);
}

static void errors_udp6(void)
{
    errors(AF_INET6, SOCK_DGRAM);
}

static void unspecified(void)
{
    struct sockaddr_in any = {.sin_family = AF_UNSPEC, .sin_port = htons(5000)};
    struct sockaddr_in6 any6 = {.sin6_family = AF_UNSPEC, .sin6_port = htons(5001)};
    int fd = make_tcp(AF_INET), fd6 = make_tcp(AF_INET6);
    DO(bind(fd, (struct sockaddr *)&any, sizeof(any)));
    NAME(fd);
    DO(bind(fd6, (struct sockaddr *)&any6, sizeof(any6)));
    DO(bind(fd6, (struct sockaddr *)&any, sizeof(any)));
    NAME(fd6);
}

static void special_one(int type, const char *text)
{
    int fd = MUST(socket(strchr(text, ':') == NULL ? AF_INET : AF_INET6, type, 0));
    say("%s", text);
    if (strchr(text, ':') == NULL)
        DO(bind(fd, V4(text, 5000)));
    else
        DO(bind(fd, V6(text, 5000)));
    NAME(fd);
    close(fd);
}

static void special(int type)
{
    static const char *const texts[] = {
        "0.0.0.0",  "127.0.0.1", "127.1.2.3", "127.255.255.255",  "255.255.255.255", "224.0.0.1",       "239.1.2.3",
        "10.0.0.1", "::",        "::1",       "::ffff:127.0.0.1", "::ffff:0.0.0.0",  "::ffff:10.0.0.1", "::127.0.0.1",
        "ff02::1",  "ff0e::5",   "fe80::1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        special_one(type, texts[i]);
}

static void special_tcp(void)
{
    special(SOCK_STREAM);
}

static void special_udp(void)
{
    special(SOCK_DGRAM);
}

static void mapped_v6_only(void)
{
    int fd = make_udp(AF_INET6);
    SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    DO(bind(fd, V6("::ffff:127.0.0.1", 5000)));
    DO(bind(fd, V6("::", 5000)));
    SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    GET(fd, IPPROTO_IPV6, IPV6_V6ONLY);
}

static int holder(int type, const char *text, int reuse_address, int reuse_port, int only)
{
    int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    int fd = MUST(socket(family, type, 0));
    if (reuse_address)
        MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse_address, sizeof(int)));
    if (reuse_port)
        MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse_port, sizeof(int)));
    if (only)
        MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(int)));
    errno = 0;
    int result = family == AF_INET ? bind(fd, V4(text, 5000)) : bind(fd, V6(text, 5000));
    say("bind %s%s%s%s: %d %s", text, reuse_address ? " reuseaddr" : "", reuse_port ? " reuseport" : "",
        only ? " v6only" : "", result, result == 0 ? "" : errno_text(errno));
    return fd;
}

static void conflicts(int type)
{
    static const char *const texts[] = {"127.0.0.1", "0.0.0.0", "127.0.0.2", "::1", "::", "::ffff:127.0.0.1"};
    enum { COUNT = sizeof(texts) / sizeof(*texts) };
    for (int reuse = 0; reuse < 8; reuse++) {
        for (int i = 0; i < COUNT * COUNT; i++) {
            int first =
                holder(type, texts[i / COUNT], reuse & 1, reuse & 2, reuse & 4 && strcmp(texts[i / COUNT], "::") == 0);
            int second = holder(type, texts[i % COUNT], reuse & 1, reuse & 2, 0);
            close(first);
            close(second);
        }
    }
}

static void conflicts_tcp(void)
{
    conflicts(SOCK_STREAM);
}

static void conflicts_udp(void)
{
    conflicts(SOCK_DGRAM);
}

/* Reuse of an address that listens, and one of the two without the option. */
static void conflicts_mixed(void)
{
    int first = holder(SOCK_STREAM, "127.0.0.1", 1, 0, 0);
    int second = holder(SOCK_STREAM, "127.0.0.1", 1, 0, 0);
    DO(listen(first, 1));
    DO(listen(second, 1));
    DO(close(second));
    second = holder(SOCK_STREAM, "127.0.0.1", 1, 0, 0);
    DO(close(first));
    second = holder(SOCK_STREAM, "127.0.0.1", 0, 0, 0);
    first = holder(SOCK_STREAM, "0.0.0.0", 1, 0, 0);
    DO(close(second));
    first = holder(SOCK_STREAM, "0.0.0.0", 0, 1, 0);
    second = holder(SOCK_STREAM, "0.0.0.0", 1, 0, 0);
    second = holder(SOCK_STREAM, "0.0.0.0", 1, 1, 0);
    DO(listen(first, 1));
    DO(listen(second, 1));
}

/* A connection that was accepted, or is gone by half, holds its port. */
static void held_by_connections(void)
{
    int listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET), again = make_tcp(AF_INET), accepted;
    MUST(connect(client, V4("127.0.0.1", 5000)));
    accepted = FD(accept(listener, NULL, NULL));
    DO(close(listener));
    DO(bind(again, V4("127.0.0.1", 5000)));
    SET(again, SOL_SOCKET, SO_REUSEADDR, 1);
    DO(bind(again, V4("127.0.0.1", 5000)));
    SET(accepted, SOL_SOCKET, SO_REUSEADDR, 1);
    DO(bind(again, V4("127.0.0.1", 5000)));
    DO(listen(again, 1));
}

static void cut(int fd, int peer)
{
    static const socklen_t lengths[] = {0, 1, 2, 3, 4, 8, 15, 16, 27, 28, 29, 128, 1000};
    char name[1000];
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        socklen_t length = lengths[i];
        memset(name, 0x55, sizeof(name));
        errno = 0;
        int result = peer ? getpeername(fd, (struct sockaddr *)name, &length)
                          : getsockname(fd, (struct sockaddr *)name, &length);
        if (!peer)
            name[2] = name[3] = 'p';
        say("length %u: %d %s length %u '%s'", lengths[i], result, result == 0 ? "" : errno_text(errno), length,
            data_text(name, 30));
    }
    socklen_t wrong = (socklen_t)-1, good = sizeof(name);
    DO(getsockname(fd, (struct sockaddr *)name, &wrong));
    DO(getsockname(fd, NULL, &good));
    DO(getsockname(fd, bad_pointer(), &good));
    DO(getsockname(fd, (struct sockaddr *)name, NULL));
    DO(getsockname(fd, (struct sockaddr *)name, bad_pointer()));
    good = 0;
    DO(getsockname(fd, NULL, &good));
    say("length %u", good);
    good = sizeof(name);
    DO(getpeername(fd, NULL, &good));
    DO(getpeername(fd, (struct sockaddr *)name, &wrong));
    DO(getpeername(fd, (struct sockaddr *)name, NULL));
}

static void lengths_v4(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    cut(ends[0], 0);
    cut(ends[0], 1);
}

static void lengths_v6(void)
{
    int ends[2];
    make_pair(AF_INET6, ends);
    cut(ends[0], 0);
    cut(ends[0], 1);
    int fresh = make_tcp(AF_INET6);
    cut(fresh, 0);
    cut(fresh, 1);
}

static void accepted_lengths(void)
{
    static const socklen_t lengths[] = {0, 2, 8, 16, 28, 100};
    int listener = make_listener(AF_INET, 5000, 16);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        int client = make_tcp(AF_INET);
        char name[100];
        socklen_t length = lengths[i];
        MUST(connect(client, V4("127.0.0.1", 5000)));
        memset(name, 0x55, sizeof(name));
        FD(accept(listener, (struct sockaddr *)name, &length));
        name[2] = name[3] = 'p';
        say("length %u: '%s'", length, data_text(name, 20));
    }
    for (int i = 0; i < 5; i++)
        MUST(connect(make_tcp(AF_INET), V4("127.0.0.1", 5000)));
    struct sockaddr_storage from;
    socklen_t length = (socklen_t)-1;
    make_nonblocking(listener);
    FD(accept(listener, (struct sockaddr *)&from, &length));
    FD(accept(listener, (struct sockaddr *)&from, NULL));
    FD(accept(listener, NULL, &length));
    length = sizeof(from);
    FD(accept(listener, bad_pointer(), &length));
    FD(accept(listener, (struct sockaddr *)&from, bad_pointer()));
    FD(accept(listener, NULL, NULL));
}

static void families(void)
{
    int listener = make_listener(0, 5000, 4), v4 = make_tcp(AF_INET), v6 = make_tcp(AF_INET6),
        mapped = make_tcp(AF_INET6);
    NAME(listener);
    DO(connect(v4, V4("127.0.0.1", 5000)));
    DO(connect(v6, V6("::1", 5000)));
    DO(connect(mapped, V6("::ffff:127.0.0.1", 5000)));
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = FD(accept(listener, NULL, NULL));
        NAME(fds[i]);
        PEER(fds[i]);
    }
    NAME(v4);
    PEER(v4);
    NAME(v6);
    PEER(v6);
    NAME(mapped);
    PEER(mapped);
}

const struct scenario name_scenarios[] = {
    {"name/errors_tcp4", errors_tcp4},
    {"name/errors_tcp6", errors_tcp6},
    {"name/errors_udp4", errors_udp4},
    {"name/errors_udp6", errors_udp6},
    {"name/unspecified", unspecified},
    {"name/special_tcp", special_tcp},
    {"name/special_udp", special_udp},
    {"name/mapped_v6_only", mapped_v6_only},
    {"name/conflicts_tcp", conflicts_tcp},
    {"name/conflicts_udp", conflicts_udp},
    {"name/conflicts_mixed", conflicts_mixed},
    {"name/held_by_connections", held_by_connections},
    {"name/lengths_v4", lengths_v4},
    {"name/lengths_v6", lengths_v6},
    {"name/accepted_lengths", accepted_lengths},
    {"name/families", families},
    {NULL, NULL},
};
