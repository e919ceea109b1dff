// SPDX-License-Identifier: MIT
/* socket.c: sockets: how they are made, named, connected, and ended, in every domain.
 *
 * Owns:       struct socket.
 * Invariants: the waiter is on the endpoint while there is one.
 * Not here:   what a domain does (inet.c), data (send.c, receive.c), descriptors (descriptor.c). */
#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>

enum { SOCKET_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC, SOCKET_TYPE_MASK = 0xf };

const struct socket_ops *const tcpip__socket_domains[] = {&tcpip__inet_ops, &tcpip__inet6_ops, &tcpip__un_ops, NULL};

/* ---- the file ---- */

static uint32_t socket_readiness(const struct open_file *file)
{
    const struct socket *so = container_of(file, const struct socket, file);
    uint32_t mask = TCPIP_EVENT_IN | TCPIP_EVENT_PRI | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP;
    if (so->ops->readiness != NULL)
        return so->ops->readiness(so);
    return so->endpoint != NULL ? tcpip_endpoint_readiness(so->endpoint, mask) : 0;
}

static void socket_release(struct open_file *file)
{
    struct tcpip_sockets *s = file->sockets;
    struct socket *so = socket_of(file);
    tcpip__file_gone(file); /* now, and not after it has lingered: what is closed isn't heard of any more */
    if (so->ops->closing != NULL && !s->ending && !file->hurried)
        so->ops->closing(so);
    tcpip__file_fini(file);
    tcpip__socket_options_fini(s, &so->options);
    if (so->endpoint != NULL)
        tcpip_endpoint_close(so->endpoint);
    tcpip__sockets_dealloc(s, so, sizeof(*so));
}

static const struct file_ops socket_file_ops = {FILE_SOCKET, socket_readiness, socket_release};

static void socket_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    tcpip__file_tell(&container_of(waiter, struct socket, waiter)->file, ready);
}

int tcpip__socket_new(struct tcpip_sockets *s, const struct socket_ops *ops, int type, int protocol,
                      struct tcpip_endpoint *endpoint, struct socket **out)
{
    struct socket *so = tcpip__sockets_alloc(s, sizeof(*so));
    if (so == NULL)
        return ENOMEM;
    tcpip__file_init(&so->file, s, &socket_file_ops);
    so->file.status_flags = O_RDWR;
    so->ops = ops;
    so->domain = ops->domain;
    so->type = type;
    so->protocol = protocol;
    so->receive_timeout_ns = so->send_timeout_ns = TCPIP_NEVER;
    so->linger_s = -1;
    so->endpoint = endpoint;
    so->waiter.mask = TCPIP_EVENT_IN | TCPIP_EVENT_PRI | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP;
    so->waiter.fn = socket_heard;
    if (endpoint != NULL)
        tcpip_endpoint_waiter_add(endpoint, &so->waiter);
    *out = so;
    return 0;
}

int tcpip__socket_inherit(struct socket *so, const struct socket *listener)
{
    so->receive_timeout_ns = listener->receive_timeout_ns;
    so->send_timeout_ns = listener->send_timeout_ns;
    so->linger_s = listener->linger_s;
    so->controls = listener->controls;
    return tcpip__socket_options_inherit(so->file.sockets, &so->options, &listener->options) ? 0 : ENOMEM;
}

struct socket *tcpip__socket_from_file(struct open_file *file)
{
    return file != NULL && file->ops->kind == FILE_SOCKET ? socket_of(file) : NULL;
}

struct socket *tcpip__sockets_enter_socket(struct tcpip_sockets *s, int fd)
{
    tcpip_sockets_lock(s);
    struct open_file *file = tcpip__sockets_file(s, fd);
    struct socket *so = tcpip__socket_from_file(file);
    if (so != NULL) {
        file_ref(file);
        return so;
    }
    tcpip__sockets_unlock(s);
    /* One of the kernel's descriptors is open, but no socket of ours. */
    bool open = file != NULL || (!s->options.private_descriptors && fcntl(fd, F_GETFD) >= 0);
    (void)tcpip__sockets_refuse(open ? ENOTSOCK : EBADF);
    return NULL;
}

