// SPDX-License-Identifier: MIT
/* file.c: scenarios: sendfile, and splice to and from pipes. */
#include "play.h"

#include <sys/mman.h>

static int file_of(const char *text)
{
    int fd = MUST(memfd_create("file", MFD_CLOEXEC));
    MUST(sys_write(fd, text, strlen(text)));
    MUST(lseek(fd, 0, SEEK_SET));
    return fd;
}

static void sending(void)
{
    int ends[2], file = file_of("0123456789"), udp[2];
    off_t offset = 2;
    make_pair(AF_INET, ends);
    DO(sendfile(ends[0], file, &offset, 3));
    say("offset %ld, position %ld", (long)offset, (long)lseek(file, 0, SEEK_CUR));
    RECV(ends[1], 3, MSG_WAITALL);
    DO(sendfile(ends[0], file, NULL, 4));
    say("position %ld", (long)lseek(file, 0, SEEK_CUR));
    RECV(ends[1], 4, MSG_WAITALL);
    DO(sendfile(ends[0], file, NULL, 100));
    RECV(ends[1], 6, MSG_WAITALL);
    DO(sendfile(ends[0], file, NULL, 100));
    DO(sendfile(ends[0], file, &offset, 0));
    offset = 100;
    DO(sendfile(ends[0], file, &offset, 5));
    offset = -1;
    DO(sendfile(ends[0], file, &offset, 5));
    DO(sendfile(ends[0], -1, NULL, 5));
    DO(sendfile(-1, file, NULL, 5));
    DO(sendfile(ends[0], ends[1], NULL, 5));
    offset = 0;
    DO(sendfile(ends[0], file, bad_pointer(), 5));
    DO(shutdown(ends[0], SHUT_WR));
    hear_pipes();
    DO(sendfile(ends[0], file, &offset, 5));
    say("pipes: %d", pipes_heard());
    make_udp_pair(AF_INET, udp);
    DO(sendfile(udp[0], file, &offset, 5));
    RECV(udp[1], 10, MSG_DONTWAIT);
    int fresh = make_tcp(AF_INET), write_only = open("/dev/null", O_WRONLY | O_CLOEXEC);
    DO(sendfile(fresh, file, &offset, 5));
    DO(sendfile(udp[0], write_only, NULL, 5));
}

static void sending_much(void)
{
    enum { SIZE = 1 << 20 };
    static char block[1 << 16];
    int ends[2], file = memfd_create("file", MFD_CLOEXEC);
    long sent = 0, got = 0, result = 0;
    MUST(ftruncate(file, SIZE));
    make_pair(AF_INET, ends);
    make_nonblocking(ends[0]);
    while (got < SIZE) {
        if (sent < SIZE && (result = sendfile(ends[0], file, NULL, (size_t)(SIZE - sent))) > 0)
            sent += result;
        if ((result = recv(ends[1], block, sizeof(block), 0)) <= 0)
            break;
        got += result;
    }
    say("sent %ld got %ld", sent, got);
}

static void to_pipe(void)
{
    int ends[2], pipe_made[2];
    char data[16] = "";
    loff_t offset = 0;
    make_pair(AF_INET, ends);
    MUST(pipe(pipe_made));
    make_nonblocking(ends[1]);
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 10, 0));
    MUST(fcntl(ends[1], F_SETFL, 0));
    DO(send(ends[0], "abcdef", 6, 0));
    AWAIT(ends[1], POLLIN);
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 4, 0));
    DO(sys_read(pipe_made[0], data, 16));
    say("%s", data);
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 100, 0));
    DO(sys_read(pipe_made[0], data, 16));
    say("%.2s", data);
    DO(splice(ends[1], &offset, pipe_made[1], NULL, 4, 0));
    DO(splice(ends[1], NULL, pipe_made[1], &offset, 4, 0));
    DO(splice(ends[1], NULL, pipe_made[0], NULL, 4, 0));
    DO(splice(ends[1], NULL, ends[0], NULL, 4, 0));
    DO(splice(ends[1], NULL, -1, NULL, 4, 0));
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 0, 0));
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 4, 0x1000));
    make_nonblocking(ends[1]);
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 4, 0));
    DO(shutdown(ends[0], SHUT_WR));
    AWAIT(ends[1], POLLIN);
    DO(splice(ends[1], NULL, pipe_made[1], NULL, 4, 0));
    int listener = make_listener(AF_INET, 5000, 1), udp = make_udp(AF_INET), fresh = make_tcp(AF_INET);
    DO(splice(listener, NULL, pipe_made[1], NULL, 4, 0));
    DO(splice(fresh, NULL, pipe_made[1], NULL, 4, 0));
    MUST(sys_close(pipe_made[0]));
    hear_pipes();
    DO(send(ends[1], "x", 1, 0));
    AWAIT(ends[0], POLLIN);
    DO(splice(ends[0], NULL, pipe_made[1], NULL, 4, 0));
    say("pipes: %d", pipes_heard());
    MUST(close(udp));
}

static void from_pipe(void)
{
    int ends[2], pipe_made[2], udp[2];
    make_pair(AF_INET, ends);
    MUST(pipe(pipe_made));
    DO(splice(pipe_made[0], NULL, ends[0], NULL, 10, SPLICE_F_NONBLOCK));
    MUST(sys_write(pipe_made[1], "abcdef", 6));
    DO(splice(pipe_made[0], NULL, ends[0], NULL, 4, SPLICE_F_MORE));
    DO(splice(pipe_made[0], NULL, ends[0], NULL, 100, 0));
    RECV(ends[1], 6, MSG_WAITALL);
    DO(shutdown(ends[0], SHUT_WR));
    MUST(sys_write(pipe_made[1], "gh", 2));
    hear_pipes();
    DO(splice(pipe_made[0], NULL, ends[0], NULL, 4, 0));
    say("pipes: %d", pipes_heard());
    make_udp_pair(AF_INET, udp);
    DO(splice(pipe_made[0], NULL, udp[0], NULL, 4, 0));
    RECV(udp[1], 10, MSG_DONTWAIT);
    MUST(sys_close(pipe_made[1]));
    DO(splice(pipe_made[0], NULL, udp[0], NULL, 4, 0));
}

static void act_splice(int fd)
{
    int pipe_made[2];
    char data[16] = "";
    MUST(pipe(pipe_made));
    DO(splice(fd, NULL, pipe_made[1], NULL, 10, 0));
    DO(sys_read(pipe_made[0], data, 16));
    say("%s", data);
}

static void waiting_to_pipe(void)
{
    int ends[2];
    make_pair(AF_INET, ends);
    struct actor *actor = act(act_splice, ends[1]);
    actor_asleep(actor);
    DO(send(ends[0], "late", 4, 0));
    actor_join(actor);
}

const struct scenario file_scenarios[] = {
    {"file/sending", sending},     {"file/sending_much", sending_much},       {"file/to_pipe", to_pipe},
    {"file/from_pipe", from_pipe}, {"file/waiting_to_pipe", waiting_to_pipe}, {NULL, NULL},
};
