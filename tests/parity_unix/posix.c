// SPDX-License-Identifier: MIT
/* posix.c: the steps as calls of sockets, the kernel's or the library's. */
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

struct posix {
    const struct calls *calls;
    void *ctx;
    const char *directory;
    int fd[SLOTS];
    int passed; /* what references refer to */
};

static const int posix_types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

struct posix *posix_new(const struct calls *calls, void *ctx, const char *directory)
{
    struct posix *posix = calloc(1, sizeof(*posix));
    posix->calls = calls;
    posix->ctx = ctx;
    posix->directory = directory;
    for (int i = 0; i < SLOTS; i++)
        posix->fd[i] = -1;
    posix->passed = posix->calls->socket(posix->ctx, AF_INET, SOCK_DGRAM, 0);
    failing_require(posix->passed >= 0);
    return posix;
}

void posix_free(struct posix *posix)
{
    uint8_t path[108];
    for (int i = 0; i < SLOTS; i++)
        if (posix->fd[i] >= 0)
            posix->calls->close(posix->ctx, posix->fd[i]);
    for (int i = 1; i < NAMES; i += 2) {
        path[name_bytes(posix->directory, i, path)] = 0;
        (void)posix->calls->unlink(posix->ctx, (char *)path);
    }
    posix->calls->close(posix->ctx, posix->passed);
    free(posix);
}

static socklen_t posix_address(const struct posix *posix, int name, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (name < 0)
        return sizeof(sa_family_t);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                       name_bytes(posix->directory, name, (uint8_t *)out->sun_path));
}

static int posix_shown(const struct posix *posix, const struct sockaddr_un *address, socklen_t length)
{
    uint32_t size = length > sizeof(sa_family_t) ? (uint32_t)(length - sizeof(sa_family_t)) : 0;
    if (size > 0 && address->sun_path[0] != 0)
        size = (uint32_t)strnlen(address->sun_path, size);
    return name_index(posix->directory, (const uint8_t *)address->sun_path, size);
}

static ssize_t posix_send(struct posix *posix, const struct step *step)
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
        message.msg_namelen = posix_address(posix, step->name, &to);
    }
    struct cmsghdr *header = (struct cmsghdr *)control;
    if (step->references > 0) {
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(step->references * sizeof(int));
        for (uint32_t i = 0; i < step->references; i++)
            memcpy(CMSG_DATA(header) + i * sizeof(int), &posix->passed, sizeof(int));
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
    return posix->calls->sendmsg(posix->ctx, posix->fd[step->slot], &message, MSG_NOSIGNAL);
}

static size_t min_length(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t posix_recv(struct posix *posix, const struct step *step, struct answer *out)
{
    _Alignas(struct cmsghdr) uint8_t control[1024];
    struct sockaddr_un from;
    struct iovec iov = {out->data, step->size};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = step->sockets ? step->room : sizeof(control)};
    ssize_t n =
        posix->calls->recvmsg(posix->ctx, posix->fd[step->slot], &message, step->flags | (step->flag ? MSG_PEEK : 0));
    if (n < 0)
        return n;
    out->bytes = (uint32_t)n;
    out->from = posix_shown(posix, &from, message.msg_namelen);
    if (step->sockets)
        out->flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_type == SCM_RIGHTS) {
            out->references = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            for (uint32_t i = 0; i < out->references; i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
                posix->calls->close(posix->ctx, fd);
            }
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred told = {0, 0, 0};
            memcpy(&told, CMSG_DATA(header), min_length(header->cmsg_len - CMSG_LEN(0), sizeof(told)));
            out->has_credentials = true;
            out->pid = told.pid;
            out->uid = told.uid;
            out->gid = told.gid;
        }
    }
    return n;
}

static int posix_named(struct posix *posix, const struct step *step, struct answer *out)
{
    struct sockaddr_un address;
    socklen_t length = sizeof(address);
    int r = step->call == CALL_LOCAL
                ? posix->calls->getsockname(posix->ctx, posix->fd[step->slot], (struct sockaddr *)&address, &length)
                : posix->calls->getpeername(posix->ctx, posix->fd[step->slot], (struct sockaddr *)&address, &length);
    if (r == 0)
        out->from = posix_shown(posix, &address, length);
    return r;
}

