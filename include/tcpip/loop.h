// SPDX-License-Identifier: MIT
/* loop.h: an epoll loop that drives any number of stacks, their descriptor links (fdbased.h) and a program's own
 * descriptors; and the environment of an ordinary POSIX program. Linux.
 *
 * One thread runs a loop and the stacks in it; tcpip_loop_wake and tcpip_loop_stop alone may be called from others. An
 * iteration waits until a descriptor is ready or a stack's deadline comes, reads the clock once, and then, in one turn
 * of each stack concerned: links are read and written, callbacks of descriptors run, timers fire. So what a thousand
 * callbacks write leaves in one flush.
 *
 * Nothing here is needed to use a stack: tcpip_stack_deadline, tcpip_stack_advance and the link's descriptor fit in any
 * loop. */
#ifndef TCPIP_LOOP_H
#define TCPIP_LOOP_H

#include <tcpip/env.h>
#include <tcpip/stack.h>

TCPIP_BEGIN_DECLS

/* Fills in: memory from the C library, CLOCK_MONOTONIC, the kernel's randomness; a broken invariant is printed to the
 * standard error and aborts. No trace. */
TCPIP_API void tcpip_posix_env(struct tcpip_env *out);

struct tcpip_loop;
struct tcpip_loop_fd;

struct tcpip_loop_options {
    size_t size;           /* sizeof(struct tcpip_loop_options) */
    uint32_t link_budget;  /* packets read from one link in one iteration; 0: 64 */
    uint32_t stack_budget; /* units of tcpip_stack_advance in one iteration; 0: the stack's own limit */
    /* Before sleeping, poll this long: 0 saves the processor; more saves the wake-up, 5 to 60 us, of an answer that
     * comes soon. */
    tcpip_ns busy_poll_ns;
    /* tcpip_loop_wake was called, once or more often; in the loop's thread, in no turn. May be NULL. */
    void (*on_wake)(void *ctx);
    void *ctx;
};

/* env: memory and the clock, which must be that of every stack added. options may be NULL. NO_MEMORY; NO_BUFFER_SPACE:
 * no descriptors left. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_loop_new(const struct tcpip_env *env, const struct tcpip_loop_options *options, struct tcpip_loop **out);
/* Stacks, links and descriptors in it stay the caller's. Not from a callback of the loop. */
TCPIP_API void tcpip_loop_free(struct tcpip_loop *loop);

/* INVALID_ARGUMENT: it is there already; NO_MEMORY. A stack is in one loop at most. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_loop_add_stack(struct tcpip_loop *loop, struct tcpip_stack *stack);
/* With its links. Before the stack is freed. Nothing if it isn't there. */
TCPIP_API void tcpip_loop_remove_stack(struct tcpip_loop *loop, struct tcpip_stack *stack);

/* Drives a descriptor link whose NIC is in a stack of this loop, until it is detached (the NIC removed); wrapped links
 * are given themselves, not their wrapper. INVALID_ARGUMENT: not a descriptor link, not attached, its stack isn't here,
 * or it is driven already; NO_MEMORY; NO_BUFFER_SPACE, NOT_PERMITTED: epoll refuses the descriptor. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_loop_add_link(struct tcpip_loop *loop, struct tcpip_link *link);
/* Nothing if it isn't there. */
TCPIP_API void tcpip_loop_remove_link(struct tcpip_loop *loop, struct tcpip_link *link);

enum tcpip_loop_events {
    TCPIP_LOOP_READ = 1 << 0,
    TCPIP_LOOP_WRITE = 1 << 1,
    TCPIP_LOOP_HANG_UP = 1 << 2, /* error or hang-up; told whether asked for or not */
};

/* Calls `fn` in each iteration in which the descriptor is ready for what is asked for (level-triggered). It runs inside
 * a turn of every stack of the loop: it may do what it likes with endpoints, NICs, links and descriptors, this one too;
 * stacks are freed, and waited for, elsewhere (tcpip_loop_post). The descriptor stays the caller's; remove it before it
 * is closed. NO_MEMORY; NO_BUFFER_SPACE; NOT_PERMITTED: epoll can't watch it; INVALID_ARGUMENT: not open, or there
 * already. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_loop_add_fd(struct tcpip_loop *loop, int fd, uint32_t events,
                                                            void (*fn)(void *ctx, uint32_t events), void *ctx,
                                                            struct tcpip_loop_fd **out);
/* Changes what is asked for; 0: nothing for now (hang-ups are still told). */
TCPIP_API void tcpip_loop_set_fd(struct tcpip_loop_fd *loop_fd, uint32_t events);
/* `fn` doesn't run afterwards. */
TCPIP_API void tcpip_loop_remove_fd(struct tcpip_loop_fd *loop_fd);

/* Something to run once, soon, in the loop's thread and in no turn. Embed it; zeroed: not posted. */
struct tcpip_loop_task {
    struct tcpip_list_node node;              /* private */
    void (*fn)(struct tcpip_loop_task *task); /* may post it again (for the next iteration), and free it */
};
/* From the loop's thread. Nothing if it is posted already. */
TCPIP_API void tcpip_loop_post(struct tcpip_loop *loop, struct tcpip_loop_task *task);
/* `fn` doesn't run afterwards. Nothing if it isn't posted. */
TCPIP_API void tcpip_loop_cancel(struct tcpip_loop *loop, struct tcpip_loop_task *task);

/* Iterates until tcpip_loop_stop. */
TCPIP_API void tcpip_loop_run(struct tcpip_loop *loop);
/* One iteration that waits at most timeout_ns (0: not at all; TCPIP_NEVER: as long as it takes). False: it was told to
 * stop, and nothing was done. */
TCPIP_API bool tcpip_loop_run_once(struct tcpip_loop *loop, tcpip_ns timeout_ns);
/* The run under way, or the next, returns after its iteration. Any thread, and signal handlers. */
TCPIP_API void tcpip_loop_stop(struct tcpip_loop *loop);
/* Ends the waiting; on_wake runs. Any thread, and signal handlers. */
TCPIP_API void tcpip_loop_wake(struct tcpip_loop *loop);
/* The clock as the iteration under way has read it. */
TCPIP_API tcpip_ns tcpip_loop_now(const struct tcpip_loop *loop);

TCPIP_END_DECLS

#endif