int tcpip__socket_block(struct socket *so, uint32_t events, tcpip_ns timeout_ns, int (*attempt)(void *ctx), void *ctx)
{
    struct blocked blocked;
    int number = attempt(ctx);
    if (number != EAGAIN)
        return number;
    if (timeout_ns == 0) {
        tcpip__drive_poll(so->file.sockets);
        return attempt(ctx);
    }
    tcpip__blocked_begin(&blocked, &so->file, events, tcpip__wait_until(so->file.sockets, timeout_ns));
    while ((number = attempt(ctx)) == EAGAIN) {
        number = tcpip__blocked_wait(&blocked);
        if (number != 0)
            break;
    }
    tcpip__blocked_end(&blocked);
    return number;
}

struct tcpip_endpoint *tcpip_socket_endpoint(struct tcpip_sockets *s, int fd)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return NULL;
    struct tcpip_endpoint *endpoint = so->endpoint;
    (void)tcpip__sockets_leave(s, &so->file, 0, 0);
    return endpoint;
}

/* ---- socket, socketpair ---- */

static const struct socket_ops *socket_domain(int domain)
{
    for (size_t i = 0; tcpip__socket_domains[i] != NULL; i++)
        if (tcpip__socket_domains[i]->domain == domain)
            return tcpip__socket_domains[i];
    return NULL;
}

/* Gives a new socket the descriptor that was reserved for it; takes over its reference. */
static void socket_install(struct socket *so, int fd, int flags)
{
    if ((flags & SOCK_NONBLOCK) != 0)
        so->file.status_flags |= O_NONBLOCK;
    tcpip__descriptor_install(so->file.sockets, fd, &so->file, (flags & SOCK_CLOEXEC) != 0);
}

/* As Linux: flags, domain and type are judged before what the domain says. */
static int socket_judge(int domain, int *type, const struct socket_ops **ops)
{
    if ((*type & ~(SOCKET_TYPE_MASK | SOCKET_FLAGS)) != 0)
        return EINVAL;
    *type &= SOCKET_TYPE_MASK;
    if (domain < 0 || domain >= AF_MAX)
        return EAFNOSUPPORT;
    if (*type < 0 || *type > SOCK_PACKET)
        return EINVAL;
    *ops = socket_domain(domain);
    return *ops != NULL ? 0 : EAFNOSUPPORT;
}

int tcpip_socket(struct tcpip_sockets *s, int domain, int type, int protocol)
{
    const struct socket_ops *ops;
    struct socket *so;
    int flags = type & SOCKET_FLAGS, fd = -1;
    int number = socket_judge(domain, &type, &ops);
    if (number != 0)
        return tcpip__sockets_refuse(number);
    tcpip_sockets_lock(s);
    number = ops->create(s, type, protocol, &so);
    if (number == 0) {
        number = tcpip__descriptor_reserve(s, 0, &fd);
        if (number == 0)
            socket_install(so, fd, flags);
        else
            tcpip__file_unref(&so->file);
    }
    return (int)tcpip__sockets_leave(s, NULL, number, fd);
}

static int socket_make_pair(struct tcpip_sockets *s, const struct socket_ops *ops, int type, int protocol,
                            struct socket *pair[2])
{
    int number = ops->create(s, type, protocol, &pair[0]);
    if (number != 0)
        return number;
    number = ops->create(s, type, protocol, &pair[1]);
    if (number == 0) {
        number = ops->pair != NULL ? ops->pair(pair[0], pair[1]) : EOPNOTSUPP;
        if (number == 0)
            return 0;
        tcpip__file_unref(&pair[1]->file);
    }
    tcpip__file_unref(&pair[0]->file);
    return number;
}

