// SPDX-License-Identifier: MIT
/* kernel.c: scenarios on the kernel's sockets.
 *
 * The process is in a network namespace of its own, so that ports, TIME-WAIT and sysctls are nobody else's. After a
 * step that may send something, all of it is awaited; and as the kernel's clock can't be moved, it is given a moment.
 *
 * Owns:     file descriptors of the current scenario.
 * Not here: comparing. */
#include "parity.h"
#include "settle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct kernel {
    struct side side;
    int fds[PARITY_SOCKETS];
    int families[PARITY_SOCKETS];
    unsigned port_base;
};

static unsigned patience_us = 300;

void kernel_set_patience(unsigned microseconds)
{
    patience_us = microseconds;
}

static void pass(unsigned microseconds)
{
    struct timespec time = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {
    }
}

static socklen_t make_address(const struct kernel *k, const char *name, unsigned port, struct sockaddr_storage *out)
{
    const char *text = address_of(name);
    memset(out, 0, sizeof(*out));
    if (text != NULL && strchr(text, ':') != NULL) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)(port == 0 ? 0 : k->port_base + port));
        inet_pton(AF_INET6, text, &in6->sin6_addr);
        return sizeof(*in6);
    }
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)(port == 0 ? 0 : k->port_base + port));
    if (text != NULL)
        inet_pton(AF_INET, text, &in->sin_addr);
    return sizeof(*in);
}

static void show_address(const struct kernel *k, const struct sockaddr_storage *address, char *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
        result_address(out, text, ntohs(in6->sin6_port), k->port_base);
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
        result_address(out, text, ntohs(in->sin_port), k->port_base);
    }
}

