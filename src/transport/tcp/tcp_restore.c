// SPDX-License-Identifier: MIT
/* tcp_restore.c: a TCP endpoint stands still, is saved, and comes back: here, in another stack, in another process.
 *
 *     freeze --- save --- forget          here: not a word to the peer
 *                  \--- bytes --- restore     there: a probe asks the peer how far it is
 *
 * What is restored may be anybody's bytes. The parts have checked what each takes for granted; here is checked what
 * holds between them (tcp_check.c asserts the same of every endpoint), and only then the endpoint gets its port, its
 * flow and its state. Before, it is like one that was just made, and is freed like one.
 *
 * While nobody held the connection, segments may have come that nobody took. So the first thing sent is a segment with
 * the number before the first unacknowledged one, as a keepalive has: it must be answered, and the answer acknowledges
 * all that arrived meanwhile. The retransmission timer begins anew: its round trip does.
 *
 * Owns:       the demultiplexer's kind FROZEN.
 * Invariants: an endpoint that is restored holds tcpip__tcp_check at the end of its turn.
 * Not here:   the parts (tcp_save.c), the envelope, NICs and the rest of a stack (stack/save.c). */
#include "ports/ports.h"
#include "stack/save.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_save.h"

enum { TCP_WINDOW_MOST = 1 << 30 }; /* RFC 7323 2.3 */

/* ---- standing still ---- */

static void frozen_abandon(struct tcpip_endpoint *endpoint)
{
    endpoint->ops = &tcpip__tcp_endpoint_ops;
    endpoint->ops->abandon(endpoint);
}

static void frozen_flush(struct tcpip_endpoint *endpoint)
{
    (void)endpoint; /* marked again when it goes on */
}

static uint32_t frozen_readiness(const struct tcpip_endpoint *endpoint)
{
    (void)endpoint;
    return 0;
}

static enum tcpip_error frozen_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    (void)endpoint, (void)io, (void)io_count, (void)done, (void)from, (void)control;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                       uint32_t flags, const struct tcpip_full_address *to,
                                       const struct tcpip_control *control, size_t *done)
{
    (void)endpoint, (void)io, (void)io_count, (void)flags, (void)to, (void)control, (void)done;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                    enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    (void)endpoint, (void)address, (void)commit, (void)ctx;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    (void)endpoint, (void)address;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    (void)endpoint, (void)flags;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    (void)endpoint, (void)option, (void)value;
    return TCPIP_ERR_INVALID_ENDPOINT_STATE;
}

static enum tcpip_error frozen_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    return option == TCPIP_OPTION_ERROR ? TCPIP_ERR_INVALID_ENDPOINT_STATE
                                        : tcpip__tcp_get_option(endpoint, option, value);
}

/* Whoever closes it meant it: the connection goes on and ends like any other. */
static void frozen_close(struct tcpip_endpoint *endpoint)
{
    tcpip__tcp_freeze(endpoint, false);
    endpoint->ops->close(endpoint);
}

static void frozen_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    tcpip__tcp_endpoint_ops.local_address(endpoint, out);
}

static enum tcpip_error frozen_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    return tcpip__tcp_endpoint_ops.remote_address(endpoint, out);
}

static const struct tcpip_endpoint_ops tcp_frozen_ops = {
    .bind = frozen_bind,
    .connect = frozen_connect,
    .recvmsg = frozen_recvmsg,
    .sendmsg = frozen_sendmsg,
    .shutdown = frozen_shutdown,
    .close = frozen_close,
    .abandon = frozen_abandon,
    .local_address = frozen_local_address,
    .remote_address = frozen_remote_address,
    .readiness = frozen_readiness,
    .set_option = frozen_set_option,
    .get_option = frozen_get_option,
    .flush = frozen_flush,
    .save = tcpip__tcp_save,
    .waits = tcpip__tcp_waits,
    .freeze = tcpip__tcp_freeze,
};

