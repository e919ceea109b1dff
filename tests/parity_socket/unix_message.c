// SPDX-License-Identifier: MIT
/* unix_message.c: scenarios: what AF_UNIX sends and receives: records, peeking, descriptors, credentials. */
#include "play.h"

#include <linux/sockios.h>

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void transfers(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2], value = -1;
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], "abcdef", 6, 0));
        DO(send(pair[0], "gh", 2, 0));
        DO(send(pair[0], "", 0, 0));
        DO(send(pair[0], "ij", 2, MSG_EOR));
        DO(ioctl(pair[1], FIONREAD, &value));
        say("%d", value);
        SOME(ioctl(pair[0], SIOCOUTQ, &value) + (value > 0));
        RECV(pair[1], 3, MSG_PEEK);
        RECV(pair[1], 3, MSG_PEEK | MSG_TRUNC);
        RECV(pair[1], 3, 0);
        RECVMSG(pair[1], 3, 0);
        RECVMSG(pair[1], 30, 0);
        RECVMSG(pair[1], 30, MSG_DONTWAIT);
        RECV(pair[1], 30, MSG_DONTWAIT | MSG_TRUNC);
        RECV(pair[1], 30, MSG_DONTWAIT);
        RECV(pair[1], 30, MSG_OOB | MSG_DONTWAIT);
        RECV(pair[1], 30, MSG_ERRQUEUE | MSG_DONTWAIT);
        DO(send(pair[0], "x", 1, MSG_OOB));
        DO(ioctl(pair[1], FIONREAD, NULL));
        DO(ioctl(pair[1], 4711, &value));
    }
}

static void wait_all(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], "abc", 3, 0));
        DO(send(pair[0], "def", 3, 0));
        RECV(pair[1], 6, MSG_WAITALL);
        RECV(pair[1], 6, MSG_WAITALL | MSG_DONTWAIT);
        DO(send(pair[0], "abc", 3, 0));
        DO(shutdown(pair[0], SHUT_WR));
        RECV(pair[1], 6, MSG_WAITALL);
        RECV(pair[1], 6, MSG_DONTWAIT);
    }
}

static void pointers(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        DO(send(pair[0], bad_pointer(), 4, 0));
        DO(send(pair[0], NULL, 4, 0));
        DO(send(pair[0], NULL, 0, 0));
        RECV(pair[1], 4, MSG_DONTWAIT);
        DO(recv(pair[1], bad_pointer(), 4, MSG_DONTWAIT));
        DO(send(pair[0], "abc", 3, 0));
        DO(recv(pair[1], bad_pointer(), 4, 0));
        RECV(pair[1], 4, MSG_DONTWAIT);
        DO(recvmsg(pair[1], NULL, 0));
        DO(sendmsg(pair[0], bad_pointer(), 0));
    }
}

static void many_messages(void)
{
    int pair[2];
    char data[3][4] = {"", "", ""};
    struct iovec out[] = {{(void *)(uintptr_t) "ab", 2}, {(void *)(uintptr_t) "cde", 3}};
    struct iovec in[] = {{data[0], 4}, {data[1], 4}, {data[2], 4}};
    for (size_t t = 0; t < 3; t++) {
        struct mmsghdr messages[3];
        memset(messages, 0, sizeof(messages));
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        for (int i = 0; i < 2; i++)
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
        DO(sendmmsg(pair[0], messages, 2, 0));
        for (int i = 0; i < 3; i++)
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
        DO(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL));
        say("%u '%.4s' %u '%.4s'", messages[0].msg_len, data[0], messages[1].msg_len, data[1]);
        DO(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL));
    }
}

/* Fills in one control message; the buffer is the caller's. */
static void with_control(struct msghdr *message, void *room, size_t size, int type, const void *data, size_t length)
{
    memset(room, 0, size);
    message->msg_control = room;
    message->msg_controllen = CMSG_SPACE(length);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(length), .cmsg_level = SOL_SOCKET, .cmsg_type = type};
    memcpy(CMSG_DATA(c), data, length);
}

static long pass(int fd, const char *text, const int *fds, size_t count)
{
    static char room[CMSG_SPACE(300 * sizeof(int))];
    struct iovec iov;
    struct msghdr message = message_of(&iov, text, strlen(text));
    with_control(&message, room, sizeof(room), SCM_RIGHTS, fds, count * sizeof(int));
    return sendmsg(fd, &message, 0);
}

