// SPDX-License-Identifier: MIT
/* kernel.c: the calls of a program on the kernel's sockets.
 *
 * Owns:       the descriptors.
 * Invariants: all sockets are non-blocking.
 * Not here:   the language (player.c). */
#include "player.h"
#include "settle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct kernel {
    int fd[PLAYER_SOCKETS];
    bool v6[PLAYER_SOCKETS];
};

union kernel_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t kernel_address(const struct player_step *step, int word, bool v6, union kernel_address *out)
{
    const char *text = step->word[word];
    uint16_t port = htons((uint16_t)player_number(step, step->word[word + 1]));
    memset(out, 0, sizeof(*out));
    if (strchr(text, ':') == NULL && !v6) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = port;
        assert_int_equal(inet_pton(AF_INET, text, &out->v4.sin_addr), 1);
        return sizeof(out->v4);
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = port;
    char mapped[64];
    (void)snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
    assert_int_equal(inet_pton(AF_INET6, mapped, &out->v6.sin6_addr), 1);
    return sizeof(out->v6);
}

static void kernel_show(const struct player_step *step, const union kernel_address *address, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    bool v6 = address->any.sa_family == AF_INET6;
    if (address->any.sa_family == AF_UNSPEC) {
        (void)snprintf(out, size, "nobody");
        return;
    }
    inet_ntop(address->any.sa_family, v6 ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr,
              text, sizeof(text));
    player_show_address(step, out, size, text, ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port));
}

static const char *kernel_errno(int error)
{
    switch (error) {
    case 0:
        return "ok";
#define NAME(e) \
    case e:     \
        return #e;
        NAME(EAGAIN)
        NAME(ECONNREFUSED)
        NAME(EINVAL)
        NAME(EADDRINUSE)
        NAME(EADDRNOTAVAIL)
        NAME(EDESTADDRREQ)
        NAME(EMSGSIZE)
        NAME(ENOTCONN)
        NAME(EPIPE)
        NAME(ENETUNREACH)
        NAME(EHOSTUNREACH)
        NAME(EACCES)
        NAME(EAFNOSUPPORT)
        NAME(EOPNOTSUPP)
        NAME(EISCONN)
#undef NAME
    default:
        return strerror(error);
    }
}

static void kernel_socket(struct kernel *kernel, int slot, bool v6, char *answer)
{
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    kernel->fd[slot] = fd;
    kernel->v6[slot] = v6;
    strcpy(answer, kernel_errno(fd >= 0 ? 0 : errno));
}

static void kernel_control(struct msghdr *message, char *out, size_t size)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        size_t at = strlen(out);
        int value = 0;
        char text[INET6_ADDRSTRLEN];
        bool v6 = c->cmsg_level == IPPROTO_IPV6;
        if (c->cmsg_len >= CMSG_LEN(sizeof(value)))
            memcpy(&value, CMSG_DATA(c), sizeof(value));
        if (c->cmsg_type == (v6 ? IPV6_HOPLIMIT : IP_TTL)) {
            (void)snprintf(out + at, size - at, " ttl=%d", value);
        } else if (c->cmsg_type == (v6 ? IPV6_TCLASS : IP_TOS)) {
            (void)snprintf(out + at, size - at, " tos=%d", v6 ? value : *CMSG_DATA(c));
        } else if (v6) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            inet_ntop(AF_INET6, &info.ipi6_addr, text, sizeof(text));
            (void)snprintf(out + at, size - at, " to=%s", text);
        } else {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            inet_ntop(AF_INET, &info.ipi_addr, text, sizeof(text));
            (void)snprintf(out + at, size - at, " to=%s", text);
        }
    }
}

static void kernel_receive(const struct kernel *kernel, const struct player_step *step, int slot, int flags,
                           char *answer)
{
    static char data[70000];
    char control[256], from[128], beside[128] = "";
    union kernel_address address;
    struct iovec iov = {data, step->words > 2 ? (size_t)player_number(step, step->word[2]) : sizeof(data)};
    struct msghdr message = {&address, sizeof(address), &iov, 1, control, sizeof(control), 0};
    memset(&address, 0, sizeof(address));
    ssize_t bytes = recvmsg(kernel->fd[slot], &message, flags);
    if (bytes < 0) {
        strcpy(answer, kernel_errno(errno));
        return;
    }
    kernel_show(step, &address, from, sizeof(from));
    kernel_control(&message, beside, sizeof(beside));
    player_show_data(answer, data, (size_t)bytes);
    size_t at = strlen(answer);
    (void)snprintf(answer + at, PLAYER_ANSWER - at, " from %s%s%s", from, beside,
                   (message.msg_flags & MSG_TRUNC) != 0 ? " cut" : "");
}

