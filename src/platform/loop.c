// SPDX-License-Identifier: MIT
/* loop.c: an epoll loop for stacks.
 *
 * An iteration:   wait  ->  sort what epoll reported  ->  open a turn of each stack concerned  ->  links  ->  callbacks
 *                 of descriptors  ->  timers  ->  close the turns  ->  on_wake and tasks
 *
 * Waiting is level-triggered: a link that was read up to its budget is reported again at once, after everybody else,
 * and that is all the fairness there is to arrange. Writability is watched only while a link asks for it, so that a
 * packet in and a packet out cost two system calls of their own and one epoll_wait per iteration.
 *
 * Everything may be removed by any callback. What epoll reported is therefore first put on lists, and each list is
 * worked off from its front: who is removed takes itself off, and nothing is kept in local variables across a callback.
 *
 * Owns:        the epoll instance, an eventfd, perhaps a timerfd; its records of stacks, links and descriptors.
 * Invariants:  a source is on its ready list only between the sorting and its turn; entered stacks are left in the same
 *              iteration.
 * Not here:    sleeping and waking (loop_wait.c), how a link reads (fdbased_read.c), what a turn does (stack/turn.c).
 */
#include "platform/loop.h"

#include "base/assert.h"
#include "base/math.h"
#include "link/wrap.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOP_LINK_BUDGET = 64 };

/* ---- epoll ---- */

static enum tcpip_error loop_error(int number)
{
    switch (number) {
    case ENOMEM:
        return TCPIP_ERR_NO_MEMORY;
    case EPERM:
        return TCPIP_ERR_NOT_PERMITTED;
    case ENOSPC:
    case EMFILE:
    case ENFILE:
        return TCPIP_ERR_NO_BUFFER_SPACE;
    default:
        return TCPIP_ERR_INVALID_ARGUMENT;
    }
}

static int loop_control(struct tcpip_loop_fd *source, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(source->loop->epoll_fd, operation, source->fd, &event);
}

/* Asks for other events; also when they are the same, which makes a device look again whether it is writable. */
static void source_ask(struct tcpip_loop_fd *source, uint32_t events)
{
    source->asked = events;
    source->reported &= events | EPOLLERR | EPOLLHUP;
    if (source->watched)
        (void)loop_control(source, EPOLL_CTL_MOD, events);
}

static void source_unwatch(struct tcpip_loop_fd *source)
{
    if (source->watched)
        (void)loop_control(source, EPOLL_CTL_DEL, 0);
    source->watched = false;
    if (list_node_linked(&source->ready))
        list_remove(&source->ready);
}

static enum tcpip_error source_new(struct tcpip_loop *loop, int fd, uint32_t events, struct tcpip_loop_fd **out)
{
    struct tcpip_loop_fd *source = tcpip__link_alloc(&loop->env, sizeof(*source));
    if (source == NULL)
        return TCPIP_ERR_NO_MEMORY;
    source->loop = loop;
    source->fd = fd;
    source->asked = events;
    if (loop_control(source, EPOLL_CTL_ADD, events) != 0) {
        enum tcpip_error error = loop_error(errno);
        tcpip__link_free(&loop->env, source, sizeof(*source));
        return error;
    }
    source->watched = true;
    list_push_back(&loop->sources, &source->node);
    *out = source;
    return TCPIP_OK;
}

static void source_free(struct tcpip_loop_fd *source)
{
    source_unwatch(source);
    source->loop->removals++;
    if (source->link != NULL)
        source->link->watch = NULL;
    list_remove(&source->node);
    tcpip__link_free(&source->loop->env, source, sizeof(*source));
}

/* ---- a program's descriptors ---- */

