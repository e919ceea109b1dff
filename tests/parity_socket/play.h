// SPDX-License-Identifier: MIT
/* play.h: what scenarios are written in: calls that say what they did, one line each.
 *
 * A line is the call as it stands in the source, its result and errno's name: so two runs of one source can be compared
 * line by line. Descriptors, ephemeral ports and amounts that depend on memory are not printed. Nothing sleeps in order
 * to be in time: a scenario that needs another thread to be inside a call waits until that thread sleeps.
 *
 * Not here: which sockets these are (os.h); comparing (run.py). */
#ifndef TCPIP_TESTS_PARITY_PLAY_H
#define TCPIP_TESTS_PARITY_PLAY_H

#include "os.h"

struct scenario {
    const char *name; /* "subject/case"; NULL ends a list */
    void (*run)(void);
};

extern const struct scenario socket_scenarios[], name_scenarios[], stream_scenarios[], connect_scenarios[],
    transfer_scenarios[], datagram_scenarios[], message_scenarios[], error_scenarios[], option_scenarios[],
    signature_scenarios[], repair_scenarios[], control_scenarios[], ready_scenarios[], epoll_scenarios[],
    wait_scenarios[], file_scenarios[], resolve_scenarios[], unix_scenarios[], unix_message_scenarios[],
    unix_wait_scenarios[], urgent_scenarios[];

/* A line of its own. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Make a call and say what came of it: its result; only that it is a descriptor; only its sign. The result is R. */
#define DO(...) play_number(__LINE__, #__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)))
#define FD(...) play_descriptor(__LINE__, #__VA_ARGS__, (errno = 0, (__VA_ARGS__)))
#define SOME(...) play_sign(__LINE__, #__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)))
/* Make a call that must succeed and that the scenario isn't about; silent. */
#define MUST(...) play_must(__LINE__, #__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)))

long play_number(int line, const char *text, long result);
int play_descriptor(int line, const char *text, int result);
long play_sign(int line, const char *text, long result);
int play_must(int line, const char *text, long result);

/* Addresses as two arguments, const and length: bind(fd, V4("127.0.0.1", 5000)). */
#define V4(text, port) play_v4(text, port), (socklen_t)sizeof(struct sockaddr_in)
#define V6(text, port) play_v6(text, port), (socklen_t)sizeof(struct sockaddr_in6)
#define UN(text) play_un(text), play_un_length(text)
const struct sockaddr *play_v4(const char *text, int port);
const struct sockaddr *play_v6(const char *text, int port);
/* A path, or after '@' an abstract name. */
const struct sockaddr *play_un(const char *text);
socklen_t play_un_length(const char *text);
/* "127.0.0.1:5000", "[::1]:eph", "path", "@name". */
const char *address_text(const void *address, socklen_t length);
const char *data_text(const void *data, size_t size);
const char *errno_text(int number);
const char *events_text(uint32_t events); /* POLL*, which EPOLL* equals */

/* Calls with more to say. */
#define RECV(fd, size, flags) play_recv(__LINE__, #fd, #size, #flags, fd, size, flags)
#define RECVFROM(fd, size, flags) play_recvfrom(__LINE__, #fd, #size, #flags, fd, size, flags)
#define RECVMSG(fd, size, flags) play_recvmsg(__LINE__, #fd, #size, #flags, fd, size, flags, 512)
#define RECVMSG_ROOM(fd, size, flags, room) play_recvmsg(__LINE__, #fd, #size, #flags, fd, size, flags, room)
#define NAME(fd) play_name(__LINE__, #fd, fd)
#define PEER(fd) play_peer(__LINE__, #fd, fd)
#define GET(fd, level, option) play_get(__LINE__, #fd, #option, fd, level, option)
#define SET(fd, level, option, value) play_set(__LINE__, #fd, #option, #value, fd, level, option, value)
/* poll without waiting, for everything; and until one of `events` is there. */
#define READY(fd) play_ready(__LINE__, #fd, fd)
#define AWAIT(fd, events) play_await(__LINE__, #fd, #events, fd, events)
long play_recv(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags);
long play_recvfrom(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags);
/* `room`: for control messages; the descriptors that come are closed. */
long play_recvmsg(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags, size_t room);
void play_name(int line, const char *f, int fd);
void play_peer(int line, const char *f, int fd);
int play_get(int line, const char *f, const char *o, int fd, int level, int option);
int play_set(int line, const char *f, const char *o, const char *v, int fd, int level, int option, int value);
void play_ready(int line, const char *f, int fd);
int play_await(int line, const char *f, const char *e, int fd, short events);

/* Setting up, silently. */
int make_tcp(int family);
int make_udp(int family);
int make_listener(int family, int port, int backlog); /* on the loopback address, or with family 0 on dual-stack :: */
/* ends[0] connected, ends[1] accepted. */
void make_pair(int family, int ends[2]);
/* ends[0] connected to ends[1], on ports 6000 and 6001; ends[1] isn't connected. */
void make_udp_pair(int family, int ends[2]);
void make_nonblocking(int fd);
const struct sockaddr *loopback(int family, int port);
socklen_t address_size(int family);
int on(void); /* 1, whoever asks */
/* The text without its control messages; `data` in one piece. */
struct msghdr message_of(struct iovec *iov, const void *data, size_t size);
/* Where nothing can be read or written. */
void *bad_pointer(void);
/* SIGPIPEs and SIGUSR1s that came since the last call. */
int pipes_heard(void);
void hear_pipes(void);

/* Another thread, that makes calls; what it says is printed when it is joined. */
struct actor;
struct actor *act(void (*run)(int fd), int fd);
void actor_asleep(struct actor *actor); /* until it sleeps in the kernel */
void actor_signal(struct actor *actor, int number);
void actor_join(struct actor *actor);

#endif
