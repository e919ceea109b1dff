// SPDX-License-Identifier: MIT
/* file.h: the open file description, which descriptors name, calls under way hold, and watchers hear.
 *
 * As in the kernel: a call that is under way keeps the file, so closing its descriptor meanwhile changes nothing for
 * it. Everything here happens under the lock of the table. */
#ifndef TCPIP_SRC_SOCKET_FILE_H
#define TCPIP_SRC_SOCKET_FILE_H

#include "base/list.h"

struct tcpip_sockets;
struct open_file;

enum file_kind {
    FILE_SOCKET, /* the struct open_file is in a struct socket (socket.h beside this) */
    FILE_EPOLL,
};

struct file_ops {
    enum file_kind kind;
    /* TCPIP_EVENT_* that hold now (poll's bits). */
    uint32_t (*readiness)(const struct open_file *file);
    /* The last reference is gone: ends it, and frees the memory. May wait (SO_LINGER), which lets the lock go. */
    void (*release)(struct open_file *file);
};

struct open_file {
    const struct file_ops *ops;
    struct tcpip_sockets *sockets;
    struct tcpip_list_node node; /* sockets->files */
    struct list watches;         /* struct file_watch */
    uint32_t references;         /* descriptors, calls under way, and who else holds it (a message on its way) */
    int status_flags;            /* O_NONBLOCK, O_ASYNC; shared by dups */
    bool hurried;                /* its last reference goes where nothing may wait: it doesn't linger */
};

/* Hears of a file until it is removed. The file's user takes care that it outlives the watch (a reference), or hears of
 * its end. */
struct file_watch {
    struct tcpip_list_node node;
    uint32_t mask;  /* ERR and HUP are heard always */
    bool exclusive; /* not told once another exclusive one has woken somebody */
    bool woke;      /* set by fn of an exclusive one: it has */
    /* `ready`: what recurred. Runs at the end of a turn, or in a call. Only takes notes, and signals; adds and removes
     * no watch. NULL in `file_watch_end`'s place. */
    void (*fn)(struct file_watch *watch, uint32_t ready);
    /* The file is being released: forget it. The watch is off its list already. NULL: it can't happen while it is
     * watched. */
    void (*gone)(struct file_watch *watch);
};

/* A new file with one reference, the caller's. */
void tcpip__file_init(struct open_file *file, struct tcpip_sockets *s, const struct file_ops *ops);
/* For ops->release: who watches hears that it is gone. */
void tcpip__file_gone(struct open_file *file);
/* For ops->release: off the table's list, watchers told; the memory is the caller's to free. */
void tcpip__file_fini(struct open_file *file);
static inline void file_ref(struct open_file *file)
{
    file->references++;
}
/* Releases the file with the last reference; that may let the lock go for a while. */
void tcpip__file_unref(struct open_file *file);
/* `events` recurred: who watches for them hears. */
void tcpip__file_tell(struct open_file *file, uint32_t events);

static inline void file_watch_begin(struct open_file *file, struct file_watch *watch)
{
    list_push_back(&file->watches, &watch->node);
}
static inline void file_watch_end(struct file_watch *watch)
{
    list_remove_if_linked(&watch->node);
}

#endif
