// SPDX-License-Identifier: MIT
/* unix.c: scenarios: AF_UNIX: kinds, names, connecting, accepting, and how it ends.
 *
 * A path is in an empty directory on the kernel's side, and a name of the stack on ours. */
#include "play.h"

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void kinds(void)
{
    static const int all[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RDM, 0, 11};
    static const int protocols[] = {0, 1, 2, 6, -1};
    for (size_t t = 0; t < sizeof(all) / sizeof(*all); t++) {
        for (size_t p = 0; p < sizeof(protocols) / sizeof(*protocols); p++) {
            int pair[2];
            say("type %d protocol %d", all[t], protocols[p]);
            FD(socket(AF_UNIX, all[t], protocols[p]));
            DO(socketpair(AF_UNIX, all[t], protocols[p], pair));
        }
    }
}

static void pairs(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        DO(socketpair(AF_UNIX, types[t] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        DO(fcntl(pair[0], F_GETFL));
        DO(fcntl(pair[1], F_GETFD));
        NAME(pair[0]);
        PEER(pair[0]);
        READY(pair[0]);
        RECV(pair[0], 10, 0);
        DO(send(pair[0], "hello", 5, 0));
        READY(pair[1]);
        RECV(pair[1], 10, 0);
        DO(close(pair[0]));
        READY(pair[1]);
        RECV(pair[1], 10, 0);
        hear_pipes();
        DO(send(pair[1], "x", 1, 0));
        say("pipes: %d", pipes_heard());
        PEER(pair[1]);
        GET(pair[1], SOL_SOCKET, SO_ERROR);
    }
    DO(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
    DO(socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer()));
}

static void names(int type)
{
    int fd = MUST(socket(AF_UNIX, type, 0)), other = MUST(socket(AF_UNIX, type, 0));
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    NAME(fd);
    PEER(fd);
    DO(bind(fd, (struct sockaddr *)&address, 0));
    DO(bind(fd, (struct sockaddr *)&address, 1));
    DO(bind(fd, (struct sockaddr *)&address, sizeof(struct sockaddr_un) + 1));
    DO(bind(fd, NULL, 10));
    DO(bind(fd, V4("127.0.0.1", 5000)));
    DO(bind(fd, UN("a name")));
    NAME(fd);
    DO(bind(fd, UN("a name")));
    DO(bind(fd, UN("another")));
    DO(bind(other, UN("a name")));
    DO(bind(other, UN("@abstract")));
    NAME(other);
    DO(close(fd));
    fd = MUST(socket(AF_UNIX, type, 0));
    DO(bind(fd, UN("a name"))); /* the file is still there */
    DO(bind(fd, UN("@abstract")));
    DO(close(other));
    DO(bind(fd, UN("@abstract"))); /* the name is not */
}

/* What only a file system says. */
static void paths(void)
{
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(bind(listener, UN("here")));
    MUST(listen(listener, 1));
    DO(connect(fd, UN("here/below")));
    DO(bind(fd, UN("no such folder/name")));
}

static void names_stream(void)
{
    names(SOCK_STREAM);
}

static void names_datagram(void)
{
    names(SOCK_DGRAM);
}

static void long_names(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t header = offsetof(struct sockaddr_un, sun_path);
    int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    memset(address.sun_path, 'p', sizeof(address.sun_path));
    DO(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    address.sun_path[0] = 0;
    DO(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    memcpy(address.sun_path, "\0a\0b", 4);
    DO(bind(fd, (struct sockaddr *)&address, header + 4));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    DO(bind(fd, (struct sockaddr *)&address, header + 3));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    memcpy(address.sun_path, "cut\0off", 7);
    DO(bind(fd, (struct sockaddr *)&address, header + 7));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    memcpy(address.sun_path, "ended", 5);
    DO(bind(fd, (struct sockaddr *)&address, header + 5));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    address.sun_path[0] = 0;
    DO(bind(fd, (struct sockaddr *)&address, header + 1));
    NAME(fd);
    fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    DO(connect(fd, (struct sockaddr *)&address, header + 1));
}

static void name_lengths(void)
{
    static const socklen_t lengths[] = {0, 1, 2, 3, 6, 7, 8, 110, 200};
    int fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), unnamed = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    MUST(bind(fd, UN("name")));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        char name[200];
        socklen_t length = lengths[i];
        memset(name, 0x55, sizeof(name));
        DO(getsockname(fd, (struct sockaddr *)name, &length));
        say("%u: '%s'", length, data_text(name, 12));
        length = lengths[i];
        memset(name, 0x55, sizeof(name));
        DO(getsockname(unnamed, (struct sockaddr *)name, &length));
        say("%u: '%s'", length, data_text(name, 12));
    }
}

static void autobind(void)
{
    struct sockaddr family = {.sa_family = AF_UNIX};
    int a = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    DO(bind(a, &family, sizeof(sa_family_t)));
    NAME(a);
    DO(bind(a, &family, sizeof(sa_family_t)));
    DO(bind(a, UN("later")));
    DO(bind(b, &family, sizeof(sa_family_t)));
    NAME(b);
    DO(listen(b, 1));
    int c = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    DO(getsockname(a, (struct sockaddr *)&name, &length));
    DO(sendto(c, "found", 5, 0, (struct sockaddr *)&name, length));
    RECVFROM(a, 10, 0);
}

static int listening(int type, const char *text, int backlog)
{
    int fd = MUST(socket(AF_UNIX, type, 0));
    MUST(bind(fd, UN(text)));
    MUST(listen(fd, backlog));
    return fd;
}

static void echo(int type)
{
    int listener = listening(type, "name", 4), client = MUST(socket(AF_UNIX, type, 0));
    struct sockaddr_un from;
    socklen_t length = sizeof(from);
    READY(listener);
    READY(client);
    GET(listener, SOL_SOCKET, SO_ACCEPTCONN);
    DO(connect(client, UN("name")));
    READY(listener);
    READY(client);
    NAME(client);
    PEER(client);
    DO(send(client, "early", 5, 0));
    int server = FD(accept(listener, (struct sockaddr *)&from, &length));
    say("from %s", address_text(&from, length));
    NAME(server);
    PEER(server);
    RECV(server, 10, 0);
    DO(send(server, "answer", 6, 0));
    RECVFROM(client, 3, 0);
    RECV(client, 10, MSG_DONTWAIT);
    DO(connect(client, UN("name")));
    DO(bind(client, UN("client")));
    NAME(client);
    PEER(server);
    DO(shutdown(client, SHUT_WR));
    READY(server);
    RECV(server, 10, 0);
    DO(send(client, "x", 1, MSG_NOSIGNAL));
    DO(send(server, "back", 4, 0));
    RECV(client, 10, 0);
    DO(close(server));
    READY(client);
    RECV(client, 10, 0);
    DO(close(listener));
    DO(connect(MUST(socket(AF_UNIX, type, 0)), UN("name")));
}

static void echo_stream(void)
{
    echo(SOCK_STREAM);
}

static void echo_sequenced(void)
{
    echo(SOCK_SEQPACKET);
}

static void connecting(int type)
{
    int fd = MUST(socket(AF_UNIX, type, 0)), listener = listening(type, "here", 2);
    int wrong = listening(type == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM, "wrong", 1);
    int deaf = MUST(socket(AF_UNIX, type, 0)), datagram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    MUST(bind(deaf, UN("deaf")));
    MUST(bind(datagram, UN("datagram")));
    DO(connect(fd, UN("nowhere")));
    DO(connect(fd, UN("@nowhere")));
    DO(connect(fd, UN("deaf")));
    DO(connect(fd, UN("wrong")));
    DO(connect(fd, UN("datagram")));
    DO(connect(fd, V4("127.0.0.1", 5000)));
    DO(connect(fd, &unspecified, sizeof(unspecified)));
    DO(connect(fd, UN("here") - 200));
    DO(connect(fd, NULL, 10));
    DO(connect(fd, play_un("here"), 1));
    DO(connect(fd, play_un("here"), 2));
    DO(connect(fd, UN("here")));
    DO(connect(fd, UN("here")));
    DO(connect(fd, UN("nowhere")));
    DO(connect(fd, &unspecified, sizeof(unspecified)));
    DO(listen(fd, 1));
    FD(accept(fd, NULL, NULL));
    DO(connect(listener, UN("here")));
    DO(connect(deaf, UN("here")));
    DO(listen(deaf, 1));
    int self = MUST(socket(AF_UNIX, type, 0));
    MUST(bind(self, UN("self")));
    DO(connect(self, UN("self")));
    MUST(close(wrong));
}

static void connecting_stream(void)
{
    connecting(SOCK_STREAM);
}

static void connecting_sequenced(void)
{
    connecting(SOCK_SEQPACKET);
}

static void not_connected(void)
{
    int datagram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    DO(listen(datagram, 1));
    FD(accept(datagram, NULL, NULL));
    DO(send(datagram, "x", 1, 0));
    DO(shutdown(datagram, SHUT_RD));
    DO(shutdown(datagram, 9));
    READY(datagram);
    for (size_t t = 0; t < 3; t += 2) {
        int fd = MUST(socket(AF_UNIX, types[t], 0));
        DO(listen(fd, 1));
        FD(accept(fd, NULL, NULL));
        RECV(fd, 10, 0);
        RECV(fd, 10, MSG_DONTWAIT);
        DO(send(fd, "x", 1, MSG_NOSIGNAL));
        DO(sendto(fd, "x", 1, MSG_NOSIGNAL, UN("name")));
        DO(shutdown(fd, SHUT_WR));
        READY(fd);
        GET(fd, SOL_SOCKET, SO_ERROR);
    }
}

static void backlog(int type)
{
    int listener = listening(type, "name", 1), fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = MUST(socket(AF_UNIX, type, 0));
        make_nonblocking(fds[i]);
        DO(connect(fds[i], UN("name")));
        READY(fds[i]);
    }
    FD(accept(listener, NULL, NULL));
    DO(connect(fds[3], UN("name")));
    DO(listen(listener, 5));
    DO(connect(fds[3], UN("name")));
    make_nonblocking(listener);
    for (int i = 0; i < 4; i++)
        FD(accept(listener, NULL, NULL));
    DO(shutdown(listener, SHUT_RDWR));
    READY(listener);
    FD(accept(listener, NULL, NULL));
    DO(connect(MUST(socket(AF_UNIX, type, 0)), UN("name")));
    DO(listen(listener, 1));
}

