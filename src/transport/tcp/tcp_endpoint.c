// SPDX-License-Identifier: MIT
/* tcp_endpoint.c: the application's side of a connection: what each call answers (docs/endpoint-semantics.md).
 *
 * Calls change queues and flags and mark the endpoint dirty; what follows on the wire is decided at the turn's end.
 *
 * Owns:     shut_read, shut_write, orphan; the order in which pending errors are told.
 * Not here: options (tcp_option.c), connect (tcp_open.c), listen and accept (tcp_listen.c). */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_save.h"
#include "transport/tcp/tcp_urgent.h"

enum {
    TCP_SEND_BUFFER_DEFAULT = 65536,
    TCP_RECEIVE_BUFFER_DEFAULT = 131072, /* as Linux's tcp_rmem */
};

static uint32_t buffer_default(int64_t option, uint32_t otherwise, uint32_t most)
{
    return (uint32_t)min_i64(option > 0 ? option : (int64_t)otherwise, (int64_t)most);
}

uint32_t tcpip__tcp_receive_buffer_default(const struct tcpip_stack *stack)
{
    return buffer_default(stack->defaults[TCPIP_OPTION_RECEIVE_BUFFER_SIZE], TCP_RECEIVE_BUFFER_DEFAULT,
                          stack->limits.tcp_receive_buffer_max);
}

void tcpip__tcp_buffers_init(struct tcp_endpoint *ep)
{
    const struct tcpip_stack *stack = ep->base->stack;
    ep->send_buffer_bytes = buffer_default(stack->defaults[TCPIP_OPTION_SEND_BUFFER_SIZE], TCP_SEND_BUFFER_DEFAULT,
                                           stack->limits.tcp_send_buffer_max);
    ep->receive_window.buffer_bytes = tcpip__tcp_receive_buffer_default(stack);
    ep->send_buffer_fixed = stack->defaults[TCPIP_OPTION_SEND_BUFFER_SIZE] > 0;
    ep->receive_buffer_fixed = stack->defaults[TCPIP_OPTION_RECEIVE_BUFFER_SIZE] > 0;
}

/* ---- addresses ---- */

void tcpip__tcp_remote_address(const struct tcp_endpoint *ep, struct tcpip_full_address *out)
{
    const struct flow *flow = &ep->demux->flow;
    tcpip__address_shown(ep->base->network, flow->remote, flow->remote_port, flow->nic, out);
}

static bool tcp_has_peer(const struct tcp_endpoint *ep)
{
    return ep->connect_state == TCP_CONNECT_SUCCEEDED || ep->connect_state == TCP_CONNECT_TOLD;
}

/* As Linux's getsockname: of a connection its own end, of a failed one too until that was told; else what bind said,
 * with the port that it had last. */
static void tcp_op_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    static const uint8_t any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t any6[16];
    const struct tcp_endpoint *ep = tcp_of_const(endpoint);
    const uint8_t *address = ep->demux->flow.local;
    uint16_t port = ep->demux->flow.local_port;
    if (ep->connect_state == TCP_CONNECT_NONE) {
        bool v4 = ep->base->network == TCPIP_PROTOCOL_IPV4 || ep->bound_address == TCP_BOUND_ANY_V4;
        address = ep->bound_address == TCP_BOUND_FIXED ? ep->port_key.address : v4 ? any4 : any6;
        port = ep->bound ? ep->port_key.port : port;
    }
    tcpip__address_shown(endpoint->network, address, port,
                         ep->connect_state == TCP_CONNECT_NONE ? ep->port_key.nic : ep->demux->flow.nic, out);
}

static enum tcpip_error tcp_op_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    const struct tcp_endpoint *ep = tcp_of_const(endpoint);
    if (!tcp_has_peer(ep) || ep->dead)
        return TCPIP_ERR_NOT_CONNECTED;
    tcpip__tcp_remote_address(ep, out);
    return TCPIP_OK;
}

/* ---- bind, connect, listen, accept ---- */

static void tcp_reset_and_die(struct tcp_endpoint *ep)
{
    if (tcp_synchronized(ep) || ep->state == TCPIP_TCP_SYN_RECEIVED) {
        tcpip__tcp_output_control(ep, ep->snd_nxt, TCPIP_TCP_RST | TCPIP_TCP_ACK);
        EVENT(ep->base->stack, TCP_RESET, ep->base->id, 1, 0, 0, 0);
    }
    tcpip__tcp_die(ep);
}

