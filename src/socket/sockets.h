// SPDX-License-Identifier: MIT
/* sockets.h: the table inside: what a process is to the kernel. One lock, one stack, descriptors, and who drives.
 *
 * Every call has this shape:
 *
 *     struct socket *so = tcpip__sockets_enter_socket(s, fd);         takes the lock, and a reference on the file
 *     if (so == NULL) return -1;                                       EBADF, ENOTSOCK
 *     int number = ...;                                                0 or an errno
 *     return tcpip__sockets_leave(s, &so->file, number, result);      gives both back; -1 and errno, or the result
 */
#ifndef TCPIP_SRC_SOCKET_SOCKETS_H
#define TCPIP_SRC_SOCKET_SOCKETS_H

#include "platform/loop.h"
#include "socket/file.h"
#include "socket/wait.h"

#include <pthread.h>
#include <sys/types.h>
#include <tcpip/endpoint.h>
#include <tcpip/socket.h>

struct descriptor {
    struct open_file *file; /* NULL: free, or reserved */
    bool reserved;          /* the number is taken; the file comes */
    bool close_on_exec;     /* FD_CLOEXEC, as F_GETFD shows it */
};

struct socket_ops;

struct tcpip_sockets {
    struct tcpip_env env; /* the stack's */
    struct tcpip_stack *stack;
    struct tcpip_sockets_options options;
    pthread_mutex_t lock;

    struct descriptor *descriptors; /* by number less first_descriptor */
    uint32_t descriptor_room;       /* entries allocated */
    uint32_t descriptor_count;      /* used or reserved */
    uint32_t descriptor_lowest;     /* no entry below is free (private descriptors) */
    struct list files;              /* struct open_file.node */

    bool ending; /* tcpip_sockets_free: nothing waits any more */

    struct drive drive;       /* drive_loop.c, wait.c */
    uint64_t kernels_version; /* counts changes of what an epoll instance has of the kernel's to sleep on */
};

/* ---- entering and leaving (sockets.c) ---- */

/* Gives the lock back; tcpip_sockets_unlock is for who isn't inside a call. */
void tcpip__sockets_unlock(struct tcpip_sockets *s);
/* Takes the lock and a reference. NULL: EBADF is set, and the lock isn't held. */
must_use struct open_file *tcpip__sockets_enter(struct tcpip_sockets *s, int fd);
/* Gives back the reference (file may be NULL) and the lock. number 0: `result`; else errno is set to it and -1. */
ssize_t tcpip__sockets_leave(struct tcpip_sockets *s, struct open_file *file, int number, ssize_t result);
/* The file of a descriptor, no reference taken; NULL. Under the lock. */
struct open_file *tcpip__sockets_file(const struct tcpip_sockets *s, int fd);
/* errno = number; -1. For what fails before the lock is taken. */
int tcpip__sockets_refuse(int number);
/* Memory of the table's; zeroed; NULL. Under the lock. */
must_use void *tcpip__sockets_alloc(struct tcpip_sockets *s, size_t size);
void tcpip__sockets_dealloc(struct tcpip_sockets *s, void *memory, size_t size);

/* ---- descriptors (table.c) ---- */

/* The lowest free number not below `lowest`, reserved. An errno: EMFILE, ENFILE, ENOMEM. */
must_use int tcpip__descriptor_reserve(struct tcpip_sockets *s, int lowest, int *fd);
/* Gives a number that was reserved to a file; takes over the caller's reference. */
void tcpip__descriptor_install(struct tcpip_sockets *s, int fd, struct open_file *file, bool close_on_exec);
/* The number is free again. */
void tcpip__descriptor_cancel(struct tcpip_sockets *s, int fd);
/* Takes a file off its number, which is free again; the reference is the caller's. NULL: not open. */
must_use struct open_file *tcpip__descriptor_remove(struct tcpip_sockets *s, int fd);
/* Reserves exactly this number, for dup2: `was` is the file that had it (NULL: none), whose reference is the caller's.
 * `from`: a descriptor of the table's. EBADF, EBUSY, ENOMEM. */
must_use int tcpip__descriptor_claim(struct tcpip_sockets *s, int from, int fd, struct open_file **was);
/* Where FD_CLOEXEC of a descriptor is kept; NULL: not open. */
bool *tcpip__descriptor_close_on_exec(struct tcpip_sockets *s, int fd);
/* Frees the table; no file is in it. */
void tcpip__descriptors_fini(struct tcpip_sockets *s);

/* ---- memory of the caller's (pointer.c) ---- */

/* 0, or EFAULT: NULL with a size other than 0; and, with options.probe_pointers, whatever the kernel would refuse. */
must_use int tcpip__pointer_readable(const struct tcpip_sockets *s, const void *memory, size_t size);
must_use int tcpip__pointer_writable(const struct tcpip_sockets *s, const void *memory, size_t size);

#endif
