// SPDX-License-Identifier: MIT
/* kernel.c: the steps on the kernel's AF_UNIX. */
#include "twin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct kernel {
    const char *directory;
    int fd[SLOTS];
    int passed; /* what references refer to */
};

static const int kernel_types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

struct kernel *kernel_new(const char *directory)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    kernel->directory = directory;
    for (int i = 0; i < SLOTS; i++)
        kernel->fd[i] = -1;
    kernel->passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (kernel->passed < 0)
        abort();
    return kernel;
}

void kernel_free(struct kernel *kernel)
{
    uint8_t path[108];
    for (int i = 0; i < SLOTS; i++)
        if (kernel->fd[i] >= 0)
            close(kernel->fd[i]);
    for (int i = 1; i < NAMES; i += 2) {
        path[name_bytes(kernel->directory, i, path)] = 0;
        (void)unlink((char *)path);
    }
    close(kernel->passed);
    free(kernel);
}

static socklen_t kernel_address(const struct kernel *kernel, int name, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (name < 0)
        return sizeof(sa_family_t);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                       name_bytes(kernel->directory, name, (uint8_t *)out->sun_path));
}

static int kernel_shown(const struct kernel *kernel, const struct sockaddr_un *address, socklen_t length)
{
    uint32_t size = length > sizeof(sa_family_t) ? (uint32_t)(length - sizeof(sa_family_t)) : 0;
    if (size > 0 && address->sun_path[0] != 0)
        size = (uint32_t)strnlen(address->sun_path, size);
    return name_index(kernel->directory, (const uint8_t *)address->sun_path, size);
}

static ssize_t kernel_send(struct kernel *kernel, const struct step *step)
{
    uint8_t data[DATA_MAX];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(8 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct sockaddr_un to;
    struct iovec iov = {data, step->size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
    memset(data, step->fill, sizeof(data));
    memset(control, 0, sizeof(control));
    if (step->name >= 0) {
        message.msg_name = &to;
        message.msg_namelen = kernel_address(kernel, step->name, &to);
    }
    struct cmsghdr *header = (struct cmsghdr *)control;
    if (step->references > 0) {
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(step->references * sizeof(int));
        for (uint32_t i = 0; i < step->references; i++)
            memcpy(CMSG_DATA(header) + i * sizeof(int), &kernel->passed, sizeof(int));
        message.msg_controllen += CMSG_SPACE(step->references * sizeof(int));
        header = (struct cmsghdr *)(control + message.msg_controllen);
    }
    if (step->uid >= 0) {
        struct ucred said = {getpid(), (uid_t)step->uid, getgid()};
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_CREDENTIALS;
        header->cmsg_len = CMSG_LEN(sizeof(said));
        memcpy(CMSG_DATA(header), &said, sizeof(said));
        message.msg_controllen += CMSG_SPACE(sizeof(said));
    }
    if (message.msg_controllen == 0)
        message.msg_control = NULL;
    return sendmsg(kernel->fd[step->slot], &message, MSG_NOSIGNAL);
}

static ssize_t kernel_recv(struct kernel *kernel, const struct step *step, struct answer *out)
{
    _Alignas(struct cmsghdr) uint8_t control[1024];
    struct sockaddr_un from;
    struct iovec iov = {out->data, step->size};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(kernel->fd[step->slot], &message, step->flag ? MSG_PEEK : 0);
    if (n < 0)
        return n;
    out->bytes = (uint32_t)n;
    out->from = kernel_shown(kernel, &from, message.msg_namelen);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_type == SCM_RIGHTS) {
            out->references = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            for (uint32_t i = 0; i < out->references; i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
                close(fd);
            }
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred told;
            memcpy(&told, CMSG_DATA(header), sizeof(told));
            out->has_credentials = true;
            out->pid = told.pid;
            out->uid = told.uid;
            out->gid = told.gid;
        }
    }
    return n;
}

static int kernel_poll(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    (void)poll(&p, 1, 0);
    return p.revents;
}

static int kernel_option(int fd, int option, void *value, socklen_t size)
{
    return getsockopt(fd, SOL_SOCKET, option, value, &size);
}

static int kernel_named(struct kernel *kernel, const struct step *step, struct answer *out)
{
    struct sockaddr_un address;
    socklen_t length = sizeof(address);
    int r = step->call == CALL_LOCAL ? getsockname(kernel->fd[step->slot], (struct sockaddr *)&address, &length)
                                     : getpeername(kernel->fd[step->slot], (struct sockaddr *)&address, &length);
    if (r == 0)
        out->from = kernel_shown(kernel, &address, length);
    return r;
}

static ssize_t kernel_look(struct kernel *kernel, const struct step *step, struct answer *out)
{
    int fd = kernel->fd[step->slot], value = 0, r = 0;
    struct ucred peer;
    switch (step->call) {
    case CALL_READY:
        out->value = kernel_poll(fd);
        return 0;
    case CALL_UNREAD:
        r = ioctl(fd, FIONREAD, &value);
        break;
    case CALL_ERROR:
        r = kernel_option(fd, SO_ERROR, &value, sizeof(value));
        break;
    case CALL_PEERCRED:
        r = kernel_option(fd, SO_PEERCRED, &peer, sizeof(peer));
        out->pid = peer.pid;
        out->uid = (int)peer.uid;
        out->gid = (int)peer.gid;
        break;
    default:
        return kernel_named(kernel, step, out);
    }
    out->value = r == 0 ? value : 0;
    return r;
}

static ssize_t kernel_change(struct kernel *kernel, const struct step *step)
{
    int *fd = &kernel->fd[step->slot], pair[2], on = step->flag, r;
    struct sockaddr_un address;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    socklen_t length = kernel_address(kernel, step->name, &address);
    switch (step->call) {
    case CALL_NEW:
        return *fd = socket(AF_UNIX, kernel_types[step->size] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    case CALL_PAIR:
        r = socketpair(AF_UNIX, kernel_types[step->size] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
        *fd = pair[0];
        kernel->fd[step->other] = pair[1];
        return r;
    case CALL_CLOSE:
        r = close(*fd);
        *fd = -1;
        return r;
    case CALL_BIND:
    case CALL_AUTOBIND:
        return bind(*fd, (struct sockaddr *)&address, length);
    case CALL_UNLINK:
        return unlink(address.sun_path);
    case CALL_CONNECT:
        return connect(*fd, (struct sockaddr *)&address, length);
    case CALL_DISCONNECT:
        return connect(*fd, &none, sizeof(none));
    case CALL_LISTEN:
        return listen(*fd, (int)step->size);
    case CALL_ACCEPT:
        r = accept4(*fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (r >= 0)
            kernel->fd[step->other] = r;
        return r;
    case CALL_SHUTDOWN:
        return shutdown(*fd, (int)step->size);
    default:
        return setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    }
}

void kernel_do(struct kernel *kernel, const struct step *step, struct answer *out)
{
    memset(out, 0, sizeof(*out));
    ssize_t r;
    if (step->call == CALL_SEND)
        out->bytes = (r = kernel_send(kernel, step)) > 0 ? (uint32_t)r : 0;
    else if (step->call == CALL_RECV)
        r = kernel_recv(kernel, step, out);
    else
        r = step->call >= CALL_READY ? kernel_look(kernel, step, out) : kernel_change(kernel, step);
    out->error = r < 0 ? errno : 0;
}

int64_t kernel_in_flight(const struct kernel *kernel, int slot)
{
    int value = 0;
    return ioctl(kernel->fd[slot], SIOCOUTQ, &value) == 0 ? value : 0;
}
