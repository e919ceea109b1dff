// SPDX-License-Identifier: MIT
/* sockets.c: the table's life and its lock; how calls come in and go out.
 *
 * The stack knows no lock: one thread at a time may enter it. This lock is what makes it so, and everything in
 * src/socket happens under it but sleeping. It is held for one call's work, microseconds; a call that waits lets it go.
 *
 * Owns:       struct tcpip_sockets.
 * Invariants: whoever leaves has told the driver of a nearer deadline (drive_loop.c).
 * Not here:   descriptors (table.c), waiting (wait.c), driving (drive_loop.c), the calls. */
#include "socket/sockets.h"

#include "base/math.h"
#include "link/wrap.h"
#include "socket/socket.h"
#include "stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { SOCKETS_DESCRIPTORS_MAX = 1 << 20 };

/* ---- life ---- */

enum tcpip_error tcpip_sockets_new(struct tcpip_stack *stack, const struct tcpip_sockets_options *options,
                                   struct tcpip_sockets **out)
{
    struct tcpip_sockets *s = tcpip__link_alloc(&stack->env, sizeof(*s));
    if (s == NULL)
        return TCPIP_ERR_NO_MEMORY;
    s->env = stack->env;
    s->stack = stack;
    tcpip__link_options(&s->env, &s->options, sizeof(s->options), options);
    if (s->options.max_descriptors == 0)
        s->options.max_descriptors = SOCKETS_DESCRIPTORS_MAX;
    list_init(&s->files);
    bool sound = s->options.first_descriptor >= 0 &&
                 (s->options.drive != TCPIP_SOCKETS_DRIVE_CALLBACK || s->options.step != NULL);
    if (!sound || pthread_mutex_init(&s->lock, NULL) != 0) {
        tcpip__link_free(&s->env, s, sizeof(*s));
        return sound ? TCPIP_ERR_NO_MEMORY : TCPIP_ERR_INVALID_ARGUMENT;
    }
    enum tcpip_error error = tcpip__drive_init(s);
    if (error != TCPIP_OK) {
        (void)pthread_mutex_destroy(&s->lock);
        tcpip__link_free(&s->env, s, sizeof(*s));
        return error;
    }
    *out = s;
    return TCPIP_OK;
}

/* What has no descriptor any more and isn't gone travels in messages that nobody will read, perhaps in one another's
 * queues: their endpoints end here, and the references with them. */
static void sockets_end_in_flight(struct tcpip_sockets *s)
{
    for (struct tcpip_list_node *node = list_first(&s->files); node != NULL;) {
        struct socket *so = tcpip__socket_from_file(list_entry(node, struct open_file, node));
        if (so == NULL || so->endpoint == NULL) {
            node = list_next(&s->files, node);
            continue;
        }
        struct tcpip_endpoint *endpoint = so->endpoint;
        so->endpoint = NULL;
        tcpip_endpoint_close(endpoint); /* may free any of the files */
        node = list_first(&s->files);
    }
    while (!list_empty(&s->files) && tcpip_stack_advance(s->stack, 0)) { /* long chains take more than a turn */
    }
}

void tcpip_sockets_free(struct tcpip_sockets *s)
{
    struct tcpip_env env = s->env;
    int first = s->options.private_descriptors ? s->options.first_descriptor : 0;
    tcpip__drive_stop(s);
    tcpip_sockets_lock(s);
    s->ending = true;
    for (uint32_t i = 0; i < s->descriptor_room; i++) {
        struct open_file *file = tcpip__descriptor_remove(s, first + (int)i);
        if (file != NULL)
            tcpip__file_unref(file);
    }
    sockets_end_in_flight(s);
    ASSERT_ENV(&env, list_empty(&s->files)); /* a call is under way */
    tcpip__descriptors_fini(s);
    tcpip__drive_fini(s);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_mutex_destroy(&s->lock);
    tcpip__link_free(&env, s, sizeof(*s));
}

struct tcpip_stack *tcpip_sockets_stack(const struct tcpip_sockets *s)
{
    return s->stack;
}

void *tcpip__sockets_alloc(struct tcpip_sockets *s, size_t size)
{
    return tcpip__link_alloc(&s->env, size);
}

void tcpip__sockets_dealloc(struct tcpip_sockets *s, void *memory, size_t size)
{
    tcpip__link_free(&s->env, memory, size);
}

/* ---- the lock ---- */

void tcpip_sockets_lock(struct tcpip_sockets *s)
{
    (void)pthread_mutex_lock(&s->lock);
}

void tcpip_sockets_unlock(struct tcpip_sockets *s)
{
    if (s->options.drive == TCPIP_SOCKETS_DRIVE_OUTSIDE)
        s->drive.outside_until = tcpip_stack_deadline(s->stack);
    tcpip__sockets_unlock(s);
}

void tcpip__sockets_unlock(struct tcpip_sockets *s)
{
    tcpip__drive_before_unlock(s);
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- links ---- */

enum tcpip_error tcpip_sockets_add_link(struct tcpip_sockets *s, struct tcpip_link *link)
{
    tcpip_sockets_lock(s);
    enum tcpip_error error =
        s->drive.loop != NULL ? tcpip_loop_add_link(s->drive.loop, link) : TCPIP_ERR_INVALID_ARGUMENT;
    tcpip__sockets_unlock(s);
    return error;
}

void tcpip_sockets_remove_link(struct tcpip_sockets *s, struct tcpip_link *link)
{
    tcpip_sockets_lock(s);
    if (s->drive.loop != NULL)
        tcpip_loop_remove_link(s->drive.loop, link);
    tcpip__sockets_unlock(s);
}

/* ---- calls ---- */

int tcpip__sockets_refuse(int number)
{
    errno = number;
    return -1;
}

struct open_file *tcpip__sockets_enter(struct tcpip_sockets *s, int fd)
{
    tcpip_sockets_lock(s);
    struct open_file *file = tcpip__sockets_file(s, fd);
    if (file == NULL) {
        tcpip__sockets_unlock(s);
        (void)tcpip__sockets_refuse(EBADF);
        return NULL;
    }
    file_ref(file);
    return file;
}

ssize_t tcpip__sockets_leave(struct tcpip_sockets *s, struct open_file *file, int number, ssize_t result)
{
    if (file != NULL)
        tcpip__file_unref(file);
    tcpip__sockets_unlock(s);
    return number == 0 ? result : tcpip__sockets_refuse(number);
}

bool tcpip_is_socket(struct tcpip_sockets *s, int fd)
{
    tcpip_sockets_lock(s);
    bool here = tcpip__sockets_file(s, fd) != NULL;
    tcpip__sockets_unlock(s);
    return here;
}