enum tcpip_error tcpip__tcp_freeze(struct tcpip_endpoint *endpoint, bool frozen)
{
    struct tcp_endpoint *ep = tcp_of(endpoint);
    bool is = endpoint->ops == &tcp_frozen_ops;
    if (ep->listener != NULL)
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (frozen == is)
        return TCPIP_OK;
    endpoint->ops = frozen ? &tcp_frozen_ops : &tcpip__tcp_endpoint_ops;
    ep->demux->node.kind = frozen ? TCP_DEMUX_FROZEN : TCP_DEMUX_ENDPOINT;
    tcpip__tcp_timers_freeze(ep, frozen);
    if (!frozen && ep->demux->node.linked)
        endpoint_mark_dirty(endpoint);
    return TCPIP_OK;
}

/* ---- saving ---- */

void tcpip__tcp_save(struct tcpip_endpoint *endpoint, struct archive *archive, bool alone)
{
    tcpip__tcp_save_parts(tcp_of(endpoint), archive, alone);
}

bool tcpip__tcp_waits(const struct tcpip_endpoint *endpoint)
{
    return list_node_linked(&tcp_of_const(endpoint)->queue_node);
}

struct tcpip_endpoint *tcpip__tcp_next_waiting(struct tcpip_endpoint *listener, struct tcpip_endpoint *after)
{
    const struct tcp_endpoint *ep = tcp_of(listener);
    if (ep->listener == NULL)
        return NULL;
    struct tcpip_list_node *node =
        after == NULL ? list_first(&ep->listener->queue) : list_next(&ep->listener->queue, &tcp_of(after)->queue_node);
    return node != NULL ? TCPIP_CONTAINER_OF(node, struct tcp_endpoint, queue_node)->base : NULL;
}

/* ---- does it fit together? ---- */

static bool restored_flow_valid(const struct flow *flow)
{
    return address_is_v4(flow->local) == address_is_v4(flow->remote) && !address_is_zero(flow->local) &&
           !address_is_zero(flow->remote) && !address_is_multicast(flow->local) &&
           !address_is_multicast(flow->remote) && flow->local_port != 0 && flow->remote_port != 0;
}

/* Which ends of the stream have been said, by state. */
static bool restored_fin_valid(const struct tcp_endpoint *ep, uint8_t state)
{
    if ((ep->fin_sent && !ep->fin_queued) || (ep->fin_acked && !ep->fin_sent))
        return false;
    switch (state) {
    case TCPIP_TCP_SYN_SENT:
        return !ep->fin_queued && !ep->fin_received;
    case TCPIP_TCP_SYN_RECEIVED:
        return !ep->fin_sent && !ep->fin_received;
    case TCPIP_TCP_ESTABLISHED:
        return !ep->fin_queued && !ep->fin_received;
    case TCPIP_TCP_FIN_WAIT_1:
        return ep->fin_queued && !ep->fin_acked && !ep->fin_received;
    case TCPIP_TCP_FIN_WAIT_2:
        return ep->fin_acked && !ep->fin_received;
    case TCPIP_TCP_CLOSE_WAIT:
        return !ep->fin_queued && ep->fin_received;
    default: /* CLOSING, LAST-ACK */
        return ep->fin_queued && !ep->fin_acked && ep->fin_received;
    }
}

static bool restored_receive_valid(const struct tcp_endpoint *ep, uint8_t state)
{
    int32_t window = seq_diff(ep->receive_window.advertised, ep->rcv_nxt);
    int32_t unacked = seq_diff(ep->rcv_nxt, ep->last_ack_sent);
    const struct receive_queue *queue = &ep->receive_queue;
    seqnum end = ep->fin_received ? seq_sub(ep->rcv_nxt, 1) : ep->rcv_nxt;
    if (queue->first != NULL && !seq_eq(seq_add(queue->first->seq, queue->bytes), end))
        return false;
    return ((window >= 0 && window <= TCP_WINDOW_MOST) || ep->fin_received) && unacked >= 0 &&
           unacked <= TCP_WINDOW_MOST && (ep->rcv_mss > 0 || state == TCPIP_TCP_SYN_SENT) &&
           ep->last_receive_at != TCPIP_NEVER && ep->last_data_receive_at != TCPIP_NEVER &&
           ep->last_send_at != TCPIP_NEVER && ep->ts_recent_at != TCPIP_NEVER;
}