static uint32_t loop_to_epoll(uint32_t events)
{
    return ((events & TCPIP_LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
           ((events & TCPIP_LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

static uint32_t loop_from_epoll(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? (uint32_t)TCPIP_LOOP_READ : 0) |
           ((events & EPOLLOUT) != 0 ? (uint32_t)TCPIP_LOOP_WRITE : 0) |
           ((events & (EPOLLERR | EPOLLHUP)) != 0 ? (uint32_t)TCPIP_LOOP_HANG_UP : 0);
}

enum tcpip_error tcpip_loop_add_fd(struct tcpip_loop *loop, int fd, uint32_t events,
                                   void (*fn)(void *ctx, uint32_t events), void *ctx, struct tcpip_loop_fd **out)
{
    struct tcpip_loop_fd *source;
    enum tcpip_error error = source_new(loop, fd, loop_to_epoll(events), &source);
    if (error != TCPIP_OK)
        return error;
    source->fn = fn;
    source->ctx = ctx;
    *out = source;
    return TCPIP_OK;
}

void tcpip_loop_set_fd(struct tcpip_loop_fd *loop_fd, uint32_t events)
{
    if (loop_fd->asked != loop_to_epoll(events))
        source_ask(loop_fd, loop_to_epoll(events));
}

void tcpip_loop_remove_fd(struct tcpip_loop_fd *loop_fd)
{
    source_free(loop_fd);
}

/* ---- links ---- */

static void link_changed(struct fd_link_watch *watch)
{
    struct tcpip_loop_fd *source = container_of(watch, struct tcpip_loop_fd, watch);
    if (source->link->link.stack == NULL)
        source_free(source);
    else if (source->link->dead)
        source_unwatch(source); /* a hang-up is reported whether asked for or not, for ever */
    else
        source_ask(source, EPOLLIN | (fd_link_wants_write(source->link) ? (uint32_t)EPOLLOUT : 0));
}

static struct loop_stack *loop_find_stack(struct tcpip_loop *loop, const struct tcpip_stack *stack)
{
    list_for_each(node, &loop->stacks)
    {
        struct loop_stack *owner = list_entry(node, struct loop_stack, node);
        if (owner->stack == stack)
            return owner;
    }
    return NULL;
}

enum tcpip_error tcpip_loop_add_link(struct tcpip_loop *loop, struct tcpip_link *link)
{
    struct fd_link *fd_link = tcpip__fd_link_of(link);
    struct loop_stack *owner = link->stack != NULL ? loop_find_stack(loop, link->stack) : NULL;
    struct tcpip_loop_fd *source;
    if (fd_link == NULL || owner == NULL || fd_link->watch != NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    uint32_t events = EPOLLIN | (fd_link_wants_write(fd_link) ? (uint32_t)EPOLLOUT : 0);
    enum tcpip_error error = source_new(loop, fd_link->fd, events, &source);
    if (error != TCPIP_OK)
        return error;
    source->link = fd_link;
    source->owner = owner;
    source->watch.changed = link_changed;
    fd_link->watch = &source->watch;
    if (fd_link->dead)
        source_unwatch(source);
    return TCPIP_OK;
}

void tcpip_loop_remove_link(struct tcpip_loop *loop, struct tcpip_link *link)
{
    struct fd_link *fd_link = tcpip__fd_link_of(link);
    if (fd_link == NULL || fd_link->watch == NULL || fd_link->watch->changed != link_changed)
        return;
    struct tcpip_loop_fd *source = container_of(fd_link->watch, struct tcpip_loop_fd, watch);
    if (source->loop == loop)
        source_free(source);
}

/* What epoll reported of a link. Inside a turn of its stack, so that no callback runs and the source stays. */
static void link_work(struct tcpip_loop *loop, struct tcpip_loop_fd *source)
{
    struct fd_link *fd_link = source->link;
    bool more = false;
    if ((source->reported & EPOLLOUT) != 0)
        tcpip__fd_link_write_ready(fd_link);
    if ((source->reported & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        more = tcpip__fd_link_read(fd_link, loop->options.link_budget);
    /* Reading finds most errors out, after what came before them. */
    if ((source->reported & (EPOLLHUP | EPOLLERR)) != 0 && !more)
        tcpip__fd_link_trouble(fd_link);
}

/* ---- stacks ---- */

enum tcpip_error tcpip_loop_add_stack(struct tcpip_loop *loop, struct tcpip_stack *stack)
{
    if (loop_find_stack(loop, stack) != NULL)
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct loop_stack *owner = tcpip__link_alloc(&loop->env, sizeof(*owner));
    if (owner == NULL)
        return TCPIP_ERR_NO_MEMORY;
    owner->stack = stack;
    list_init(&owner->ready);
    list_push_back(&loop->stacks, &owner->node);
    return TCPIP_OK;
}

static struct loop_stack *loop_stack_at(struct tcpip_list_node *node)
{
    return node != NULL ? list_entry(node, struct loop_stack, node) : NULL;
}

static void loop_stack_free(struct tcpip_loop *loop, struct loop_stack *owner)
{
    list_for_each_safe(node, following, &loop->sources)
    {
        struct tcpip_loop_fd *source = list_entry(node, struct tcpip_loop_fd, node);
        if (source->owner == owner)
            source_free(source);
    }
    if (loop->next_stack == owner)
        loop->next_stack = loop_stack_at(list_next(&loop->stacks, &owner->node));
    list_remove(&owner->node);
    tcpip__link_free(&loop->env, owner, sizeof(*owner));
}

void tcpip_loop_remove_stack(struct tcpip_loop *loop, struct tcpip_stack *stack)
{
    struct loop_stack *owner = loop_find_stack(loop, stack);
    if (owner == NULL)
        return;
    bool entered = owner->entered;
    loop_stack_free(loop, owner);
    if (entered)
        tcpip_stack_leave(stack);
}

/* ---- life ---- */

enum tcpip_error tcpip_loop_new(const struct tcpip_env *env, const struct tcpip_loop_options *options,
                                struct tcpip_loop **out)
{
    struct tcpip_loop *loop = tcpip__link_alloc(env, sizeof(*loop));
    if (loop == NULL)
        return TCPIP_ERR_NO_MEMORY;
    loop->env = tcpip__link_env(env);
    tcpip__link_options(env, &loop->options, sizeof(loop->options), options);
    if (loop->options.link_budget == 0)
        loop->options.link_budget = LOOP_LINK_BUDGET;
    list_init(&loop->stacks);
    list_init(&loop->sources);
    list_init(&loop->ready);
    list_init(&loop->tasks);
    loop->timer_fd = -1;
    loop->now = env->now(env->ctx);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
        tcpip_loop_free(loop);
        return TCPIP_ERR_NO_BUFFER_SPACE;
    }
    *out = loop;
    return TCPIP_OK;
}

void tcpip_loop_free(struct tcpip_loop *loop)
{
    struct tcpip_env env = loop->env;
    for (struct tcpip_list_node *node; (node = list_first(&loop->sources)) != NULL;)
        source_free(list_entry(node, struct tcpip_loop_fd, node));
    for (struct tcpip_list_node *node; (node = list_first(&loop->stacks)) != NULL;)
        loop_stack_free(loop, list_entry(node, struct loop_stack, node));
    while (list_pop_front(&loop->tasks) != NULL) {
    }
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    tcpip__link_free(&env, loop, sizeof(*loop));
}

/* ---- an iteration ---- */

/* The first instant at which a stack wants a turn. */
static tcpip_ns loop_deadline(const struct tcpip_loop *loop)
{
    tcpip_ns deadline = list_empty(&loop->tasks) ? TCPIP_NEVER : loop->now;
    list_for_each(node, &loop->stacks) deadline =
        min_i64(deadline, tcpip_stack_deadline(list_entry(node, struct loop_stack, node)->stack));
    return deadline;
}

/* Puts what epoll reported on the lists. */
static void loop_sort(struct tcpip_loop *loop, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct tcpip_loop_fd *source = events[i].data.ptr;
        if (events[i].data.ptr == NULL) {
            tcpip__loop_drain(loop->wake_fd);
        } else if (events[i].data.ptr == &loop->timer_fd) {
            tcpip__loop_drain(loop->timer_fd);
        } else {
            source->reported = events[i].events;
            list_push_back(source->owner != NULL ? &source->owner->ready : &loop->ready, &source->ready);
        }
    }
}

/* The next stack of a walk, or NULL; callbacks may remove any stack meanwhile. */
static struct loop_stack *loop_walk(struct tcpip_loop *loop)
{
    struct loop_stack *owner = loop->next_stack;
    if (owner != NULL)
        loop->next_stack = loop_stack_at(list_next(&loop->stacks, &owner->node));
    return owner;
}

static void loop_walk_begin(struct tcpip_loop *loop)
{
    loop->next_stack = loop_stack_at(list_first(&loop->stacks));
}

/* Opens the turns, and lets the links of each stack work. No callback runs in here. */
static void loop_enter(struct tcpip_loop *loop)
{
    bool all = !list_empty(&loop->ready); /* callbacks of descriptors may call anything */
    loop_walk_begin(loop);
    for (struct loop_stack *owner; (owner = loop_walk(loop)) != NULL;) {
        if (!all && list_empty(&owner->ready) && tcpip_stack_deadline(owner->stack) > loop->now)
            continue;
        tcpip_stack_enter_at(owner->stack, loop->now);
        owner->entered = true;
        for (struct tcpip_list_node *node; (node = list_pop_front(&owner->ready)) != NULL;)
            link_work(loop, list_entry(node, struct tcpip_loop_fd, ready));
    }
}

static void loop_call(struct tcpip_loop *loop)
{
    for (struct tcpip_list_node *node; (node = list_pop_front(&loop->ready)) != NULL;) {
        struct tcpip_loop_fd *source = list_entry(node, struct tcpip_loop_fd, ready);
        uint32_t events = loop_from_epoll(source->reported);
        if (events != 0)
            source->fn(source->ctx, events); /* may remove it */
    }
}

/* Timers, and then the end of each turn, where callbacks run. */
static void loop_leave(struct tcpip_loop *loop)
{
    loop_walk_begin(loop);
    for (struct loop_stack *owner; (owner = loop_walk(loop)) != NULL;) {
        if (!owner->entered)
            continue;
        struct tcpip_stack *stack = owner->stack;
        (void)tcpip_stack_advance(stack, loop->options.stack_budget); /* what is left over is in the deadline */
        owner->entered = false;
        tcpip_stack_leave(stack);
    }
}

static void loop_run_tasks(struct tcpip_loop *loop)
{
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &loop->tasks);
    for (struct tcpip_list_node *node; (node = list_pop_front(&batch)) != NULL;) {
        struct tcpip_loop_task *task = list_entry(node, struct tcpip_loop_task, node);
        task->fn(task); /* may free it */
    }
}

tcpip_ns tcpip__loop_until(const struct tcpip_loop *loop, tcpip_ns until)
{
    return min_i64(until, loop_deadline(loop));
}

void tcpip__loop_work(struct tcpip_loop *loop, const struct epoll_event *events, int count)
{
    loop->now = loop->env.now(loop->env.ctx);
    loop_sort(loop, events, count);
    loop_enter(loop);
    loop_call(loop);
    loop_leave(loop);
    if (atomic_exchange(&loop->woken, false) && loop->options.on_wake != NULL)
        loop->options.on_wake(loop->options.ctx);
    loop_run_tasks(loop);
}

bool tcpip_loop_run_once(struct tcpip_loop *loop, tcpip_ns timeout_ns)
{
    struct epoll_event events[LOOP_EVENTS];
    if (atomic_exchange(&loop->stopped, false))
        return false;
    tcpip_ns until = TCPIP_NEVER;
    if (timeout_ns != TCPIP_NEVER) {
        if (timeout_ns > 0)
            loop->now = loop->env.now(loop->env.ctx);
        until = timeout_ns < TCPIP_NEVER - loop->now ? loop->now + timeout_ns : TCPIP_NEVER;
    }
    int count = tcpip__loop_wait(loop, events, tcpip__loop_until(loop, until));
    ASSERT_ENV(&loop->env, count >= 0 || errno == EINTR);
    tcpip__loop_work(loop, events, count);
    return true;
}

void tcpip_loop_run(struct tcpip_loop *loop)
{
    while (tcpip_loop_run_once(loop, TCPIP_NEVER)) {
    }
}

tcpip_ns tcpip_loop_now(const struct tcpip_loop *loop)
{
    return loop->now;
}

/* ---- tasks ---- */

void tcpip_loop_post(struct tcpip_loop *loop, struct tcpip_loop_task *task)
{
    if (!list_node_linked(&task->node))
        list_push_back(&loop->tasks, &task->node);
}

void tcpip_loop_cancel(struct tcpip_loop *loop, struct tcpip_loop_task *task)
{
    (void)loop;
    if (list_node_linked(&task->node))
        list_remove(&task->node);
}
