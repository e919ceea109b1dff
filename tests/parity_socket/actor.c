// SPDX-License-Identifier: MIT
/* actor.c: another thread of a scenario, and what scenarios set up in silence.
 *
 * What an actor says is kept until it is joined: so lines come in one order, however threads run.
 *
 * Owns:     the lines of actors; the signals' counter. */
#include "describe.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

struct actor {
    pthread_t thread;
    _Atomic pid_t id;
    void (*run)(int);
    int fd;
    char said[8192];
    size_t length;
};

static _Thread_local struct actor *self;

void play_line(const char *line)
{
    if (self == NULL)
        puts(line);
    else
        self->length +=
            (size_t)snprintf(self->said + self->length, sizeof(self->said) - self->length, "  | %s\n", line);
}

static void *actor_main(void *argument)
{
    self = argument;
    atomic_store(&self->id, (pid_t)syscall(SYS_gettid));
    self->run(self->fd);
    return NULL;
}

struct actor *act(void (*run)(int fd), int fd)
{
    struct actor *actor = calloc(1, sizeof(*actor));
    actor->run = run;
    actor->fd = fd;
    if (pthread_create(&actor->thread, NULL, actor_main, actor) != 0)
        abort();
    while (atomic_load(&actor->id) == 0)
        sched_yield();
    return actor;
}

static char state_of(pid_t thread)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 'X';
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = 0;
    const char *end = strrchr(text, ')');
    return end == NULL || end[1] == 0 ? 'X' : end[2];
}

/* A thread may sleep for a moment where nobody would call it waiting (a lock): it must be seen asleep for a while. */
void actor_asleep(struct actor *actor)
{
    const struct timespec moment = {.tv_nsec = 200000};
    for (int asleep = 0; asleep < 10;) {
        char state = state_of(atomic_load(&actor->id));
        if (state == 'X' || state == 'Z')
            break; /* it has ended: what it said will tell */
        asleep = state == 'S' ? asleep + 1 : 0;
        nanosleep(&moment, NULL);
    }
}

void actor_signal(struct actor *actor, int number)
{
    pthread_kill(actor->thread, number);
}

void actor_join(struct actor *actor)
{
    pthread_join(actor->thread, NULL);
    fputs(actor->said, stdout);
    free(actor);
}

static atomic_int heard;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&heard, 1);
}

void hear_pipes(void)
{
    signal(SIGPIPE, on_signal);
}

int pipes_heard(void)
{
    return atomic_exchange(&heard, 0);
}

void *bad_pointer(void)
{
    return (void *)(uintptr_t)8;
}

int on(void)
{
    return 1;
}

const struct sockaddr *loopback(int family, int port)
{
    return family == AF_INET ? play_v4("127.0.0.1", port) : play_v6("::1", port);
}

socklen_t address_size(int family)
{
    return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

int make_tcp(int family)
{
    return MUST(socket(family, SOCK_STREAM, 0));
}

int make_udp(int family)
{
    return MUST(socket(family, SOCK_DGRAM, 0));
}

int make_listener(int family, int port, int backlog)
{
    int fd = MUST(socket(family == 0 ? AF_INET6 : family, SOCK_STREAM, 0));
    if (family == 0)
        MUST(bind(fd, V6("::", port)));
    else
        MUST(bind(fd, loopback(family, port), address_size(family)));
    MUST(listen(fd, backlog));
    return fd;
}

void make_pair(int family, int ends[2])
{
    static int port = 7000; /* connections hold their listener's port */
    int listener = make_listener(family, ++port, 4);
    ends[0] = make_tcp(family);
    MUST(connect(ends[0], loopback(family, port), address_size(family)));
    ends[1] = MUST(accept(listener, NULL, NULL));
    MUST(close(listener));
}

void make_udp_pair(int family, int ends[2])
{
    for (int i = 0; i < 2; i++) {
        ends[i] = make_udp(family);
        MUST(bind(ends[i], loopback(family, 6000 + i), address_size(family)));
    }
    MUST(connect(ends[0], loopback(family, 6001), address_size(family)));
}

void make_nonblocking(int fd)
{
    MUST(fcntl(fd, F_SETFL, MUST(fcntl(fd, F_GETFL)) | O_NONBLOCK));
}

struct msghdr message_of(struct iovec *iov, const void *data, size_t size)
{
    *iov = (struct iovec){(void *)(uintptr_t)data, size};
    return (struct msghdr){.msg_iov = iov, .msg_iovlen = 1};
}