/* Bytes: sent and not acknowledged, with a FIN, without a SYN: that is in no record. What goes with it is. */
static bool restored_records_valid(const struct tcp_endpoint *ep, bool synchronized, uint32_t bytes)
{
    const struct scoreboard *board = ep->hot != NULL ? &ep->hot->board : NULL;
    if (!synchronized && ep->syn_data != (bytes > 0))
        return false;
    if (board == NULL || board->count == 0)
        return bytes == 0;
    bool fin = (board->last->flags & RECORD_FIN) != 0;
    return board->outstanding_bytes == bytes && fin == (ep->fin_sent && !ep->fin_acked) &&
           (ep->sack_on || board->sacked_bytes == 0);
}

static bool restored_send_valid(const struct tcp_endpoint *ep, const struct tcp_restored *restored)
{
    bool synchronized = restored->state >= TCPIP_TCP_ESTABLISHED || restored->syn_ack_pending;
    uint32_t outstanding = seq_size(ep->snd_una, ep->snd_nxt);
    if (outstanding > TCP_WINDOW_MOST || ep->snd_wnd > TCP_WINDOW_MOST || ep->snd_wnd_max > TCP_WINDOW_MOST)
        return false;
    /* A number that isn't a byte of the queue: the FIN's, or the SYN's before. */
    bool syn = !synchronized && seq_eq(ep->snd_una, ep->iss);
    uint32_t other = syn || (synchronized && ep->fin_sent && !ep->fin_acked);
    if (outstanding < other || outstanding - other > ep->send_queue.bytes)
        return false;
    /* Whose SYN-ACK isn't acknowledged, but was a listener's or forwarder's, has it behind. */
    if (!synchronized && !syn && (outstanding > 0 || !seq_eq(ep->snd_una, seq_add(ep->iss, 1))))
        return false;
    return restored_records_valid(ep, synchronized, syn ? outstanding - 1 : outstanding);
}

static bool restored_mss_valid(const struct tcp_endpoint *ep, uint8_t state)
{
    uint32_t cwnd = ep->congestion.cwnd;
    if (state == TCPIP_TCP_SYN_SENT)
        return cwnd <= TCP_WINDOW_MOST; /* nothing was agreed on */
    return ep->peer_mss >= TCP_MSS_MIN && ep->snd_mss + ep->options_bytes >= TCP_MSS_MIN && cwnd >= ep->snd_mss &&
           cwnd <= TCP_WINDOW_MOST && ep->congestion.ops != NULL;
}

/* A connection: SYN-SENT to LAST-ACK. */
static bool restored_live_valid(const struct tcp_endpoint *ep, const struct tcp_restored *restored)
{
    static const uint64_t needed =
        UINT64_C(1) << TCP_PART_NEGOTIATED | UINT64_C(1) << TCP_PART_SEND | UINT64_C(1) << TCP_PART_RECEIVE |
        UINT64_C(1) << TCP_PART_RTT | UINT64_C(1) << TCP_PART_ECN | UINT64_C(1) << TCP_PART_CWV |
        UINT64_C(1) << TCP_PART_ACK_POLICY | UINT64_C(1) << TCP_PART_TIMERS | UINT64_C(1) << TCP_PART_FAST_OPEN;
    bool deferred = ep->syn_deferred && (restored->state != TCPIP_TCP_SYN_SENT || ep->send_queue.bytes > 0);
    bool pending = restored->syn_ack_pending && restored->state != TCPIP_TCP_SYN_RECEIVED &&
                   restored->state != TCPIP_TCP_FIN_WAIT_1;
    return (restored->found & needed) == needed && !restored->dead && !deferred && !pending &&
           restored_flow_valid(&ep->demux->flow) && restored_fin_valid(ep, restored->state) &&
           restored_receive_valid(ep, restored->state) && restored_send_valid(ep, restored) &&
           restored_mss_valid(ep, restored->state);
}

