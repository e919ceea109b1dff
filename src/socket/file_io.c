// SPDX-License-Identifier: MIT
/* file_io.c: sendfile, and splice between a socket and a pipe of the kernel's.
 *
 * The other side is the kernel's, so the bytes are copied once through a room of this call's; what the socket doesn't
 * take of a file is still there, because it is read by offset. A pipe can't be read twice: it is looked into with tee
 * where the socket may take less than there is, and only what was taken is read out of it.
 *
 * The lock is not held while the kernel reads or writes, which may block.
 *
 * Owns:     nothing.
 * Not here: moving data between sockets (message.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_IO_ROOM = 65536 };

/* ---- sendfile ---- */

/* Linux's order of judging: the file, the socket, the range. */
static int sendfile_judge(struct tcpip_sockets *s, int in_fd, const off_t *offset, off_t *at)
{
    int mode = fcntl(in_fd, F_GETFL);
    if (mode < 0 || (mode & O_ACCMODE) == O_WRONLY)
        return EBADF;
    if (tcpip_is_socket(s, in_fd))
        return EINVAL; /* splice moves what comes from there */
    int number = offset != NULL ? tcpip__pointer_writable(s, offset, sizeof(*offset)) : 0;
    if (number != 0)
        return number;
    *at = offset != NULL ? *offset : lseek(in_fd, 0, SEEK_CUR);
    if (*at < 0)
        return offset != NULL ? EINVAL : errno; /* ESPIPE: no file, but a pipe */
    return 0;
}

ssize_t tcpip_sendfile(struct tcpip_sockets *s, int out_fd, int in_fd, off_t *offset, size_t count)
{
    uint8_t room[FILE_IO_ROOM];
    off_t at = 0;
    size_t done = 0;
    int number = sendfile_judge(s, in_fd, offset, &at);
    if (number != 0)
        return tcpip__sockets_refuse(number);
    count = min_size(count, SOCKET_BYTES_MAX);
    struct socket *so = tcpip__sockets_enter_socket(s, out_fd);
    if (so == NULL)
        return -1;
    (void)tcpip__sockets_leave(s, &so->file, 0, 0);
    while (done < count) {
        size_t part = min_size(count - done, sizeof(room));
        ssize_t got = pread(in_fd, room, part, at);
        if (got <= 0) {
            number = got < 0 ? errno : 0;
            break;
        }
        bool more = (size_t)got == part && done + part < count;
        ssize_t sent = tcpip_send(s, out_fd, room, (size_t)got, more ? MSG_MORE : 0);
        if (sent < 0) {
            number = errno;
            break;
        }
        done += (size_t)sent;
        at += sent;
        if (sent < got)
            break;
    }
    if (offset != NULL)
        *offset = at;
    else if (done > 0)
        (void)lseek(in_fd, at, SEEK_SET);
    return done > 0 || number == 0 ? (ssize_t)done : tcpip__sockets_refuse(number);
}

/* ---- splice ---- */