/* Linux's connect to AF_UNSPEC: whatever there was ends, with a RST where the peer must hear of it, and the endpoint is
 * as it was before connect or listen; what was bound by hand stays. */
static enum tcpip_error tcp_disconnect(struct tcp_endpoint *ep)
{
    enum tcpip_error told = (enum tcpip_error)ep->error;
    switch (ep->state) {
    case TCPIP_TCP_CLOSED:
        break;
    case TCPIP_TCP_LISTEN:
        tcpip__tcp_die(ep);
        break;
    case TCPIP_TCP_CLOSING:
    case TCPIP_TCP_LAST_ACK:
    case TCPIP_TCP_TIME_WAIT:
        tcpip__tcp_die(ep);
        break;
    default:
        if (ep->repair)
            tcpip__tcp_die(ep);
        else
            tcp_reset_and_die(ep);
        told = TCPIP_ERR_CONNECTION_RESET;
        break;
    }
    if (ep->repair)
        told = TCPIP_ERR_CONNECTION_ABORTED;
    tcpip__tcp_revive(ep);
    ep->error = (uint8_t)told;
    endpoint_notify(ep->base, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_HUP);
    return TCPIP_OK;
}

static enum tcpip_error tcp_op_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                    enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    return tcpip__tcp_bind(tcp_of(endpoint), address, commit, ctx);
}

static enum tcpip_error tcp_op_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    if (address->address.len == 0)
        return tcp_disconnect(tcp_of(endpoint));
    return tcpip__tcp_connect(tcp_of(endpoint), address);
}

static enum tcpip_error tcp_op_listen(struct tcpip_endpoint *endpoint, uint32_t backlog)
{
    return tcpip__tcp_listen(tcp_of(endpoint), backlog);
}

static enum tcpip_error tcp_op_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out,
                                      struct tcpip_full_address *peer)
{
    return tcpip__tcp_accept(tcp_of(endpoint), out, peer);
}

/* ---- reading ---- */

/* A connection that failed or died is shut both ways. */
static bool tcp_gone(const struct tcp_endpoint *ep)
{
    return ep->dead || ep->connect_state == TCP_CONNECT_FAILED || ep->connect_state == TCP_CONNECT_SPOILT;
}

static bool tcp_read_ended(const struct tcp_endpoint *ep)
{
    return ep->fin_received || ep->shut_read || tcp_gone(ep);
}

static enum tcpip_error tcp_take_error(struct tcp_endpoint *ep)
{
    enum tcpip_error error = (enum tcpip_error)ep->error;
    ep->error = TCPIP_OK;
    return error;
}

/* Why there is nothing to read. The peer's FIN comes before an error that followed it, as on Linux. */
static enum tcpip_error tcp_read_error(struct tcp_endpoint *ep)
{
    if (ep->fin_received)
        return TCPIP_ERR_CLOSED_FOR_RECEIVE;
    if (ep->state == TCPIP_TCP_LISTEN)
        return TCPIP_ERR_NOT_CONNECTED;
    if (ep->error != TCPIP_OK)
        return tcp_take_error(ep);
    if (tcp_read_ended(ep))
        return TCPIP_ERR_CLOSED_FOR_RECEIVE;
    return ep->state == TCPIP_TCP_CLOSED ? TCPIP_ERR_NOT_CONNECTED : TCPIP_ERR_WOULD_BLOCK;
}

/* The reader took bytes: the window may have opened enough to tell the peer. */
static void tcp_after_read(struct tcp_endpoint *ep, size_t bytes)
{
    if (unlikely(ep->urgent != NULL))
        tcpip__tcp_urgent_read(ep);
    if (ep->dead || ep->fin_received || bytes == 0)
        return;
    struct tcpip_stack *stack = ep->base->stack;
    if (ep->receive_queue.bytes == 0)
        tcpip__tcp_timers_on_rest(ep);
    if (!ep->receive_buffer_fixed && tcp_option(ep, TCPIP_OPTION_MODERATE_BUFFERS) != 0 &&
        stack_memory_pressure(stack) == 0) {
        struct receive_window *window = &ep->receive_window;
        tcpip_ns at = receive_window_minds(window, (uint32_t)bytes) ? stack_now(stack) : ep->last_data_receive_at;
        (void)tcpip__receive_window_on_read(window, (uint32_t)bytes, stack->limits.tcp_receive_buffer_max, ep->rcv_mss,
                                            at);
    }
    /* With half of the buffer still open nobody waits to hear of more. */
    bool due = receive_window_open(&ep->receive_window, ep->rcv_nxt) < ep->receive_window.buffer_bytes / 2 &&
               tcpip__receive_window_update_due(&ep->receive_window, ep->rcv_nxt, tcp_receive_taken(ep), ep->rcv_mss);
    /* Before the handshake is done only a shut window is worth a segment: the next one tells of the rest. */
    if (ep->syn_ack_pending && receive_window_open(&ep->receive_window, ep->rcv_nxt) >= ep->rcv_mss)
        due = false;
    if (tcpip__ack_policy_on_read(&ep->ack_policy, due) >= ACK_AT_FLUSH) {
        ep->ack_now = true;
        endpoint_mark_dirty(ep->base);
    }
}