static void backlog_stream(void)
{
    backlog(SOCK_STREAM);
}

static void backlog_sequenced(void)
{
    backlog(SOCK_SEQPACKET);
}

/* Connections that nobody accepted. */
static void listener_gone(void)
{
    int listener = listening(SOCK_STREAM, "name", 4), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(connect(client, UN("name")));
    DO(send(client, "x", 1, 0));
    DO(close(listener));
    READY(client);
    RECV(client, 10, 0);
    RECV(client, 10, 0);
    DO(send(client, "x", 1, MSG_NOSIGNAL));
}

static void ended_with_unread(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], "unread", 6, 0));
        DO(close(pair[1]));
        READY(pair[0]);
        GET(pair[0], SOL_SOCKET, SO_ERROR);
        RECV(pair[0], 10, MSG_DONTWAIT);
        DO(send(pair[0], "x", 1, MSG_NOSIGNAL));
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], "kept", 4, 0));
        DO(close(pair[0]));
        READY(pair[1]);
        RECV(pair[1], 10, 0);
        RECV(pair[1], 10, MSG_DONTWAIT);
    }
}

static void shutting(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], "kept", 4, 0));
        DO(shutdown(pair[1], SHUT_RD));
        READY(pair[0]);
        READY(pair[1]);
        RECV(pair[1], 10, MSG_DONTWAIT);
        RECV(pair[1], 10, MSG_DONTWAIT);
        hear_pipes();
        DO(send(pair[0], "x", 1, 0));
        say("pipes: %d", pipes_heard());
        DO(send(pair[1], "other way", 9, 0));
        RECV(pair[0], 20, 0);
        DO(shutdown(pair[1], SHUT_WR));
        READY(pair[0]);
        READY(pair[1]);
        RECV(pair[0], 20, MSG_DONTWAIT);
        DO(shutdown(pair[0], SHUT_RDWR));
        READY(pair[1]);
        DO(shutdown(pair[0], 5));
    }
}