static void rights(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2], pipe_made[2], fds[3];
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        MUST(pipe(pipe_made));
        fds[0] = make_tcp(AF_INET);
        fds[1] = make_udp(AF_INET6);
        fds[2] = pipe_made[0];
        DO(pass(pair[0], "one", fds, 1));
        RECVMSG(pair[1], 10, MSG_PEEK);
        RECVMSG(pair[1], 10, 0);
        DO(pass(pair[0], "three", fds, 3));
        RECVMSG(pair[1], 10, MSG_CMSG_CLOEXEC);
        DO(pass(pair[0], "cut", fds, 3));
        RECVMSG_ROOM(pair[1], 10, 0, CMSG_LEN(4));
        DO(pass(pair[0], "cut", fds, 3));
        RECVMSG_ROOM(pair[1], 10, 0, CMSG_LEN(4) + 2);
        DO(pass(pair[0], "cut", fds, 2));
        RECVMSG_ROOM(pair[1], 10, 0, CMSG_SPACE(4));
        DO(pass(pair[0], "none", fds, 1));
        RECVMSG_ROOM(pair[1], 10, 0, 0);
        DO(pass(pair[0], "unseen", fds, 1));
        RECV(pair[1], 10, 0);
        DO(pass(pair[0], "", fds, 1));
        RECVMSG(pair[1], 10, MSG_DONTWAIT);
        DO(pass(pair[0], "self", pair, 1));
        RECVMSG(pair[1], 10, 0);
        fds[1] = -1;
        DO(pass(pair[0], "bad", fds, 2));
        fds[1] = 4711;
        DO(pass(pair[0], "bad", fds, 2));
        DO(pass(pair[0], "nothing", fds, 0));
        RECVMSG(pair[1], 10, MSG_DONTWAIT);
    }
}

static void too_many_rights(void)
{
    int pair[2], fds[300], fd = make_udp(AF_INET);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    for (int i = 0; i < 300; i++)
        fds[i] = fd;
    DO(pass(pair[0], "too many", fds, 254));
    DO(pass(pair[0], "many", fds, 253));
    RECV(pair[1], 10, 0);
}

/* A stream's descriptors stay with the bytes that they came with. */
static void rights_in_streams(void)
{
    int pair[2], fds[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    fds[0] = make_tcp(AF_INET);
    fds[1] = make_udp(AF_INET);
    DO(send(pair[0], "ab", 2, 0));
    DO(pass(pair[0], "cd", fds, 1));
    DO(pass(pair[0], "ef", fds + 1, 1));
    DO(send(pair[0], "gh", 2, 0));
    RECVMSG(pair[1], 1, 0);
    RECVMSG(pair[1], 20, 0);
    RECVMSG(pair[1], 20, 0);
    RECVMSG(pair[1], 20, 0);
    DO(pass(pair[0], "abcd", fds, 1));
    RECVMSG(pair[1], 2, 0);
    RECVMSG(pair[1], 2, 0);
}

/* A passed descriptor is the same file. */
static void rights_alive(void)
{
    int pair[2], ends[2], got = -1;
    char data[8], room[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    make_pair(AF_INET, ends);
    DO(pass(pair[0], "x", &ends[0], 1));
    DO(close(ends[0]));
    DO(send(ends[1], "through", 7, 0));
    DO(recvmsg(pair[1], &message, 0));
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
    RECV(got, 10, 0);
    DO(close(got));
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 10, 0);
    make_pair(AF_INET, ends);
    DO(pass(pair[0], "lost", &ends[0], 1));
    DO(close(ends[0]));
    DO(close(pair[0]));
    DO(close(pair[1])); /* and with it what it held */
    AWAIT(ends[1], POLLIN);
    RECV(ends[1], 10, 0);
}

static void credentials(void)
{
    struct ucred mine = {getpid(), getuid(), getgid()}, wrong = {1, 12345, 54321};
    static char room[CMSG_SPACE(sizeof(struct ucred))];
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        struct iovec iov;
        struct msghdr message = message_of(&iov, "signed", 6);
        MUST(socketpair(AF_UNIX, types[t], 0, pair));
        with_control(&message, room, sizeof(room), SCM_CREDENTIALS, &mine, sizeof(mine));
        DO(sendmsg(pair[0], &message, 0));
        RECVMSG(pair[1], 10, 0);
        SET(pair[1], SOL_SOCKET, SO_PASSCRED, 1);
        DO(sendmsg(pair[0], &message, 0));
        RECVMSG(pair[1], 10, 0);
        DO(send(pair[0], "plain", 5, 0));
        RECVMSG(pair[1], 10, 0);
        DO(send(pair[0], "room", 4, 0));
        RECVMSG_ROOM(pair[1], 10, 0, 0);
        DO(send(pair[0], "room", 4, 0));
        RECVMSG_ROOM(pair[1], 10, 0, CMSG_LEN(4));
        with_control(&message, room, sizeof(room), SCM_CREDENTIALS, &wrong, sizeof(wrong));
        wrong.pid = 0;
        with_control(&message, room, sizeof(room), SCM_CREDENTIALS, &mine, 8);
        DO(sendmsg(pair[0], &message, 0));
        with_control(&message, room, sizeof(room), 77, &mine, 8);
        DO(sendmsg(pair[0], &message, 0));
    }
}