static void tcp_no_sender(const struct tcp_endpoint *ep, struct tcpip_full_address *from)
{
    if (from != NULL)
        tcpip__tcp_remote_address(ep, from);
}

static enum tcpip_error tcp_op_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    struct pool *chunks = &tcp_stack_of(endpoint->stack)->receive_chunks;
    if (ep->receive_queue.bytes == 0)
        return tcp_read_error(ep);
    size_t total = 0;
    tcpip_ns at = 0;
    for (size_t i = 0; i < io_count && ep->receive_queue.bytes > 0; i++)
        total += receive_queue_read(&ep->receive_queue, chunks, io[i].data, io[i].size, &at);
    *done = total;
    tcp_no_sender(ep, from);
    if (control != NULL && total > 0) {
        control->present = TCPIP_CONTROL_TIMESTAMP;
        control->received_at = at;
    }
    tcp_after_read(ep, total);
    return TCPIP_OK;
}

static enum tcpip_error tcp_op_read_views(struct tcpip_endpoint *endpoint, struct tcpip_view *views, size_t *count,
                                          size_t max_bytes, size_t *done, struct tcpip_full_address *from)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (ep->receive_queue.bytes == 0)
        return tcp_read_error(ep);
    *done = tcpip__receive_queue_lend(&ep->receive_queue, &tcp_stack_of(endpoint->stack)->receive_chunks, views, count,
                                      max_bytes);
    tcp_no_sender(ep, from);
    tcp_after_read(ep, *done);
    return TCPIP_OK;
}

static enum tcpip_error tcp_op_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                    void *ctx, size_t *done)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (ep->receive_queue.bytes == 0)
        return tcp_read_error(ep);
    *done = 0;
    stack_callback_begin(endpoint->stack);
    for (const struct receive_chunk *chunk = ep->receive_queue.first; chunk != NULL; chunk = chunk->next) {
        if (!writer(ctx, tcpip_view_data(&chunk->view), chunk->view.length))
            break;
        *done += chunk->view.length;
    }
    stack_callback_end(endpoint->stack);
    return TCPIP_OK;
}

/* ---- writing ---- */

/* Before data may flow. */
static bool tcp_handshaking(const struct tcp_endpoint *ep)
{
    return ep->state == TCPIP_TCP_SYN_SENT || (ep->state == TCPIP_TCP_SYN_RECEIVED && !ep->syn_ack_pending);
}

/* Why nothing can be written; OK: something can. */
static enum tcpip_error tcp_write_error(struct tcp_endpoint *ep)
{
    if (ep->error != TCPIP_OK)
        return tcp_take_error(ep);
    if (tcp_handshaking(ep))
        return TCPIP_ERR_WOULD_BLOCK;
    if (ep->shut_write || ep->dead || !tcp_synchronized(ep))
        return TCPIP_ERR_CLOSED_FOR_SEND;
    return TCPIP_OK;
}

/* Is it a write that a SYN may carry: one that opens the connection, or that connect has waited for? */
static bool tcp_write_opens(const struct tcp_endpoint *ep, uint32_t flags)
{
    return (flags & TCPIP_WRITE_FAST_OPEN) != 0 || ep->syn_deferred;
}

/* OK: *space bytes may be queued for the SYN, or, connected, it is a write like any other. */
static enum tcpip_error tcp_write_begin(struct tcp_endpoint *ep, uint32_t flags, const struct tcpip_full_address *to,
                                        size_t wanted, size_t *space)
{
    if (!tcp_write_opens(ep, flags))
        return tcp_write_error(ep);
    enum tcpip_error error = tcpip__tcp_fast_open_write(ep, to, wanted, space);
    return error != TCPIP_OK || ep->state == TCPIP_TCP_SYN_SENT ? error : tcp_write_error(ep);
}