static bool restored_valid(const struct tcp_endpoint *ep, const struct tcp_restored *restored)
{
    static const uint64_t needed = UINT64_C(1) << TCP_PART_IDENTITY | UINT64_C(1) << TCP_PART_BUFFERS |
                                   UINT64_C(1) << TCP_PART_CONGESTION | UINT64_C(1) << TCP_PART_COUNTERS;
    bool listens = (restored->found & tcp_part_bit(TCP_PART_LISTENER)) != 0;
    if ((restored->found & needed) != needed || listens != (restored->state == TCPIP_TCP_LISTEN))
        return false;
    if (restored->state >= TCPIP_TCP_SYN_SENT)
        return restored_live_valid(ep, restored);
    /* Not, or no longer, a connection. */
    bool idle = ep->hot == NULL && ep->send_queue.bytes == 0 && !restored->syn_ack_pending && !restored->orphan &&
                !ep->syn_deferred;
    bool connecting = ep->connect_state == TCP_CONNECT_PENDING;
    return idle && !connecting && (!listens || (ep->bound && !restored->dead && ep->receive_queue.bytes == 0));
}

/* ---- what belongs to no endpoint ---- */

void tcpip__tcp_archive(struct tcpip_stack *stack, struct archive *archive)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    archive_u8(archive, &tcp->fast_open_keys.count, 2);
    tcpip__archive_bytes(archive, tcp->fast_open_keys.key, sizeof(tcp->fast_open_keys.key));
    tcpip__tcp_time_wait_archive(archive, tcp);
}

/* ---- into the stack ---- */

/* In a stack that has others, a port that is only bound must be free; a connection holds it beside whoever does. */
static enum tcpip_error restore_port(struct tcp_endpoint *ep, const struct tcp_restored *restored, bool alone)
{
    struct tcpip_port_manager *ports = ep->base->stack->ports;
    ep->port_key = restored->port_key;
    if (!restored->port_held)
        return TCPIP_OK;
    enum tcpip_error error = TCPIP_OK;
    if (alone && restored->state <= TCPIP_TCP_LISTEN)
        error = tcpip_port_manager_reserve(ports, &ep->port_key);
    else if (!tcpip__port_manager_hold(ports, &ep->port_key))
        error = TCPIP_ERR_NO_MEMORY;
    ep->port_reserved = error == TCPIP_OK;
    return error;
}

/* Alone it must have a way; of a whole stack's connections some may have lost theirs. */
static enum tcpip_error restore_route(struct tcp_endpoint *ep, bool alone)
{
    uint8_t local[16];
    memcpy(local, ep->demux->flow.local, 16);
    uint32_t nic = ep->demux->flow.nic != 0 ? ep->demux->flow.nic : (uint32_t)tcp_option(ep, TCPIP_OPTION_BIND_TO_NIC);
    enum tcpip_error error = tcpip__route_find(ep->base->stack, nic, local, ep->demux->flow.remote, &ep->route);
    /* To ourselves one may speak from anywhere; but not take what isn't ours. */
    if (error == TCPIP_OK && !ep->route.nic->spoofing && tcpip__address_local(ep->base->stack, NULL, local) == NULL)
        error = TCPIP_ERR_BAD_LOCAL_ADDRESS;
    return alone || error == TCPIP_ERR_NO_MEMORY ? error : TCPIP_OK;
}