static void peer_credentials(void)
{
    int pair[2], fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);
    DO(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("%d %d %d (%u)", peer.pid, (int)peer.uid, (int)peer.gid, length);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    DO(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("%d %d %d", peer.pid == getpid(), peer.uid == geteuid(), peer.gid == getegid());
    MUST(bind(listener, UN("@name")));
    MUST(listen(listener, 1));
    MUST(connect(fd, UN("@name")));
    DO(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("%d %d %d", peer.pid == getpid(), peer.uid == geteuid(), peer.gid == getegid());
    length = 4;
    DO(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length));
    say("(%u)", length);
    DO(setsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, sizeof(peer)));
}

static void full(void)
{
    static char block[4096];
    for (size_t t = 0; t < 3; t++) {
        int pair[2], count = 0, read_count = 0;
        MUST(socketpair(AF_UNIX, types[t] | SOCK_NONBLOCK, 0, pair));
        SET(pair[0], SOL_SOCKET, SO_SNDBUF, 30000);
        while (send(pair[0], block, sizeof(block), 0) > 0)
            count++;
        say("full: %s, some: %d", errno_text(errno), count > 1);
        READY(pair[0]);
        while (recv(pair[1], block, sizeof(block), 0) > 0)
            read_count++;
        say("as many: %d, %s", read_count == count, errno_text(errno));
        READY(pair[0]);
        SOME(send(pair[0], block, 100, 0));
        static char huge[100000];
        SOME(send(pair[0], huge, sizeof(huge), 0));
    }
}

/* The queue of a datagram socket has a length, too. */
static void queue_length(void)
{
    int receiver = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), count = 0;
    MUST(bind(receiver, UN("name")));
    make_nonblocking(sender);
    while (sendto(sender, "x", 1, 0, UN("name")) == 1)
        count++;
    say("%d, %s", count, errno_text(errno));
    READY(sender);
    DO(connect(sender, UN("name")));
    READY(sender);
    RECV(receiver, 1, 0);
    READY(sender);
    DO(send(sender, "x", 1, 0));
    DO(send(sender, "x", 1, 0));
}

static void peek_offset(void)
{
    for (size_t t = 0; t < 3; t++) {
        int pair[2];
        MUST(socketpair(AF_UNIX, types[t] | SOCK_NONBLOCK, 0, pair));
        SET(pair[1], SOL_SOCKET, SO_PEEK_OFF, 1);
        DO(send(pair[0], "abcdef", 6, 0));
        DO(send(pair[0], "ghi", 3, 0));
        RECV(pair[1], 2, MSG_PEEK);
        RECV(pair[1], 2, MSG_PEEK);
        RECV(pair[1], 2, MSG_PEEK);
        RECV(pair[1], 2, MSG_PEEK);
        RECV(pair[1], 2, 0);
        GET(pair[1], SOL_SOCKET, SO_PEEK_OFF);
        RECV(pair[1], 20, MSG_PEEK);
        RECV(pair[1], 20, 0);
    }
}

static void files(void)
{
    int pair[2], pipe_made[2];
    char data[8] = "";
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    MUST(pipe(pipe_made));
    DO(send(pair[0], "spliced", 7, 0));
    DO(splice(pair[1], NULL, pipe_made[1], NULL, 4, 0));
    DO(splice(pair[1], NULL, pipe_made[1], NULL, 100, 0));
    DO(sys_read(pipe_made[0], data, 8));
    say("%s", data);
    MUST(sys_write(pipe_made[1], "back", 4));
    DO(splice(pipe_made[0], NULL, pair[1], NULL, 100, 0));
    RECV(pair[0], 10, 0);
}

const struct scenario unix_message_scenarios[] = {
    {"unix_message/transfers", transfers},
    {"unix_message/wait_all", wait_all},
    {"unix_message/pointers", pointers},
    {"unix_message/many_messages", many_messages},
    {"unix_message/rights", rights},
    {"unix_message/too_many_rights", too_many_rights},
    {"unix_message/rights_in_streams", rights_in_streams},
    {"unix_message/rights_alive", rights_alive},
    {"unix_message/credentials", credentials},
    {"unix_message/peer_credentials", peer_credentials},
    {"unix_message/full", full},
    {"unix_message/queue_length", queue_length},
    {"unix_message/peek_offset", peek_offset},
    {"unix_message/files", files},
    {NULL, NULL},
};
