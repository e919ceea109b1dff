// SPDX-License-Identifier: MIT
/* endpoint.c: what all endpoints have in common: the base part, and the calls of tcpip/endpoint.h.
 *
 * Each call is the same three lines: enter, the protocol's function, leave. What is checked here is what no protocol
 * need check again: values of options, arguments that a correct program never gives (ASSERT). Leaving runs waiters, and
 * those may close the endpoint: nothing touches it after leave.
 *
 * A caller's function that runs inside (bind's commit, peek's writer) is called through a frame that closes the stack
 * to entries meanwhile.
 *
 * Owns:        struct tcpip_endpoint, the base of every endpoint; stack->endpoints.
 * Invariants:  an endpoint that its user has closed is on neither notify nor ready, and has no waiters.
 * Not here:    what the calls do (each protocol), waiters' telling (waiter/waiter.c), flushing (turn.c). */
#include "base/math.h"
#include "stack/demux.h"
#include "stack/error_queue.h"
#include "stack/stack.h"
#include "waiter/waiter.h"

/* ---- the base part ---- */

enum tcpip_error tcpip__endpoint_init(struct tcpip_endpoint *endpoint, struct tcpip_stack *stack,
                                      const struct tcpip_endpoint_ops *ops, uint8_t transport, uint32_t network)
{
    if (stack->endpoint_count >= stack->limits.endpoints)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    *endpoint = (struct tcpip_endpoint){
        .ops = ops,
        .stack = stack,
        .network = network,
        .transport = transport,
        .id = ++stack->endpoint_ids,
    };
    tcpip__waiter_queue_init(&endpoint->waiters);
    list_push_back(&stack->endpoints, &endpoint->all);
    stack->endpoint_count++;
    return TCPIP_OK;
}

void tcpip__endpoint_detach(struct tcpip_endpoint *endpoint)
{
    endpoint->closed_by_user = true;
    endpoint->pending = 0;
    endpoint->watch_mask = 0;
    tcpip__waiter_forget(&endpoint->stack->waiters, &endpoint->waiters);
    list_remove_if_linked(&endpoint->notify);
    list_remove_if_linked(&endpoint->ready);
    tcpip__error_queue_free(endpoint);
}

void tcpip__endpoint_fini(struct tcpip_endpoint *endpoint)
{
    tcpip__endpoint_detach(endpoint);
    list_remove_if_linked(&endpoint->dirty);
    list_remove(&endpoint->all);
    endpoint->stack->endpoint_count--;
}

/* ---- entering ---- */

static struct tcpip_stack *endpoint_enter(struct tcpip_endpoint *endpoint)
{
    struct tcpip_stack *stack = endpoint->stack;
    ASSERT_ENV(&stack->env, !endpoint->closed_by_user); /* used after close */
    tcpip_stack_enter(stack);
    return stack;
}

/* The calls that say how much was done say so on success only. */
static enum tcpip_error endpoint_leave(struct tcpip_stack *stack, enum tcpip_error error, size_t *done)
{
    if (error != TCPIP_OK)
        *done = 0;
    tcpip_stack_leave(stack);
    return error;
}

/* ---- life ---- */