static enum tcpip_error restore_live(struct tcp_endpoint *ep, const struct tcp_restored *restored, bool alone)
{
    struct tcpip_stack *stack = ep->base->stack;
    enum tcpip_error error = restore_route(ep, alone);
    if (error == TCPIP_OK)
        error = tcpip__tcp_signature_begin(ep, &ep->demux->flow);
    if (error == TCPIP_OK)
        error = tcpip__demux_insert(stack, ep->demux);
    if (error != TCPIP_OK)
        return error;
    ep->syn_ack_pending = restored->syn_ack_pending;
    tcpip__tcp_restore_state(ep, restored->state);
    tcpip__tcp_signature_connected(ep);
    tcpip__tcp_signature_changed(ep); /* and what that leaves of a segment */
    if (restored->state > TCPIP_TCP_SYN_SENT)
        (void)tcpip__tcp_update_mss(ep);
    tcpip__tcp_timers_restore(ep, restored->deadlines);
    if (restored->orphan) {
        ep->orphan = true;
        tcpip__endpoint_detach(ep->base);
    }
    return TCPIP_OK;
}

static enum tcpip_error restore_listener(struct tcp_endpoint *ep, const struct tcp_restored *restored)
{
    const struct tcp_restored_listener *was = &restored->listener;
    enum tcpip_error error = tcpip__tcp_restore_listener(ep, was->backlog, was->fast_open_max, was->cookies_until);
    if (error != TCPIP_OK || (restored->found & tcp_part_bit(TCP_PART_HALF_OPEN)) == 0)
        return error;
    struct archive records = was->half_open;
    tcpip__tcp_half_open_archive(&records, ep);
    return records.error;
}

static enum tcpip_error restore_place(struct tcp_endpoint *ep, const struct tcp_restored *restored, bool alone)
{
    enum tcpip_error error = restore_port(ep, restored, alone);
    if (error != TCPIP_OK)
        return error;
    if (restored->state == TCPIP_TCP_LISTEN)
        return restore_listener(ep, restored);
    if (restored->state == TCPIP_TCP_CLOSED) {
        ep->dead = restored->dead;
        return TCPIP_OK;
    }
    return restore_live(ep, restored, alone);
}

/* Whoever has the connection now, the peer's next word comes here. */
static void restore_go_on(struct tcp_endpoint *ep)
{
    if (!tcp_synchronized(ep))
        return;
    /* In LAST-ACK the FIN, which is sent again, asks as well; and a second answer would find nobody. */
    bool asks = ep->state >= TCPIP_TCP_ESTABLISHED && ep->state != TCPIP_TCP_LAST_ACK;
    if (asks && tcpip__tcp_route(ep))
        tcpip__tcp_output_control(ep, seq_sub(ep->snd_una, 1), TCPIP_TCP_ACK);
    endpoint_mark_dirty(ep->base);
}

enum tcpip_error tcpip__tcp_restore(struct tcpip_stack *stack, uint32_t network, struct archive *archive,
                                    const struct restore_how *how, struct tcpip_endpoint **out)
{
    enum tcpip_error error;
    struct tcp_restored restored = {0};
    struct tcp_endpoint *ep = tcpip__tcp_endpoint_new(stack, network, &error);
    if (ep == NULL)
        return error;
    tcpip__tcp_restore_parts(ep, archive, &restored);
    error = archive->error;
    if (error == TCPIP_OK && (!restored_valid(ep, &restored) || restored.orphan == how->open))
        error = TCPIP_ERR_MALFORMED_HEADER;
    struct tcp_endpoint *listener = how->listener != NULL ? tcp_of(how->listener) : NULL;
    if (error == TCPIP_OK && listener != NULL &&
        (listener->listener == NULL || restored.orphan || restored.state == TCPIP_TCP_LISTEN))
        error = TCPIP_ERR_MALFORMED_HEADER;
    if (error == TCPIP_OK)
        error = restore_place(ep, &restored, how->alone);
    if (error != TCPIP_OK) {
        ep->syn_fast_open = ep->syn_data = false; /* it isn't over: it never was */
        tcpip__tcp_abandon(ep);
        return error;
    }
    if (listener != NULL)
        tcpip__tcp_passive_queue(listener, ep);
    restore_go_on(ep);
    *out = ep->base;
    return TCPIP_OK;
}
