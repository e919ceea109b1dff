// SPDX-License-Identifier: MIT
/* file.c: open file descriptions: references, and who hears what happens to a file.
 *
 * Owns:       references, watches.
 * Invariants: a file with a reference is on its table's list; it is released once, with no watch left.
 * Not here:   what a file is (socket.c), descriptors (table.c). */
#include "socket/file.h"

#include "socket/sockets.h"

#include <tcpip/waiter.h>

enum { FILE_HEARD_ALWAYS = TCPIP_EVENT_ERR | TCPIP_EVENT_HUP };

void tcpip__file_init(struct open_file *file, struct tcpip_sockets *s, const struct file_ops *ops)
{
    file->ops = ops;
    file->sockets = s;
    file->references = 1;
    list_init(&file->watches);
    list_push_back(&s->files, &file->node);
}

void tcpip__file_gone(struct open_file *file)
{
    for (struct tcpip_list_node *node; (node = list_pop_front(&file->watches)) != NULL;) {
        struct file_watch *watch = list_entry(node, struct file_watch, node);
        if (watch->gone != NULL)
            watch->gone(watch);
    }
}

void tcpip__file_fini(struct open_file *file)
{
    tcpip__file_gone(file);
    list_remove(&file->node);
}

void tcpip__file_unref(struct open_file *file)
{
    ASSERT(file->references > 0);
    if (file->references == 1)
        file->ops->release(file); /* counted while it lingers: a watch may still look at it */
    else
        file->references--;
}

void tcpip__file_tell(struct open_file *file, uint32_t events)
{
    bool served = false;
    list_for_each(node, &file->watches)
    {
        struct file_watch *watch = list_entry(node, struct file_watch, node);
        if ((events & (watch->mask | FILE_HEARD_ALWAYS)) == 0 || (watch->exclusive && served))
            continue;
        watch->fn(watch, events);
        served = served || (watch->exclusive && watch->woke);
    }
}