enum tcpip_error tcpip_stack_new_endpoint(struct tcpip_stack *stack, uint32_t transport, uint32_t network,
                                          struct tcpip_endpoint **out)
{
    const struct tcpip_transport_protocol *ops =
        transport <= UINT8_MAX ? tcpip__stack_transport(stack, (uint8_t)transport) : NULL;
    *out = NULL;
    if (ops == NULL || ops->new_endpoint == NULL || tcpip__stack_network(stack, network) == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    tcpip_stack_enter(stack);
    enum tcpip_error error = ops->new_endpoint(stack, network, out);
    tcpip_stack_leave(stack);
    return error;
}

void tcpip_endpoint_close(struct tcpip_endpoint *endpoint)
{
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    endpoint->memory_lost = !tcpip__zero_copy_adopt(endpoint);
    tcpip__endpoint_detach(endpoint);
    endpoint->ops->close(endpoint);
    tcpip_stack_leave(stack);
}

/* ---- addresses and states ---- */

struct endpoint_commit {
    struct tcpip_stack *stack;
    enum tcpip_error (*fn)(void *ctx);
    void *ctx;
};

static enum tcpip_error endpoint_run_commit(void *ctx)
{
    struct endpoint_commit *commit = ctx;
    stack_callback_begin(commit->stack);
    enum tcpip_error error = commit->fn(commit->ctx);
    stack_callback_end(commit->stack);
    return error;
}

enum tcpip_error tcpip_endpoint_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                     enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    struct endpoint_commit frame = {stack, commit, ctx};
    enum tcpip_error error =
        endpoint->ops->bind(endpoint, address, commit != NULL ? endpoint_run_commit : NULL, &frame);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->connect(endpoint, address);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_connect_endpoint(struct tcpip_endpoint *endpoint, struct tcpip_endpoint *server)
{
    if (endpoint->ops->connect_endpoint == NULL)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->connect_endpoint(endpoint, server);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_listen(struct tcpip_endpoint *endpoint, int backlog)
{
    if (endpoint->ops->listen == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    uint32_t most = stack->limits.accept_backlog;
    uint32_t wanted = backlog < 0 ? most : min_u32((uint32_t)backlog, most);
    enum tcpip_error error = endpoint->ops->listen(endpoint, wanted);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out,
                                       struct tcpip_full_address *peer)
{
    struct tcpip_full_address unwanted;
    *out = NULL;
    if (endpoint->ops->accept == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->accept(endpoint, out, peer != NULL ? peer : &unwanted);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    if ((flags & ~(uint32_t)(TCPIP_SHUTDOWN_READ | TCPIP_SHUTDOWN_WRITE)) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->shutdown(endpoint, flags);
    tcpip_stack_leave(stack);
    return error;
}

void tcpip_endpoint_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    *out = (struct tcpip_full_address){0};
    endpoint->ops->local_address(endpoint, out);
}

enum tcpip_error tcpip_endpoint_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    *out = (struct tcpip_full_address){0};
    return endpoint->ops->remote_address(endpoint, out);
}

/* ---- reading and writing ---- */

enum tcpip_error tcpip_endpoint_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    *done = 0;
    if (control != NULL)
        control->present = 0;
    return endpoint_leave(stack, endpoint->ops->recvmsg(endpoint, io, io_count, done, from, control), done);
}

enum tcpip_error tcpip_endpoint_read(struct tcpip_endpoint *endpoint, void *out, size_t size, size_t *done,
                                     struct tcpip_full_address *from)
{
    struct tcpip_io io = {out, size};
    return tcpip_endpoint_recvmsg(endpoint, &io, 1, done, from, NULL);
}

enum tcpip_error tcpip_endpoint_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                           size_t max_bytes, size_t *done, struct tcpip_full_address *from)
{
    if (endpoint->ops->read_views == NULL) {
        *done = *count = 0;
        return TCPIP_ERR_NOT_SUPPORTED;
    }
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    *done = 0;
    enum tcpip_error error = endpoint->ops->read_views(endpoint, views, count, max_bytes, done, from);
    if (error != TCPIP_OK)
        *count = 0;
    return endpoint_leave(stack, error, done);
}

enum tcpip_error tcpip_endpoint_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        uint32_t flags, const struct tcpip_full_address *to,
                                        const struct tcpip_control *control, size_t *done)
{
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    *done = 0;
    return endpoint_leave(stack, endpoint->ops->sendmsg(endpoint, io, io_count, flags, to, control, done), done);
}

enum tcpip_error tcpip_endpoint_write(struct tcpip_endpoint *endpoint, const void *data, size_t size, uint32_t flags,
                                      const struct tcpip_full_address *to, size_t *done)
{
    /* One shape serves both ways; nothing writes through it on this one. */
    struct tcpip_io io = {(uint8_t *)(uintptr_t)data, size};
    return tcpip_endpoint_sendmsg(endpoint, &io, 1, flags, to, NULL, done);
}

