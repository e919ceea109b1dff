// SPDX-License-Identifier: MIT
/* message.c: the calls that move data, down to one struct message.
 *
 * Every send call is sendmsg with less said, and every receive call recvmsg; so each is brought into the form of struct
 * message, with all that Linux judges before a protocol sees it: vectors, lengths, names, control buffers.
 *
 * Owns:     nothing.
 * Not here: what a domain does with it (inet_send.c, inet_receive.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum { MESSAGE_CONTROL_MAX = 131072 }; /* net.core.optmem_max */

/* ---- vectors ---- */

void tcpip__io_vector_init(struct io_vector *vector, const struct message *message)
{
    size_t left = message->bytes;
    vector->first = vector->count = 0;
    vector->bytes = left;
    for (size_t i = 0; i < message->iov_count && left > 0; i++) {
        size_t part = min_size(message->iov[i].iov_len, left);
        if (part == 0)
            continue;
        vector->io[vector->count++] = (struct tcpip_io){message->iov[i].iov_base, part};
        left -= part;
    }
}

void tcpip__io_vector_advance(struct io_vector *vector, size_t bytes)
{
    vector->bytes -= bytes;
    while (bytes > 0) {
        struct tcpip_io *io = &vector->io[vector->first];
        size_t part = min_size(bytes, io->size);
        io->data += part;
        io->size -= part;
        bytes -= part;
        if (io->size == 0)
            vector->first++;
    }
}

/* Judges a vector as the kernel imports one; `too_many` is what the call says to more than IOV_MAX. What is wrong with
 * the memory that it names is told later, as a fault. */
static int message_import(const struct tcpip_sockets *s, struct message *message, const struct iovec *iov, size_t count,
                          bool receive, int too_many)
{
    uint64_t sum = 0;
    if (count > IOV_MAX)
        return too_many;
    int number = tcpip__pointer_readable(s, iov, count * sizeof(*iov));
    if (number != 0)
        return number;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len > SSIZE_MAX)
            return EINVAL;
        size_t part = min_size(iov[i].iov_len, SOCKET_BYTES_MAX);
        number = receive ? tcpip__pointer_writable(s, iov[i].iov_base, part)
                         : tcpip__pointer_readable(s, iov[i].iov_base, part);
        if (number != 0)
            message->fault = number;
        sum += part;
    }
    message->iov = iov;
    message->iov_count = count;
    message->bytes = message->fault == 0 ? min_size((size_t)sum, SOCKET_BYTES_MAX) : 0;
    return 0;
}

/* read and write are for every file; an epoll instance doesn't have them. */
static ssize_t message_of_any_file(struct tcpip_sockets *s, int fd, ssize_t result)
{
    if (result < 0 && errno == ENOTSOCK && tcpip_is_socket(s, fd))
        errno = EINVAL;
    return result;
}

/* ---- sending ---- */

static int message_send(struct socket *so, struct message *message, size_t *done)
{
    if ((so->file.status_flags & O_NONBLOCK) != 0)
        message->flags |= MSG_DONTWAIT;
    *done = 0;
    return so->ops->send(so, message, done);
}

/* After the call, so that a handler finds no lock held. */
static void message_pipe_signal(int number, bool stream, int flags)
{
    if (number == EPIPE && stream && (flags & MSG_NOSIGNAL) == 0)
        (void)raise(SIGPIPE);
}

static ssize_t message_send_leave(struct socket *so, int number, size_t done, int flags)
{
    bool stream = so->type == SOCK_STREAM;
    ssize_t result = tcpip__sockets_leave(so->file.sockets, &so->file, number, (ssize_t)done);
    message_pipe_signal(number, stream, flags);
    if (number != 0)
        errno = number; /* a handler may have changed it */
    return result;
}

static ssize_t message_send_vector(struct tcpip_sockets *s, int fd, const struct iovec *iov, size_t count, int flags,
                                   const struct sockaddr *address, socklen_t length, int too_many)
{
    struct sockaddr_storage name;
    struct message message = {.flags = flags};
    size_t done = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = message_import(s, &message, iov, count, false, too_many);
    if (number == 0 && address != NULL) {
        number = tcpip__sockaddr_in(s, address, length, &name);
        message.name = &name;
        message.name_length = length;
    }
    if (number == 0)
        number = message_send(so, &message, &done);
    return message_send_leave(so, number, done, flags);
}

ssize_t tcpip_sendto(struct tcpip_sockets *s, int fd, const void *data, size_t size, int flags,
                     const struct sockaddr *address, socklen_t length)
{
    struct iovec iov = {(void *)(uintptr_t)data, min_size(size, SOCKET_BYTES_MAX)};
    return message_send_vector(s, fd, &iov, 1, flags, address, length, EMSGSIZE);
}

ssize_t tcpip_send(struct tcpip_sockets *s, int fd, const void *data, size_t size, int flags)
{
    return tcpip_sendto(s, fd, data, size, flags, NULL, 0);
}

ssize_t tcpip_write(struct tcpip_sockets *s, int fd, const void *data, size_t size)
{
    return message_of_any_file(s, fd, tcpip_sendto(s, fd, data, size, 0, NULL, 0));
}

ssize_t tcpip_writev(struct tcpip_sockets *s, int fd, const struct iovec *iov, int count)
{
    return message_of_any_file(
        s, fd, message_send_vector(s, fd, iov, (size_t)count, 0, NULL, 0, EINVAL)); /* a negative count is too many */
}