/* `taken` bytes went into the queue for the SYN: they leave with it. `more`: of this write, behind them. */
static enum tcpip_error tcp_write_opened(struct tcp_endpoint *ep, uint32_t flags, size_t taken, bool more)
{
    ep->writer_waits = more && (flags & TCPIP_WRITE_WAITS) != 0;
    tcpip__tcp_fast_open_go(ep, (uint32_t)taken);
    return taken > 0 ? TCPIP_OK : TCPIP_ERR_CONNECT_STARTED;
}

/* A write that leaves its bytes where they are. Before the handshake is done, and to ourselves, where the reader would
 * hold on to the writer's memory, they are copied. False: too many wait already. */
static bool tcp_zero_copy(struct tcp_endpoint *ep, struct zero_copy **call)
{
    bool copies = ep->state == TCPIP_TCP_SYN_SENT || !tcpip__tcp_route(ep) || tcpip__zero_copy_held(&ep->route);
    *call = tcpip__zero_copy_begin(ep->base, copies);
    return *call != NULL;
}

/* Returns how many were taken: fewer, when memory is out. */
static size_t tcp_queue_bytes(struct tcp_endpoint *ep, struct zero_copy *call, const uint8_t *data, size_t size)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct pool *chunks = &tcp_stack_of(stack)->send_chunks;
    struct tcpip_view view;
    if (likely(call == NULL || call->copied))
        return tcpip__send_queue_copy_in(&ep->send_queue, chunks, &stack->buffers, data, size);
    if (size == 0 || !tcpip__zero_copy_view(call, data, size, &view))
        return 0;
    bool queued = tcpip__send_queue_append(&ep->send_queue, chunks, &view);
    buffer_unref(view.buffer); /* the queue has its own */
    return queued ? size : 0;
}

/* What is to be told of `taken` bytes that were queued; `last`: no more of this call will be. */
static void tcp_write_marks(struct tcp_endpoint *ep, uint32_t flags, struct zero_copy *call, size_t taken, bool last)
{
    if (taken > 0 && last && ((flags & WRITE_STAMPS) != 0 || (call != NULL && call->copied)))
        tcpip__error_queue_mark(ep->base, tcp_bytes_written(ep) - 1, flags, call != NULL && call->copied ? call : NULL);
    if (call != NULL)
        tcpip__zero_copy_end(call, taken > 0, !last);
}

/* One piece for a queue that is empty, on a connection of which there is nothing to tell, with room enough: as with a
 * request, and with its answer. */
static bool tcp_writes_plainly(const struct tcp_endpoint *ep, size_t size)
{
    return ep->state == TCPIP_TCP_ESTABLISHED && ep->error == TCPIP_OK && !ep->shut_write &&
           ep->send_queue.bytes == 0 && size > 0 && size <= ep->send_buffer_bytes / 2 &&
           tcp_option(ep, TCPIP_OPTION_NOT_SENT_LOW_WATER) <= 0 && stack_memory_pressure(ep->base->stack) == 0 &&
           likely(!tcp_stack_of(ep->base->stack)->unpredicted);
}

/* What tcp_op_sendmsg comes to then. False: memory is out, and nothing was done. */
static bool tcp_write_plainly(struct tcp_endpoint *ep, const struct tcpip_io *io, size_t *done)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct pool *chunks = &tcp_stack_of(stack)->send_chunks;
    if (unlikely(!tcpip__send_queue_begin(&ep->send_queue, chunks, &stack->buffers, io->data, io->size)))
        return false;
    *done = io->size;
    /* With half of the buffer left there is room, unless there is none for anything. */
    bool scarce = ep->send_queue.true_bytes >= ep->send_buffer_bytes || stack_memory_pressure(stack) > 0;
    ep->out_of_room = unlikely(scarce) && !tcpip__tcp_writable(ep);
    ep->more_coming = false;
    ep->more_bytes = 0;
    endpoint_mark_dirty(ep->base);
    return true;
}