static ssize_t posix_look(struct posix *posix, const struct step *step, struct answer *out)
{
    int fd = posix->fd[step->slot], value = 0, r = 0;
    struct ucred peer;
    socklen_t length = sizeof(value), peer_length = sizeof(peer);
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    switch (step->call) {
    case CALL_READY:
        posix->calls->poll(posix->ctx, &p, 1, 0);
        out->value = p.revents;
        return 0;
    case CALL_UNREAD:
        r = posix->calls->ioctl(posix->ctx, fd, FIONREAD, &value);
        break;
    case CALL_ERROR:
        r = posix->calls->getsockopt(posix->ctx, fd, SOL_SOCKET, SO_ERROR, &value, &length);
        break;
    case CALL_PEERCRED:
        r = posix->calls->getsockopt(posix->ctx, fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length);
        out->pid = peer.pid;
        out->uid = (int)peer.uid;
        out->gid = (int)peer.gid;
        break;
    default:
        return posix_named(posix, step, out);
    }
    out->value = r == 0 ? value : 0;
    return r;
}

static ssize_t posix_change(struct posix *posix, const struct step *step)
{
    int *fd = &posix->fd[step->slot], pair[2], on = step->flag, offset = (int)step->size - 1, r;
    struct sockaddr_un address;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    socklen_t length = posix_address(posix, step->name, &address);
    switch (step->call) {
    case CALL_NEW:
        return *fd =
                   posix->calls->socket(posix->ctx, AF_UNIX, posix_types[step->size] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    case CALL_PAIR:
        r = posix->calls->socketpair(posix->ctx, AF_UNIX, posix_types[step->size] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                                     pair);
        *fd = pair[0];
        posix->fd[step->other] = pair[1];
        return r;
    case CALL_CLOSE:
        r = posix->calls->close(posix->ctx, *fd);
        *fd = -1;
        return r;
    case CALL_BIND:
    case CALL_AUTOBIND:
        return posix->calls->bind(posix->ctx, *fd, (struct sockaddr *)&address, length);
    case CALL_UNLINK:
        return posix->calls->unlink(posix->ctx, address.sun_path);
    case CALL_CONNECT:
        return posix->calls->connect(posix->ctx, *fd, (struct sockaddr *)&address, length);
    case CALL_DISCONNECT:
        return posix->calls->connect(posix->ctx, *fd, &none, sizeof(none));
    case CALL_LISTEN:
        return posix->calls->listen(posix->ctx, *fd, (int)step->size);
    case CALL_ACCEPT:
        r = posix->calls->accept4(posix->ctx, *fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (r >= 0)
            posix->fd[step->other] = r;
        return r;
    case CALL_SHUTDOWN:
        return posix->calls->shutdown(posix->ctx, *fd, (int)step->size);
    case CALL_PEEK_OFFSET:
        return posix->calls->setsockopt(posix->ctx, *fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset));
    default:
        return posix->calls->setsockopt(posix->ctx, *fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    }
}

void posix_do(struct posix *posix, const struct step *step, struct answer *out)
{
    memset(out, 0, sizeof(*out));
    ssize_t r;
    if (step->call == CALL_SEND)
        out->bytes = (r = posix_send(posix, step)) > 0 ? (uint32_t)r : 0;
    else if (step->call == CALL_RECV)
        r = posix_recv(posix, step, out);
    else
        r = step->call >= CALL_READY ? posix_look(posix, step, out) : posix_change(posix, step);
    out->error = r < 0 ? errno : 0;
}

int64_t posix_in_flight(const struct posix *posix, int slot)
{
    int value = 0;
    return posix->calls->ioctl(posix->ctx, posix->fd[slot], SIOCOUTQ, &value) == 0 ? value : 0;
}