struct kernel_option {
    const char *name;
    int level, option, level6, option6;
};
static const struct kernel_option kernel_options[] = {
    {"error", SOL_SOCKET, SO_ERROR, SOL_SOCKET, SO_ERROR},
    {"reuse_address", SOL_SOCKET, SO_REUSEADDR, SOL_SOCKET, SO_REUSEADDR},
    {"reuse_port", SOL_SOCKET, SO_REUSEPORT, SOL_SOCKET, SO_REUSEPORT},
    {"broadcast", SOL_SOCKET, SO_BROADCAST, SOL_SOCKET, SO_BROADCAST},
    {"v6_only", IPPROTO_IPV6, IPV6_V6ONLY, IPPROTO_IPV6, IPV6_V6ONLY},
    {"ttl", IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {"tos", IPPROTO_IP, IP_TOS, IPPROTO_IPV6, IPV6_TCLASS},
    {"multicast_ttl", IPPROTO_IP, IP_MULTICAST_TTL, IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {"multicast_loop", IPPROTO_IP, IP_MULTICAST_LOOP, IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
    {"receive_ttl", IPPROTO_IP, IP_RECVTTL, IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
    {"receive_tos", IPPROTO_IP, IP_RECVTOS, IPPROTO_IPV6, IPV6_RECVTCLASS},
    {"receive_packet_info", IPPROTO_IP, IP_PKTINFO, IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {"receive_error", IPPROTO_IP, IP_RECVERR, IPPROTO_IPV6, IPV6_RECVERR},
};

static void kernel_option(const struct kernel *kernel, const struct player_step *step, int slot, bool set, char *answer)
{
    int value = set ? (int)player_number(step, step->word[3]) : 0, result = -1;
    socklen_t size = sizeof(value);
    for (size_t i = 0; i < sizeof(kernel_options) / sizeof(kernel_options[0]); i++) {
        const struct kernel_option *o = &kernel_options[i];
        if (strcmp(o->name, step->word[2]) != 0)
            continue;
        int level = kernel->v6[slot] ? o->level6 : o->level, option = kernel->v6[slot] ? o->option6 : o->option;
        result = set ? setsockopt(kernel->fd[slot], level, option, &value, size)
                     : getsockopt(kernel->fd[slot], level, option, &value, &size);
        if (result == 0 && !set)
            (void)snprintf(answer, PLAYER_ANSWER, "%s",
                           strcmp(o->name, "error") == 0 ? kernel_errno(value)
                           : value != 0                  ? "set"
                                                         : "0");
        else
            strcpy(answer, kernel_errno(result == 0 ? 0 : errno));
        return;
    }
    fail_msg("no option %s", step->word[2]);
}

static void kernel_poll(int fd, char *answer)
{
    struct pollfd ready = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    (void)poll(&ready, 1, 0);
    (void)snprintf(answer, PLAYER_ANSWER, "ready%s%s%s%s%s", (ready.revents & POLLIN) != 0 ? " in" : "",
                   (ready.revents & POLLOUT) != 0 ? " out" : "", (ready.revents & POLLERR) != 0 ? " err" : "",
                   (ready.revents & POLLHUP) != 0 ? " hup" : "", (ready.revents & POLLRDHUP) != 0 ? " rdhup" : "");
}

static int kernel_group(const struct player_step *step, int fd, bool join)
{
    struct ip_mreqn request;
    struct ip_mreqn interface = {.imr_ifindex = 1};
    memset(&request, 0, sizeof(request));
    request.imr_ifindex = 1; /* lo */
    inet_pton(AF_INET, step->word[2], &request.imr_multiaddr);
    (void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface));
    return setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request, sizeof(request));
}

static int kernel_send(const struct player_step *step, int fd, bool v6)
{
    static char data[200000];
    union kernel_address address;
    size_t bytes = player_text(step->word[2], data, sizeof(data));
    if (step->words == 3)
        return send(fd, data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes ? 0 : -1;
    socklen_t size = kernel_address(step, 3, v6, &address);
    return sendto(fd, data, bytes, MSG_NOSIGNAL, &address.any, size) == (ssize_t)bytes ? 0 : -1;
}

static int kernel_name(const struct player_step *step, int fd, bool peer, char *answer)
{
    union kernel_address address;
    socklen_t size = sizeof(address);
    memset(&address, 0, sizeof(address));
    int result = peer ? getpeername(fd, &address.any, &size) : getsockname(fd, &address.any, &size);
    if (result == 0)
        kernel_show(step, &address, answer, PLAYER_ANSWER);
    return result;
}

static void kernel_step(void *state, const struct player_step *step, char *answer)
{
    struct kernel *kernel = state;
    const char *verb = step->word[0];
    int slot = step->word[1][0] - 'a', fd = kernel->fd[slot], result = -1, next = 0;
    bool v6 = kernel->v6[slot];
    union kernel_address address;
    memset(&address, 0, sizeof(address));
    if (strncmp(verb, "socket", 6) == 0) {
        kernel_socket(kernel, slot, verb[6] == '6', answer);
        return;
    } else if (strcmp(verb, "recv") == 0 || strcmp(verb, "peek") == 0) {
        kernel_receive(kernel, step, slot, verb[0] == 'p' ? MSG_PEEK : 0, answer);
        return;
    } else if (strcmp(verb, "set") == 0 || strcmp(verb, "get") == 0) {
        kernel_option(kernel, step, slot, verb[0] == 's', answer);
        return;
    } else if (strcmp(verb, "poll") == 0) {
        kernel_poll(fd, answer);
        return;
    } else if (strcmp(verb, "bind") == 0) {
        result = bind(fd, &address.any, kernel_address(step, 2, v6, &address));
    } else if (strcmp(verb, "connect") == 0) {
        result = connect(fd, &address.any, kernel_address(step, 2, v6, &address));
    } else if (strcmp(verb, "disconnect") == 0) {
        result = connect(fd, &address.any, sizeof(address.v6)); /* AF_UNSPEC */
    } else if (strncmp(verb, "send", 4) == 0) {
        result = kernel_send(step, fd, v6);
        int error = errno;
        kernel_settle();
        errno = error;
    } else if (strcmp(verb, "name") == 0 || strcmp(verb, "peer") == 0) {
        result = kernel_name(step, fd, verb[0] == 'p', answer);
    } else if (strcmp(verb, "shutdown") == 0) {
        const char *how = step->word[2];
        result = shutdown(fd, strcmp(how, "rw") == 0 ? SHUT_RDWR : how[0] == 'r' ? SHUT_RD : SHUT_WR);
    } else if (strcmp(verb, "next") == 0) {
        result = ioctl(fd, FIONREAD, &next);
        (void)snprintf(answer, PLAYER_ANSWER, "%d", next);
    } else if (strcmp(verb, "listen") == 0) {
        result = listen(fd, 1);
    } else if (strcmp(verb, "join") == 0 || strcmp(verb, "leave") == 0) {
        result = kernel_group(step, fd, verb[0] == 'j');
    } else if (strcmp(verb, "close") == 0) {
        result = close(fd);
        kernel->fd[slot] = -1;
    } else {
        fail_msg("no verb %s", verb);
    }
    if (result < 0 || answer[0] == '\0')
        strcpy(answer, kernel_errno(result < 0 ? errno : 0));
}

/* Below Linux's ephemeral ports, which are the library's too: who asks for any port never gets one of these. */
void kernel_free_ports(uint16_t *ports, int count)
{
    enum { FIRST = 10000, LAST = 19999 };
    int found = 0;
    for (uint16_t port = FIRST; found < count && port <= LAST; port++) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            ports[found++] = port;
        (void)close(fd);
    }
    assert_int_equal(found, count);
}

void kernel_side_new(struct player_side *side)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    for (int i = 0; i < PLAYER_SOCKETS; i++)
        kernel->fd[i] = -1;
    *side = (struct player_side){kernel, kernel_step};
}

void kernel_side_free(struct player_side *side)
{
    struct kernel *kernel = side->state;
    for (int i = 0; i < PLAYER_SOCKETS; i++)
        if (kernel->fd[i] >= 0)
            (void)close(kernel->fd[i]);
    free(kernel);
}