static enum tcpip_error tcp_op_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       uint32_t flags, const struct tcpip_full_address *to,
                                       const struct tcpip_control *control, size_t *done)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (io_count == 1 && flags == 0 && tcp_writes_plainly(ep, io->size) && tcp_write_plainly(ep, io, done))
        return TCPIP_OK;
    (void)control;
    size_t total = 0, wanted = 0, space = SIZE_MAX; /* of the SYN */
    for (size_t i = 0; i < io_count; i++)
        wanted += io[i].size;
    /* A connection has one destination: `to` is ignored, as Linux does, unless this write makes it. */
    enum tcpip_error error = tcp_write_begin(ep, flags, to, wanted, &space);
    if (error != TCPIP_OK) {
        ep->out_of_room = ep->out_of_room || error == TCPIP_ERR_WOULD_BLOCK;
        ep->writer_waits = (flags & TCPIP_WRITE_WAITS) != 0 && error == TCPIP_ERR_WOULD_BLOCK && wanted > 0;
        return error;
    }
    struct zero_copy *call = NULL;
    if (unlikely((flags & TCPIP_WRITE_ZERO_COPY) != 0) && wanted > 0 && !tcp_zero_copy(ep, &call))
        return TCPIP_ERR_NO_BUFFER_SPACE;
    space = min_size(space, tcpip__tcp_unsent_room(ep));
    for (size_t i = 0; i < io_count; i++) {
        size_t room = min_size(tcpip__tcp_send_room(ep), space - total);
        size_t taken = tcp_queue_bytes(ep, call, io[i].data, min_size(io[i].size, room));
        total += taken;
        if (taken < io[i].size)
            break;
    }
    ep->out_of_room = total < wanted || !tcpip__tcp_writable(ep); /* who looks now and doesn't see Out, waits for it */
    if (unlikely((flags & TCPIP_WRITE_URGENT) != 0) && total > 0 && ep->state != TCPIP_TCP_SYN_SENT)
        tcpip__tcp_urgent_write(ep);
    if (unlikely((flags & (WRITE_STAMPS | TCPIP_WRITE_ZERO_COPY)) != 0) && wanted > 0)
        tcp_write_marks(ep, flags, call, total, total == wanted || (flags & TCPIP_WRITE_WAITS) == 0);
    if (ep->state == TCPIP_TCP_SYN_SENT) {
        *done = total;
        return tcp_write_opened(ep, flags, total, total < wanted);
    }
    if (total == 0 && wanted > 0)
        return tcpip__tcp_send_room(ep) > 0 && space > 0 ? TCPIP_ERR_NO_BUFFER_SPACE : TCPIP_ERR_WOULD_BLOCK;
    *done = total;
    ep->more_coming = (flags & TCPIP_WRITE_MORE) != 0 && total == wanted;
    ep->more_bytes = (flags & TCPIP_WRITE_MORE) != 0 ? sat_add_u32(ep->more_bytes, (uint32_t)total) : 0;
    if ((flags & TCPIP_WRITE_END_OF_RECORD) != 0 && total == wanted)
        tcpip__send_queue_end_record(&ep->send_queue);
    endpoint_mark_dirty(endpoint);
    return TCPIP_OK;
}

static enum tcpip_error tcp_op_write_view(struct tcpip_endpoint *endpoint, const struct tcpip_view *view,
                                          uint32_t flags, const struct tcpip_full_address *to)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    size_t space = 0;
    if (view->length > max_u32(ep->send_buffer_bytes, endpoint->stack->limits.tcp_send_buffer_max))
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    enum tcpip_error error = tcp_write_begin(ep, flags, to, view->length, &space);
    if (error == TCPIP_OK && ep->state == TCPIP_TCP_SYN_SENT) {
        /* What the SYN doesn't take of it follows. */
        bool taken = space > 0 && view->length > 0 &&
                     tcpip__send_queue_append(&ep->send_queue, &tcp_stack_of(endpoint->stack)->send_chunks, view);
        return tcp_write_opened(ep, flags, taken ? min_size(space, view->length) : 0, false);
    }
    if (error != TCPIP_OK) {
        ep->out_of_room = ep->out_of_room || error == TCPIP_ERR_WOULD_BLOCK;
        return error;
    }
    /* All or nothing; an empty queue takes even what is more than the buffer, or it would never go. */
    if (view->length > tcpip__tcp_send_room(ep) && ep->send_queue.bytes > 0) {
        ep->out_of_room = true;
        return TCPIP_ERR_WOULD_BLOCK;
    }
    if (view->length > 0 &&
        !tcpip__send_queue_append(&ep->send_queue, &tcp_stack_of(endpoint->stack)->send_chunks, view))
        return TCPIP_ERR_NO_BUFFER_SPACE;
    ep->out_of_room = !tcpip__tcp_writable(ep);
    ep->more_coming = (flags & TCPIP_WRITE_MORE) != 0;
    ep->more_bytes = ep->more_coming ? sat_add_u32(ep->more_bytes, view->length) : 0;
    if ((flags & TCPIP_WRITE_END_OF_RECORD) != 0)
        tcpip__send_queue_end_record(&ep->send_queue);
    if (unlikely((flags & WRITE_STAMPS) != 0 && view->length > 0))
        tcpip__error_queue_mark(endpoint, tcp_bytes_written(ep) - 1, flags, NULL);
    endpoint_mark_dirty(endpoint);
    return TCPIP_OK;
}