int tcpip_socketpair(struct tcpip_sockets *s, int domain, int type, int protocol, int sv[2])
{
    const struct socket_ops *ops;
    struct socket *pair[2];
    int flags = type & SOCKET_FLAGS, fd[2] = {-1, -1};
    int number = socket_judge(domain, &type, &ops);
    if (number != 0)
        return tcpip__sockets_refuse(number);
    number = tcpip__pointer_writable(s, sv, 2 * sizeof(sv[0]));
    if (number != 0)
        return tcpip__sockets_refuse(number);
    tcpip_sockets_lock(s);
    number = tcpip__descriptor_reserve(s, 0, &fd[0]);
    if (number == 0)
        number = tcpip__descriptor_reserve(s, 0, &fd[1]);
    if (number == 0)
        number = socket_make_pair(s, ops, type, protocol, pair);
    for (int i = 0; i < 2; i++) {
        if (number == 0) {
            socket_install(pair[i], fd[i], flags);
            sv[i] = fd[i];
        } else if (fd[i] >= 0) {
            tcpip__descriptor_cancel(s, fd[i]);
        }
    }
    return (int)tcpip__sockets_leave(s, NULL, number, 0);
}

/* ---- bind, listen, connect ---- */

int tcpip_bind(struct tcpip_sockets *s, int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_storage in;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__sockaddr_in(s, address, length, &in);
    if (number == 0)
        number = so->ops->bind(so, &in, length);
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

int tcpip_listen(struct tcpip_sockets *s, int fd, int backlog)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = so->ops->listen(so, backlog);
    so->listening = so->listening || number == 0;
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

int tcpip_connect(struct tcpip_sockets *s, int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_storage in;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = tcpip__sockaddr_in(s, address, length, &in);
    if (number == 0)
        number = so->ops->connect(so, &in, length, (so->file.status_flags & O_NONBLOCK) != 0);
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

/* ---- accept ---- */

static int socket_accept(struct socket *so, struct sockaddr *address, socklen_t *length, int flags, int *fd)
{
    struct tcpip_sockets *s = so->file.sockets;
    struct sockaddr_storage peer;
    socklen_t peer_length = 0;
    struct socket *accepted;
    int number = tcpip__descriptor_reserve(s, 0, fd);
    if (number != 0)
        return number;
    number = so->ops->accept(so, (so->file.status_flags & O_NONBLOCK) != 0, &accepted, &peer, &peer_length);
    if (number == 0 && address != NULL) {
        number = tcpip__sockaddr_out(s, &peer, peer_length, address, length);
        if (number != 0)
            tcpip__file_unref(&accepted->file); /* as in the kernel: the connection is lost */
    }
    if (number == 0)
        socket_install(accepted, *fd, flags);
    else
        tcpip__descriptor_cancel(s, *fd);
    return number;
}

int tcpip_accept4(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int accepted = -1;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL && errno == ENOTSOCK && (flags & ~SOCKET_FLAGS) != 0)
        return tcpip__sockets_refuse(EINVAL);
    if (so == NULL)
        return -1;
    int number = (flags & ~SOCKET_FLAGS) == 0 ? socket_accept(so, address, length, flags, &accepted) : EINVAL;
    return (int)tcpip__sockets_leave(s, &so->file, number, accepted);
}

int tcpip_accept(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length)
{
    return tcpip_accept4(s, fd, address, length, 0);
}

/* ---- names, shutdown, close ---- */

static int socket_name(struct tcpip_sockets *s, int fd, bool peer, struct sockaddr *address, socklen_t *length)
{
    struct sockaddr_storage name;
    socklen_t name_length = 0;
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    int number = so->ops->name(so, peer, &name, &name_length);
    if (number == 0)
        number = tcpip__sockaddr_out(s, &name, name_length, address, length);
    return (int)tcpip__sockets_leave(s, &so->file, number, 0);
}

int tcpip_getsockname(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length)
{
    return socket_name(s, fd, false, address, length);
}

int tcpip_getpeername(struct tcpip_sockets *s, int fd, struct sockaddr *address, socklen_t *length)
{
    return socket_name(s, fd, true, address, length);
}

int tcpip_shutdown(struct tcpip_sockets *s, int fd, int how)
{
    struct socket *so = tcpip__sockets_enter_socket(s, fd);
    if (so == NULL)
        return -1;
    bool known = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR;
    return (int)tcpip__sockets_leave(s, &so->file, known ? so->ops->shutdown(so, how) : EINVAL, 0);
}

int tcpip_close(struct tcpip_sockets *s, int fd)
{
    tcpip_sockets_lock(s);
    struct open_file *file = tcpip__descriptor_remove(s, fd);
    return (int)tcpip__sockets_leave(s, file, file != NULL ? 0 : EBADF, 0);
}
