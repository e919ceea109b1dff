// SPDX-License-Identifier: MIT
/* urgent.c: scenarios: MSG_OOB, the mark, SO_OOBINLINE: what a reader sees of urgent data, and when it is told.
 */
#include "play.h"

#include <linux/sockios.h>

static void say_where(int fd)
{
    int mark = -1, queued = -1;
    MUST(ioctl(fd, SIOCATMARK, &mark));
    MUST(ioctl(fd, SIOCINQ, &queued));
    say("at the mark %d, to read %d", mark, queued);
}

static void arrive(int fd, int bytes)
{
    char data[100];
    for (int i = 0; i < 5000 && recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT) < bytes; i++) {
        struct pollfd p = {.fd = fd, .events = POLLPRI};
        poll(&p, 1, 1);
    }
}

static void send_around_a_mark(const int *ends)
{
    DO(send(ends[0], "before", 6, 0));
    DO(send(ends[0], "U", 1, MSG_OOB));
    DO(send(ends[0], "behind", 6, 0));
    AWAIT(ends[1], POLLPRI);
    arrive(ends[1], 6);
    READY(ends[1]);
    say_where(ends[1]);
}

/* Out of band, as the kernel has it when nothing is said. */
static void out_of_band(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    say_where(ends[1]);
    send_around_a_mark(ends);
    RECV(ends[1], 100, MSG_PEEK);
    RECV(ends[1], 1, MSG_OOB | MSG_PEEK);
    READY(ends[1]);
    RECV(ends[1], 3, 0);
    say_where(ends[1]);
    RECV(ends[1], 100, 0);
    say_where(ends[1]);
    READY(ends[1]);
    RECV(ends[1], 100, MSG_OOB);
    RECV(ends[1], 1, MSG_OOB);
    READY(ends[1]);
    say_where(ends[1]);
    RECV(ends[1], 100, MSG_PEEK);
    RECV(ends[1], 100, 0);
    say_where(ends[1]);
    RECV(ends[1], 100, MSG_DONTWAIT);
    RECV(ends[1], 1, MSG_OOB);
}

/* A read that goes past the byte loses it. */
static void not_read(void)
{
    int ends[2];
    make_pair(AF_INET6, ends);
    DO(send(ends[0], "abU", 3, MSG_OOB));
    DO(send(ends[0], "cd", 2, 0));
    AWAIT(ends[1], POLLPRI);
    RECV(ends[1], 100, 0);
    arrive(ends[1], 2);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 1, MSG_OOB);
    READY(ends[1]);
    say_where(ends[1]);
    DO(send(ends[0], "V", 1, MSG_OOB)); /* alone */
    AWAIT(ends[1], POLLPRI);
    READY(ends[1]);
    say_where(ends[1]);
    RECV(ends[1], 100, MSG_DONTWAIT);
    RECV(ends[1], 1, MSG_OOB);
    RECV(ends[1], 100, MSG_DONTWAIT);
    say_where(ends[1]);
}

static void in_line(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    SET(ends[1], SOL_SOCKET, SO_OOBINLINE, 1);
    send_around_a_mark(ends);
    RECV(ends[1], 1, MSG_OOB);
    RECV(ends[1], 100, 0);
    say_where(ends[1]);
    READY(ends[1]);
    RECV(ends[1], 2, MSG_PEEK);
    RECV(ends[1], 1, 0);
    say_where(ends[1]);
    READY(ends[1]);
    RECV(ends[1], 100, 0);
}

/* The mark moves on before the reader has come to it, and when it stands there. */
static void moves(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    DO(send(ends[0], "aU", 2, MSG_OOB));
    AWAIT(ends[1], POLLPRI);
    DO(send(ends[0], "bV", 2, MSG_OOB));
    arrive(ends[1], 3);
    say_where(ends[1]);
    RECV(ends[1], 1, MSG_OOB);
    RECV(ends[1], 100, 0);
    say_where(ends[1]);
    DO(send(ends[0], "W", 1, MSG_OOB));
    AWAIT(ends[1], POLLPRI);
    DO(send(ends[0], "X", 1, 0));
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLRDHUP);
    RECV(ends[1], 1, MSG_OOB);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 100, 0);
    RECV(ends[1], 1, MSG_OOB);
}

/* One call over several pieces of memory, and others that ask for more than there is before the mark. */
static void pieces(void)
{
    int ends[2];
    char first[3] = "", second[10] = "";
    struct iovec iov[2] = {{first, 2}, {second, 9}};
    make_pair(AF_INET, ends);
    DO(send(ends[0], "abcdefU", 7, MSG_OOB));
    DO(send(ends[0], "ghi", 3, 0));
    AWAIT(ends[1], POLLPRI);
    arrive(ends[1], 6);
    DO(readv(ends[1], iov, 2));
    say("'%s' '%s'", first, second);
    RECV(ends[1], 3, MSG_WAITALL);
    DO(send(ends[0], "klmV", 4, MSG_OOB));
    DO(send(ends[0], "nop", 3, 0));
    AWAIT(ends[1], POLLPRI);
    arrive(ends[1], 3);
    RECV(ends[1], 6, MSG_WAITALL);
    RECV(ends[1], 100, MSG_TRUNC);
    RECVMSG(ends[1], 10, MSG_OOB | MSG_DONTWAIT);
    DO(send(ends[0], "W", 1, MSG_OOB));
    AWAIT(ends[1], POLLPRI);
    RECVMSG(ends[1], 10, MSG_OOB | MSG_PEEK);
    RECVMSG(ends[1], 0, MSG_OOB);
}

const struct scenario urgent_scenarios[] = {
    {"urgent/out_of_band", out_of_band}, {"urgent/not_read", not_read},
    {"urgent/in_line", in_line},         {"urgent/moves", moves},
    {"urgent/pieces", pieces},           {NULL, NULL},
};