/* ---- shutdown and close ---- */

/* FIN after what is queued (RFC 9293 3.10.4). */
static void tcp_queue_fin(struct tcp_endpoint *ep)
{
    if (ep->fin_queued)
        return;
    /* As Linux: shutdown waits for the end of the handshake, close of a Fast Open child doesn't. */
    bool child = ep->state == TCPIP_TCP_SYN_RECEIVED && ep->syn_ack_pending;
    if (child && !ep->orphan)
        return;
    ep->fin_queued = true;
    if (ep->state == TCPIP_TCP_ESTABLISHED || ep->state == TCPIP_TCP_CLOSE_WAIT || child)
        tcpip__tcp_event(ep, TCP_EVENT_FIN_SENT);
    endpoint_mark_dirty(ep->base);
}

static enum tcpip_error tcp_op_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if ((flags & ~(uint32_t)(TCPIP_SHUTDOWN_READ | TCPIP_SHUTDOWN_WRITE)) != 0 || flags == 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (ep->state == TCPIP_TCP_LISTEN) {
        if (flags & TCPIP_SHUTDOWN_READ) {
            tcpip__tcp_unlisten(ep);
            tcpip__tcp_event(ep, TCP_EVENT_GONE);
            tcpip__tcp_port_idle(ep);
            tcpip__tcp_revive(ep);
            endpoint_notify(endpoint, TCPIP_EVENT_IN | TCPIP_EVENT_HUP);
        }
        return TCPIP_OK;
    }
    if (ep->state == TCPIP_TCP_CLOSED) {
        /* As Linux: refused, and remembered all the same, through a later connect too. */
        ep->shut_read = ep->shut_read || (flags & TCPIP_SHUTDOWN_READ) != 0;
        ep->shut_write = ep->shut_write || (flags & TCPIP_SHUTDOWN_WRITE) != 0;
        if (ep->connect_state == TCP_CONNECT_FAILED || ep->connect_state == TCP_CONNECT_SUCCEEDED)
            ep->connect_state = TCP_CONNECT_SPOILT;
        return TCPIP_ERR_NOT_CONNECTED;
    }
    if (ep->state == TCPIP_TCP_SYN_SENT) {
        tcpip__tcp_abort(ep, TCPIP_ERR_CONNECTION_RESET);
        tcpip__tcp_revive(ep);
        return TCPIP_OK;
    }
    if (ep->connect_state == TCP_CONNECT_SUCCEEDED)
        ep->connect_state = TCP_CONNECT_TOLD;
    uint32_t events = 0;
    if (flags & TCPIP_SHUTDOWN_READ) {
        ep->shut_read = true;
        events |= TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    }
    if ((flags & TCPIP_SHUTDOWN_WRITE) && !ep->fin_queued) {
        ep->shut_write = true;
        tcp_queue_fin(ep);
        events |= TCPIP_EVENT_OUT;
    }
    if (ep->shut_write && (ep->shut_read || ep->fin_received))
        events |= TCPIP_EVENT_HUP;
    endpoint_notify(endpoint, events);
    return TCPIP_OK;
}