enum tcpip_error tcpip_endpoint_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                           uint32_t flags, const struct tcpip_full_address *to)
{
    if (endpoint->ops->write_view == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    ASSERT_ENV(&stack->env, view->buffer->owner == &stack->buffers); /* a buffer never crosses to another stack */
    enum tcpip_error error = endpoint->ops->write_view(endpoint, view, flags, to);
    tcpip_stack_leave(stack);
    return error;
}

struct endpoint_writer {
    struct tcpip_stack *stack;
    bool (*fn)(void *ctx, const void *data, size_t size);
    void *ctx;
};

static bool endpoint_run_writer(void *ctx, const void *data, size_t size)
{
    struct endpoint_writer *writer = ctx;
    stack_callback_begin(writer->stack);
    bool more = writer->fn(writer->ctx, data, size);
    stack_callback_end(writer->stack);
    return more;
}

enum tcpip_error tcpip_endpoint_peek(struct tcpip_endpoint *endpoint,
                                     bool (*writer)(void *ctx, const void *data, size_t size), void *ctx, size_t *done)
{
    if (endpoint->ops->peek == NULL) {
        *done = 0;
        return TCPIP_ERR_NOT_SUPPORTED;
    }
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    struct endpoint_writer frame = {stack, writer, ctx};
    *done = 0;
    return endpoint_leave(stack, endpoint->ops->peek(endpoint, endpoint_run_writer, &frame, done), done);
}

enum tcpip_error tcpip_endpoint_peekmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                        size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    *done = 0;
    if (control != NULL)
        control->present = 0;
    if (endpoint->ops->peekmsg == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    return endpoint_leave(stack, endpoint->ops->peekmsg(endpoint, io, io_count, done, from, control), done);
}

/* ---- options, groups ---- */

enum tcpip_error tcpip_endpoint_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    enum tcpip_error error = tcpip__option_valid(option, value);
    if (error != TCPIP_OK)
        return error;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    error = endpoint->ops->set_option(endpoint, option, value);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    *value = 0;
    if ((uint32_t)option >= TCPIP_OPTION_COUNT)
        return TCPIP_ERR_UNKNOWN_PROTOCOL_OPTION;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->get_option(endpoint, option, value);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_set_steering(struct tcpip_endpoint *endpoint,
                                             uint32_t (*choose)(void *ctx, const struct tcpip_steering *packet),
                                             void *ctx)
{
    if (endpoint->ops->listener == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct demux_listener *listener = endpoint->ops->listener(endpoint);
    if (listener == NULL)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    listener->choose = choose;
    listener->choose_ctx = ctx;
    return TCPIP_OK;
}

static enum tcpip_error endpoint_group(struct tcpip_endpoint *endpoint, uint32_t nic, const struct tcpip_address *group,
                                       bool join)
{
    if (endpoint->ops->group == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcpip_stack *stack = endpoint_enter(endpoint);
    enum tcpip_error error = endpoint->ops->group(endpoint, nic, group, join);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_join_group(struct tcpip_endpoint *endpoint, uint32_t nic,
                                           const struct tcpip_address *group)
{
    return endpoint_group(endpoint, nic, group, true);
}

enum tcpip_error tcpip_endpoint_leave_group(struct tcpip_endpoint *endpoint, uint32_t nic,
                                            const struct tcpip_address *group)
{
    return endpoint_group(endpoint, nic, group, false);
}

/* ---- readiness ---- */

uint32_t tcpip_endpoint_readiness(const struct tcpip_endpoint *endpoint, uint32_t mask)
{
    uint32_t ready = endpoint->ops->readiness(endpoint);
    if (error_queue_ready(endpoint))
        ready |= TCPIP_EVENT_ERR;
    return ready & (mask | WAITER_ALWAYS);
}

void tcpip_endpoint_waiter_add(struct tcpip_endpoint *endpoint, struct tcpip_waiter *waiter)
{
    ASSERT_ENV(&endpoint->stack->env, !endpoint->closed_by_user);
    tcpip__waiter_add(&endpoint->waiters, waiter);
}

void tcpip_endpoint_waiter_remove(struct tcpip_endpoint *endpoint, struct tcpip_waiter *waiter)
{
    (void)endpoint;
    tcpip__waiter_remove(waiter);
}

void tcpip_endpoint_watch(struct tcpip_endpoint *endpoint, uint32_t mask)
{
    ASSERT_ENV(&endpoint->stack->env, !endpoint->closed_by_user);
    endpoint->watch_mask = mask;
    list_remove_if_linked(&endpoint->ready);
    if (mask != 0 && tcpip_endpoint_readiness(endpoint, mask) != 0) /* what holds already is news to who begins */
        list_push_back(&endpoint->stack->ready, &endpoint->ready);
}

uint32_t tcpip_stack_ready(struct tcpip_stack *stack, struct tcpip_ready *out, uint32_t n)
{
    uint32_t count = 0;
    for (struct tcpip_list_node *node; count < n && (node = list_pop_front(&stack->ready)) != NULL;) {
        struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, ready);
        uint32_t events = tcpip_endpoint_readiness(endpoint, endpoint->watch_mask);
        if (events != 0) /* else somebody has dealt with it meanwhile */
            out[count++] = (struct tcpip_ready){endpoint, events};
    }
    return count;
}

/* ---- what is the caller's ---- */

void tcpip_endpoint_set_context(struct tcpip_endpoint *endpoint, void *context)
{
    endpoint->context = context;
}

void *tcpip_endpoint_context(const struct tcpip_endpoint *endpoint)
{
    return endpoint->context;
}

struct tcpip_stack *tcpip_endpoint_stack(const struct tcpip_endpoint *endpoint)
{
    return endpoint->stack;
}