static void datagrams(void)
{
    int a = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    int c = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), listener = listening(SOCK_STREAM, "stream", 1);
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    MUST(bind(b, UN("b")));
    MUST(bind(c, UN("@c")));
    DO(sendto(a, "one", 3, 0, UN("b")));
    DO(sendto(c, "two", 3, 0, UN("b")));
    DO(sendto(a, "", 0, 0, UN("b")));
    RECVFROM(b, 10, 0);
    RECVFROM(b, 2, 0);
    RECVFROM(b, 10, 0);
    RECVFROM(b, 10, MSG_DONTWAIT);
    DO(sendto(a, "x", 1, 0, UN("nowhere")));
    DO(sendto(a, "x", 1, 0, UN("@nowhere")));
    DO(sendto(a, "x", 1, 0, UN("stream")));
    DO(sendto(a, "x", 1, 0, V4("127.0.0.1", 1)));
    DO(send(a, "x", 1, 0));
    DO(connect(a, UN("b")));
    PEER(a);
    DO(send(a, "three", 5, 0));
    DO(sendto(a, "four", 4, 0, UN("@c")));
    RECVFROM(b, 10, 0);
    RECVFROM(c, 10, 0);
    DO(connect(b, UN("@c")));
    DO(send(a, "not the peer", 12, 0));
    DO(sendto(a, "not the peer", 12, 0, UN("b")));
    DO(connect(a, UN("b")));
    DO(connect(a, &unspecified, sizeof(unspecified)));
    PEER(a);
    DO(send(a, "x", 1, 0));
    DO(connect(a, UN("@c")));
    DO(close(c));
    DO(send(a, "x", 1, 0));
    DO(send(a, "x", 1, 0));
    READY(a);
    DO(close(b));
    DO(sendto(a, "x", 1, 0, UN("b")));
    DO(close(listener));
}