static void tcp_op_close(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    struct tcp_stack *tcp = tcp_stack_of(endpoint->stack);
    int64_t linger = tcp_option(ep, TCPIP_OPTION_LINGER);
    /* RFC 2525 2.17: what the application will never read is a failure that the peer should know of. */
    bool unread = ep->receive_queue.bytes > 0;
    ep->orphan = true;
    tcpip__endpoint_detach(endpoint);
    tcpip__receive_queue_fini(&ep->receive_queue, &tcp->receive_chunks);
    tcpip__receive_queue_init(&ep->receive_queue);
    if (ep->dead) {
        tcpip__tcp_reap(ep);
    } else if (ep->state <= TCPIP_TCP_SYN_SENT || ep->repair) {
        tcpip__tcp_die(ep);
    } else if (unread || linger == 0 || endpoint->memory_lost) {
        tcp_reset_and_die(ep);
    } else {
        ep->shut_read = ep->shut_write = true;
        tcp_queue_fin(ep);
        if (ep->state == TCPIP_TCP_FIN_WAIT_2) {
            if (tcp_option(ep, TCPIP_OPTION_LINGER2) < 0)
                tcp_reset_and_die(ep);
            else
                tcpip__tcp_timers_on_fin_wait_2(ep);
        }
    }
}

/* The stack goes: nothing on the wire, memory at once. */
static void tcp_op_abandon(struct tcpip_endpoint *endpoint)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    list_remove_if_linked(&ep->queue_node);
    ep->orphan = true;
    ep->dead = true;
    tcpip__tcp_abandon(ep);
}

/* ---- readiness ---- */

bool tcpip__tcp_readable(const struct tcp_endpoint *ep)
{
    int64_t low_water = max_i64(tcp_option(ep, TCPIP_OPTION_RECEIVE_LOW_WATER), 1);
    uint32_t queued = ep->receive_queue.bytes;
    if (queued >= low_water)
        return true;
    return queued > 0 && receive_window_open(&ep->receive_window, ep->rcv_nxt) < max_u32(ep->rcv_mss, 1);
}

uint32_t tcpip__tcp_readiness(const struct tcp_endpoint *ep)
{
    uint32_t ready = ep->error != TCPIP_OK ? TCPIP_EVENT_ERR : 0;
    if (ep->state == TCPIP_TCP_LISTEN)
        return ready | (tcpip__tcp_acceptable(ep) ? TCPIP_EVENT_IN : 0u);
    bool ended = tcp_read_ended(ep), closed = ep->state == TCPIP_TCP_CLOSED;
    if (ended)
        ready |= TCPIP_EVENT_IN | TCPIP_EVENT_RDHUP;
    if (closed || (ended && ep->shut_write))
        ready |= TCPIP_EVENT_HUP;
    if (tcp_handshaking(ep))
        return ready | (ep->syn_deferred ? TCPIP_EVENT_OUT : 0u);
    if (tcpip__tcp_readable(ep))
        ready |= TCPIP_EVENT_IN;
    if (unlikely(ep->urgent != NULL) && ep->urgent->state == URGENT_HERE)
        ready |= TCPIP_EVENT_PRI;
    if (ep->shut_write || closed || tcpip__tcp_writable(ep))
        ready |= TCPIP_EVENT_OUT;
    return ready;
}

static uint32_t tcp_op_readiness(const struct tcpip_endpoint *endpoint)
{
    return tcpip__tcp_readiness(tcp_of_const(endpoint));
}

static struct demux_listener *tcp_op_listener(struct tcpip_endpoint *endpoint)
{
    struct tcp_listener *listener = tcp_of(endpoint)->listener;
    return listener != NULL ? &listener->demux : NULL;
}

const struct tcpip_endpoint_ops tcpip__tcp_endpoint_ops = {
    .bind = tcp_op_bind,
    .connect = tcp_op_connect,
    .listen = tcp_op_listen,
    .accept = tcp_op_accept,
    .recvmsg = tcp_op_recvmsg,
    .read_views = tcp_op_read_views,
    .sendmsg = tcp_op_sendmsg,
    .write_view = tcp_op_write_view,
    .peek = tcp_op_peek,
    .shutdown = tcp_op_shutdown,
    .close = tcp_op_close,
    .abandon = tcp_op_abandon,
    .local_address = tcp_op_local_address,
    .remote_address = tcp_op_remote_address,
    .readiness = tcp_op_readiness,
    .set_option = tcpip__tcp_set_option,
    .get_option = tcpip__tcp_get_option,
    .listener = tcp_op_listener,
    .flush = tcpip__tcp_flush,
    .save = tcpip__tcp_save,
    .waits = tcpip__tcp_waits,
    .next_waiting = tcpip__tcp_next_waiting,
    .freeze = tcpip__tcp_freeze,
};
