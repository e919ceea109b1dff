// SPDX-License-Identifier: MIT
/* unix_rights.c: descriptors that travel in SCM_RIGHTS messages.
 *
 * What travels is not a number but the file behind it. One of the table's is a reference on its struct open_file; one
 * of the kernel's (a pipe, a file) is a duplicate of our own, which becomes the receiver's number. With private
 * descriptors a number can only be the table's.
 *
 * A file whose last reference was on its way ends when the message dies, at the end of a turn. Nothing may wait there:
 * its SO_LINGER does not.
 *
 * Owns:     nothing.
 * Not here: messages (transport/unix/unix_message.c). */
#include "base/math.h"
#include "socket/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- what is referred to ---- */

static void *rights_file_clone(void *object)
{
    file_ref(object);
    return object;
}

static void rights_file_release(void *object)
{
    struct open_file *file = object;
    file->hurried = file->references == 1;
    tcpip__file_unref(file);
}

/* A number of the kernel's, as a pointer that isn't NULL. */
static void *rights_wrap(int fd)
{
    return (void *)(intptr_t)(fd + 1);
}

static int rights_unwrap(const void *object)
{
    return (int)(intptr_t)object - 1;
}

static void *rights_kernel_clone(void *object)
{
    int fd = fcntl(rights_unwrap(object), F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? rights_wrap(fd) : NULL;
}

static void rights_kernel_release(void *object)
{
    (void)close(rights_unwrap(object));
}

static const struct tcpip_unix_reference_ops rights_file_ops = {rights_file_clone, rights_file_release};
static const struct tcpip_unix_reference_ops rights_kernel_ops = {rights_kernel_clone, rights_kernel_release};

/* ---- sending ---- */

static int rights_take_one(struct tcpip_sockets *s, int fd, struct tcpip_unix_reference *out)
{
    struct open_file *file = fd >= 0 ? tcpip__sockets_file(s, fd) : NULL;
    if (file != NULL) {
        *out = (struct tcpip_unix_reference){rights_file_clone(file), &rights_file_ops};
        return 0;
    }
    if (fd < 0 || s->options.private_descriptors)
        return EBADF;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return errno;
    *out = (struct tcpip_unix_reference){rights_wrap(copy), &rights_kernel_ops};
    return 0;
}

int tcpip__un_rights_take(struct tcpip_sockets *s, const struct cmsghdr *header, struct un_rights *rights)
{
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (header->cmsg_len < CMSG_LEN(0))
        return EINVAL;
    if (count > TCPIP_UNIX_REFERENCES_MAX - rights->count)
        return EINVAL;
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
        int number = rights_take_one(s, fd, &rights->items[rights->count]);
        if (number != 0)
            return number;
        rights->count++;
    }
    return 0;
}

void tcpip__un_rights_drop(struct un_rights *rights)
{
    while (rights->count > 0) {
        struct tcpip_unix_reference *item = &rights->items[--rights->count];
        item->ops->release(item->object);
    }
}

/* ---- receiving ---- */

/* A number for one that came; the reference goes into it. False: there is none left. */
static bool rights_give(struct tcpip_sockets *s, struct tcpip_unix_reference *item, bool close_on_exec, int *fd)
{
    if (item->ops == &rights_kernel_ops) {
        *fd = rights_unwrap(item->object);
        if (!close_on_exec)
            (void)fcntl(*fd, F_SETFD, 0);
        return true;
    }
    if (tcpip__descriptor_reserve(s, 0, fd) != 0)
        return false;
    tcpip__descriptor_install(s, *fd, item->object, close_on_exec);
    return true;
}

void tcpip__un_rights_put(struct tcpip_sockets *s, struct un_rights *rights, struct message *message, size_t *used)
{
    int numbers[TCPIP_UNIX_REFERENCES_MAX];
    size_t room = message->control != NULL ? message->control_length - *used : 0, given = 0;
    room = room > sizeof(struct cmsghdr) ? (room - CMSG_LEN(0)) / sizeof(int) : 0;
    bool close_on_exec = (message->flags & MSG_CMSG_CLOEXEC) != 0;
    while (given < min_size(room, rights->count) &&
           rights_give(s, &rights->items[given], close_on_exec, &numbers[given]))
        given++;
    if (given > 0)
        tcpip__control_put(message, used, SOL_SOCKET, SCM_RIGHTS, numbers, given * sizeof(numbers[0]));
    if (given < rights->count)
        message->result_flags |= MSG_CTRUNC;
    for (size_t i = given; i < rights->count; i++)
        rights->items[i].ops->release(rights->items[i].object);
    rights->count = 0;
}