int tcpip__message_sendmsg(struct socket *so, const struct msghdr *header, int flags, size_t *done)
{
    struct tcpip_sockets *s = so->file.sockets;
    struct sockaddr_storage name;
    struct message message = {.flags = flags};
    int number = tcpip__pointer_readable(s, header, sizeof(*header));
    if (number != 0)
        return number;
    if (header->msg_name != NULL && header->msg_namelen > 0) {
        if (header->msg_namelen > INT32_MAX)
            return EINVAL;
        message.name_length = (socklen_t)min_size(header->msg_namelen, sizeof(name));
        number = tcpip__sockaddr_in(s, header->msg_name, message.name_length, &name);
        message.name = &name;
    }
    if (number == 0)
        number = message_import(s, &message, header->msg_iov, header->msg_iovlen, false, EMSGSIZE);
    if (number == 0 && header->msg_controllen > MESSAGE_CONTROL_MAX)
        number = ENOBUFS;
    if (number == 0)
        number = tcpip__pointer_readable(s, header->msg_control, header->msg_controllen);
    message.control = header != NULL ? header->msg_control : NULL;
    message.control_length = header->msg_controllen;
    return number == 0 ? message_send(so, &message, done) : number;
}

ssize_t tcpip_sendmsg(struct tcpip_sockets *s, int fd, const struct msghdr *message, int flags)
{
    size_t done = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__message_sendmsg(so, message, flags, &done);
    return message_send_leave(so, number, done, flags);
}

/* ---- receiving ---- */

static int message_receive(struct socket *so, struct message *message, size_t *done)
{
    if ((so->file.status_flags & O_NONBLOCK) != 0)
        message->flags |= MSG_DONTWAIT;
    *done = 0;
    int number = so->receive_error;
    if (number != 0 && (message->flags & MSG_ERRQUEUE) == 0) {
        so->receive_error = 0;
        return number;
    }
    return so->ops->receive(so, message, done);
}

/* With `name` NULL nobody asks who sent it. */
static ssize_t message_receive_vector(struct tcpip_sockets *s, int fd, const struct iovec *iov, size_t count, int flags,
                                      struct sockaddr *address, socklen_t *length, int too_many)
{
    struct sockaddr_storage name;
    struct message message = {.flags = flags, .name = address != NULL ? &name : NULL};
    size_t done = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = message_import(s, &message, iov, count, true, too_many);
    if (number == 0)
        number = message_receive(so, &message, &done);
    if (number == 0 && address != NULL)
        number = tcpip__sockaddr_out(s, &name, message.name_length, address, length);
    return tcpip__sockets_leave(s, &so->file, number, (ssize_t)done);
}

ssize_t tcpip_recvfrom(struct tcpip_sockets *s, int fd, void *out, size_t size, int flags, struct sockaddr *address,
                       socklen_t *length)
{
    struct iovec iov = {out, min_size(size, SOCKET_BYTES_MAX)};
    return message_receive_vector(s, fd, &iov, 1, flags, address, length, EMSGSIZE);
}

ssize_t tcpip_recv(struct tcpip_sockets *s, int fd, void *out, size_t size, int flags)
{
    return tcpip_recvfrom(s, fd, out, size, flags, NULL, NULL);
}

/* Reading nothing asks for nothing, unlike receiving nothing: it neither waits nor takes an empty datagram. */
static ssize_t message_read_nothing(struct tcpip_sockets *s, int fd)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    return so != NULL ? tcpip__sockets_leave(s, &so->file, 0, 0) : -1;
}

ssize_t tcpip_read(struct tcpip_sockets *s, int fd, void *out, size_t size)
{
    return message_of_any_file(
        s, fd, size > 0 ? tcpip_recvfrom(s, fd, out, size, 0, NULL, NULL) : message_read_nothing(s, fd));
}

ssize_t tcpip_readv(struct tcpip_sockets *s, int fd, const struct iovec *iov, int count)
{
    bool nothing = count >= 0 && count <= IOV_MAX && (count == 0 || iov != NULL);
    for (int i = 0; nothing && i < count; i++)
        nothing = iov[i].iov_len == 0;
    if (nothing)
        return message_read_nothing(s, fd);
    return message_of_any_file(s, fd, message_receive_vector(s, fd, iov, (size_t)count, 0, NULL, NULL, EINVAL));
}

int tcpip__message_recvmsg(struct socket *so, struct msghdr *header, int flags, size_t *done)
{
    struct tcpip_sockets *s = so->file.sockets;
    struct sockaddr_storage name;
    struct message message = {.flags = flags};
    int number = tcpip__pointer_writable(s, header, sizeof(*header));
    if (number != 0)
        return number;
    if (header->msg_name != NULL && header->msg_namelen > INT32_MAX)
        return EINVAL;
    message.name = header->msg_name != NULL ? &name : NULL;
    number = message_import(s, &message, header->msg_iov, header->msg_iovlen, true, EMSGSIZE);
    if (number == 0)
        number = tcpip__pointer_writable(s, header->msg_control, header->msg_controllen);
    message.control = header->msg_control;
    message.control_length = header->msg_controllen;
    if (number == 0)
        number = message_receive(so, &message, done);
    if (number != 0)
        return number;
    if (message.name != NULL) {
        socklen_t room = header->msg_namelen;
        number = tcpip__sockaddr_out(s, &name, message.name_length, header->msg_name, &room);
        if (number != 0)
            return number;
        header->msg_namelen = room;
    }
    header->msg_flags = message.result_flags | (flags & MSG_CMSG_CLOEXEC); /* the kernel shows it, too */
    header->msg_controllen = message.control_length;
    return 0;
}

ssize_t tcpip_recvmsg(struct tcpip_sockets *s, int fd, struct msghdr *message, int flags)
{
    size_t done = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__message_recvmsg(so, message, flags, &done);
    return tcpip__sockets_leave(s, &so->file, number, (ssize_t)done);
}