static bool splice_is_pipe(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* One of the kernel's descriptors, open for this direction at least. */
static bool splice_mode_is(int fd, int direction)
{
    int mode = fcntl(fd, F_GETFL);
    return mode >= 0 && ((mode & O_ACCMODE) == direction || (mode & O_ACCMODE) == O_RDWR);
}

/* From the pipe to the socket: what is in the pipe is copied into a scratch pipe with tee, sent from there, and then as
 * much as was sent is read out of the pipe. */
static ssize_t splice_to_socket(struct tcpip_sockets *s, int pipe_fd, int socket_fd, size_t size, unsigned flags)
{
    uint8_t room[FILE_IO_ROOM];
    int scratch[2]; /* a pipe of this call's, so that bytes can be looked at twice */
    if (pipe2(scratch, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    ssize_t got = tee(pipe_fd, scratch[1], min_size(size, sizeof(room)), flags & SPLICE_F_NONBLOCK), sent = got;
    int number = errno;
    if (got > 0) {
        got = read(scratch[0], room, (size_t)got);
        int send_flags =
            ((flags & SPLICE_F_NONBLOCK) != 0 ? MSG_DONTWAIT : 0) | ((flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0);
        sent = got > 0 ? tcpip_send(s, socket_fd, room, (size_t)got, send_flags) : got;
        number = errno;
        if (sent > 0)
            (void)!read(pipe_fd, room, (size_t)sent); /* there they are: nobody else reads it, or it is his doing */
    }
    close(scratch[0]);
    close(scratch[1]);
    return sent >= 0 ? sent : tcpip__sockets_refuse(number);
}

/* How much a pipe takes at once, waiting for room if it may. */
static ssize_t splice_pipe_room(int pipe_fd, bool nonblocking)
{
    struct pollfd poll_pipe = {.fd = pipe_fd, .events = POLLOUT};
    int ready = poll(&poll_pipe, 1, nonblocking ? 0 : -1);
    if (ready < 0)
        return -1;
    if ((poll_pipe.revents & POLLERR) != 0) { /* nobody reads it: the write says so */
        return write(pipe_fd, "", 1);
    }
    if (ready == 0)
        return tcpip__sockets_refuse(EAGAIN);
    return PIPE_BUF; /* what poll promises */
}

/* From the socket to the pipe: no more is taken out than the pipe has room for. */
static ssize_t splice_from_socket(struct tcpip_sockets *s, int socket_fd, int pipe_fd, size_t size, unsigned flags)
{
    uint8_t room[PIPE_BUF];
    size_t done = 0;
    int mode = fcntl(pipe_fd, F_GETFL);
    bool nonblocking = (flags & SPLICE_F_NONBLOCK) != 0 || (mode & O_NONBLOCK) != 0;
    while (done < size) {
        ssize_t part = splice_pipe_room(pipe_fd, nonblocking || done > 0);
        if (part < 0)
            return done > 0 ? (ssize_t)done : -1;
        part = (ssize_t)min_size((size_t)part, size - done);
        bool waits = (flags & SPLICE_F_NONBLOCK) == 0 && done == 0;
        part = tcpip_recv(s, socket_fd, room, (size_t)part, waits ? 0 : MSG_DONTWAIT);
        if (part <= 0)
            return done > 0 ? (ssize_t)done : part;
        if (write(pipe_fd, room, (size_t)part) != part)
            return done > 0 ? (ssize_t)done : -1;
        done += (size_t)part;
    }
    return (ssize_t)done;
}

ssize_t tcpip_splice(struct tcpip_sockets *s, int fd_in, off_t *offset_in, int fd_out, off_t *offset_out, size_t size,
                     unsigned flags)
{
    bool in_socket = tcpip_is_socket(s, fd_in), out_socket = tcpip_is_socket(s, fd_out);
    if ((flags & ~(unsigned)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)) != 0)
        return tcpip__sockets_refuse(EINVAL);
    if (size == 0)
        return 0;
    if ((!in_socket && !splice_mode_is(fd_in, O_RDONLY)) || (!out_socket && !splice_mode_is(fd_out, O_WRONLY)))
        return tcpip__sockets_refuse(EBADF);
    bool in_pipe = !in_socket && splice_is_pipe(fd_in), out_pipe = !out_socket && splice_is_pipe(fd_out);
    if (!(in_socket && out_pipe) && !(in_pipe && out_socket))
        return tcpip__sockets_refuse(EINVAL);
    if (offset_in != NULL || offset_out != NULL) /* the pipe's is judged first */
        return tcpip__sockets_refuse((in_pipe ? offset_in : offset_out) != NULL ? ESPIPE : EINVAL);
    size = min_size(size, SOCKET_BYTES_MAX);
    return in_socket ? splice_from_socket(s, fd_in, fd_out, size, flags)
                     : splice_to_socket(s, fd_in, fd_out, size, flags);
}