struct kernel_option {
    const char *name;
    int level, number;
};
static const struct kernel_option kernel_options[] = {
    {"reuse", SOL_SOCKET, SO_REUSEADDR},
    {"reuseport", SOL_SOCKET, SO_REUSEPORT},
    {"keepalive", SOL_SOCKET, SO_KEEPALIVE},
    {"lowat", SOL_SOCKET, SO_RCVLOWAT},
    {"v6only", IPPROTO_IPV6, IPV6_V6ONLY},
    {"nodelay", IPPROTO_TCP, TCP_NODELAY},
    {"cork", IPPROTO_TCP, TCP_CORK},
    {"keepidle", IPPROTO_TCP, TCP_KEEPIDLE},
    {"keepintvl", IPPROTO_TCP, TCP_KEEPINTVL},
    {"keepcnt", IPPROTO_TCP, TCP_KEEPCNT},
    {"syncnt", IPPROTO_TCP, TCP_SYNCNT},
    {"usertimeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
    {"maxseg", IPPROTO_TCP, TCP_MAXSEG},
    {"notsent", IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {"ttl", IPPROTO_IP, IP_TTL},
    {"tos", IPPROTO_IP, IP_TOS},
    {"defer", IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {"linger2", IPPROTO_TCP, TCP_LINGER2},
    {"mark", SOL_SOCKET, SO_MARK},
    {"clamp", IPPROTO_TCP, TCP_WINDOW_CLAMP},
    {"fastack", IPPROTO_TCP, TCP_QUICKACK},
};

static void kernel_option(const struct kernel *k, const struct step *step, char *out)
{
    int fd = k->fds[step->who], value = (int)step->number;
    socklen_t size = sizeof(value);
    bool set = step_is(step, "set");
    if (strcmp(step->words[2], "linger") == 0) {
        struct linger linger = {value >= 0, value >= 0 ? value : 0};
        size = sizeof(linger);
        int error = set ? setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, size)
                        : getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size);
        if (error != 0)
            result_error(out, errno);
        else
            result_number(out, set ? 0 : linger.l_onoff ? linger.l_linger : -1);
        return;
    }
    for (size_t i = 0; i < sizeof(kernel_options) / sizeof(kernel_options[0]); i++) {
        const struct kernel_option *option = &kernel_options[i];
        if (strcmp(option->name, step->words[2]) != 0)
            continue;
        int error = set ? setsockopt(fd, option->level, option->number, &value, size)
                        : getsockopt(fd, option->level, option->number, &value, &size);
        if (error != 0)
            result_error(out, errno);
        else
            result_number(out, set ? 0 : value);
        return;
    }
    snprintf(out, PARITY_RESULT, "no such option");
}

/* Whether the peer has acknowledged the FIN is a matter of when one looks: it may wait with that. */
static const char *state_name(unsigned state)
{
    static const char *const names[] = {"?",          "ESTABLISHED", "SYN-SENT",  "SYN-RECEIVED",
                                        "FIN-WAIT",   "FIN-WAIT",    "TIME-WAIT", "CLOSED",
                                        "CLOSE-WAIT", "LAST-ACK",    "LISTEN",    "CLOSING"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static void kernel_ask(struct kernel *k, const struct step *step, char *out)
{
    int fd = k->fds[step->who], value = 0;
    socklen_t size = sizeof(value);
    struct sockaddr_storage address;
    socklen_t address_size = sizeof(address);
    if (step_is(step, "poll")) {
        struct pollfd poll_fd = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
        (void)poll(&poll_fd, 1, 0);
        result_events(out, (unsigned)poll_fd.revents);
    } else if (step_is(step, "err")) {
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
        result_error(out, value);
    } else if (step_is(step, "name")) {
        (void)getsockname(fd, (struct sockaddr *)&address, &address_size);
        show_address(k, &address, out);
    } else if (step_is(step, "peer")) {
        if (getpeername(fd, (struct sockaddr *)&address, &address_size) == 0)
            show_address(k, &address, out);
        else
            result_error(out, errno);
    } else if (step_is(step, "queue")) {
        if (ioctl(fd, FIONREAD, &value) == 0)
            result_number(out, value);
        else
            result_error(out, errno);
    } else if (step_is(step, "state")) {
        struct tcp_info info;
        size = sizeof(info);
        (void)getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
        snprintf(out, PARITY_RESULT, "%s", state_name(info.tcpi_state));
    } else {
        kernel_option(k, step, out);
    }
}

static void kernel_move(struct kernel *k, const struct step *step, char *out)
{
    static const char data[65536];
    static char room[65536];
    struct sockaddr_storage address;
    int fd = k->fds[step->who];
    size_t bytes = step->number < (long)sizeof(data) ? (size_t)step->number : sizeof(data);
    ssize_t done;
    if (step_is(step, "write"))
        done = send(fd, data, bytes, MSG_NOSIGNAL);
    else if (step_is(step, "more"))
        done = send(fd, data, bytes, MSG_NOSIGNAL | MSG_MORE);
    else if (step_is(step, "read"))
        done = recv(fd, room, bytes, 0);
    else if (step_is(step, "peek"))
        done = recv(fd, room, bytes, MSG_PEEK);
    else if (step_is(step, "bind")) {
        socklen_t size = make_address(k, step->words[2], (unsigned)step->number, &address);
        done = bind(fd, (struct sockaddr *)&address, size);
    } else if (step_is(step, "connect")) {
        socklen_t size;
        if (step->words[2][0] == '@') {
            size = sizeof(address);
            (void)getsockname(k->fds[step->words[2][1] - 'a'], (struct sockaddr *)&address, &size);
        } else {
            size = make_address(k, step->words[2], (unsigned)step->number, &address);
        }
        done = connect(fd, (struct sockaddr *)&address, size);
    } else if (step_is(step, "listen"))
        done = listen(fd, (int)step->number);
    else
        done = shutdown(fd, strcmp(step->words[2], "r") == 0   ? SHUT_RD
                            : strcmp(step->words[2], "w") == 0 ? SHUT_WR
                                                               : SHUT_RDWR);
    if (done < 0)
        result_error(out, errno);
    else
        result_number(out, (long)done);
}

static void kernel_step(struct side *side, const struct step *step, char *out)
{
    struct kernel *k = (struct kernel *)side;
    static const char *const asks[] = {"poll", "err", "name", "peer", "queue", "state", "set", "get"};
    result_number(out, 0);
    if (step_is(step, "wait")) {
        pass((unsigned)step->number * 1000);
        return;
    }
    if (step_is(step, "new")) {
        k->families[step->who] = step->number == 6 ? AF_INET6 : AF_INET;
        k->fds[step->who] = socket(k->families[step->who], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (k->fds[step->who] < 0)
            result_error(out, errno);
        return;
    }
    if (k->fds[step->who] < 0) {
        snprintf(out, PARITY_RESULT, "no socket");
        return;
    }
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        if (step_is(step, asks[i])) {
            kernel_ask(k, step, out);
            return;
        }
    }
    if (step_is(step, "accept")) {
        int fd = accept4(k->fds[step->who], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            result_error(out, errno);
        else
            k->fds[step->words[2][0] - 'a'] = fd;
    } else if (step_is(step, "close")) {
        close(k->fds[step->who]);
        k->fds[step->who] = -1;
    } else {
        kernel_move(k, step, out);
    }
    kernel_settle();
    pass(patience_us);
}

static void kernel_begin(struct side *side, unsigned port_base)
{
    struct kernel *k = (struct kernel *)side;
    k->port_base = port_base;
    for (int i = 0; i < PARITY_SOCKETS; i++)
        k->fds[i] = -1;
}

static void kernel_end(struct side *side)
{
    struct kernel *k = (struct kernel *)side;
    for (int i = 0; i < PARITY_SOCKETS; i++)
        if (k->fds[i] >= 0)
            close(k->fds[i]);
}

struct side *kernel_side(void)
{
    static struct kernel kernel = {.side = {kernel_begin, kernel_step, kernel_end}};
    return &kernel.side;
}