static void options(void)
{
    static const int list[] = {SO_TYPE,      SO_DOMAIN,    SO_PROTOCOL,  SO_PASSCRED, SO_ERROR,    SO_ACCEPTCONN,
                               SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_PEEK_OFF, SO_RCVLOWAT, SO_SNDLOWAT};
    for (size_t t = 0; t < 3; t++) {
        int fd = MUST(socket(AF_UNIX, types[t], 0));
        for (size_t o = 0; o < sizeof(list) / sizeof(*list); o++) {
            say("option %d", list[o]);
            GET(fd, SOL_SOCKET, list[o]);
            SET(fd, SOL_SOCKET, list[o], 1);
            GET(fd, SOL_SOCKET, list[o]);
        }
        GET(fd, IPPROTO_TCP, TCP_NODELAY);
        SET(fd, IPPROTO_IP, IP_TTL, 5);
        SET(fd, SOL_SOCKET, SO_SNDBUF, 5000);
        GET(fd, SOL_SOCKET, SO_SNDBUF);
        SET(fd, SOL_SOCKET, SO_RCVBUF, 5000);
        GET(fd, SOL_SOCKET, SO_RCVBUF);
    }
}

const struct scenario unix_scenarios[] = {
    {"unix/kinds", kinds},
    {"unix/pairs", pairs},
    {"unix/names_stream", names_stream},
    {"unix/names_datagram", names_datagram},
    {"unix/paths", paths},
    {"unix/long_names", long_names},
    {"unix/name_lengths", name_lengths},
    {"unix/autobind", autobind},
    {"unix/echo_stream", echo_stream},
    {"unix/echo_sequenced", echo_sequenced},
    {"unix/connecting_stream", connecting_stream},
    {"unix/connecting_sequenced", connecting_sequenced},
    {"unix/not_connected", not_connected},
    {"unix/backlog_stream", backlog_stream},
    {"unix/backlog_sequenced", backlog_sequenced},
    {"unix/listener_gone", listener_gone},
    {"unix/ended_with_unread", ended_with_unread},
    {"unix/shutting", shutting},
    {"unix/datagrams", datagrams},
    {"unix/options", options},
    {NULL, NULL},
};
