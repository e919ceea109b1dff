// SPDX-License-Identifier: MIT
/* tcp_timewait.c: TIME-WAIT as a compact record (RFC 9293 3.6.1, 3.10.7.4; RFC 1337; RFC 6191).
 *
 * What is left of a connection is enough to answer a FIN that comes again, to recognise old segments, and to let a new
 * SYN in where its sequence number or timestamp proves that it isn't old. Records are on one list in order of expiry;
 * at the limit the oldest goes.
 *
 * Owns:     tcp_stack.time_wait*.
 * Not here: the endpoint, which is dead by then. */
#include "ports/ports.h"
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_save.h"

#include <stdalign.h>

struct tcp_time_wait {
    struct demux_entry demux;
    struct tcpip_list_node node;
    tcpip_ns expires_at;
    struct signature *signature; /* shared with the endpoint that was; NULL: not signed */
    seqnum snd_nxt, rcv_nxt;
    uint32_t ts_recent, ts_offset;
    uint32_t duration_ms; /* rounded up; 49 days at most */
    uint16_t window;      /* as on the wire */
    bool ts : 1, ignore_reset : 1;
    bool port_held : 1; /* with these flags: who binds to the port needs REUSE_ADDRESS on both sides, as on Linux */
    uint8_t port_flags : 5;
    uint8_t ecn; /* AccECN's count, which goes on being told: the flags AE, CWR and ECE, shifted */
};
enum { TIME_WAIT_ECN_SHIFT = 6 };
STATIC_ASSERT(sizeof(struct tcp_time_wait) <= 112); /* a server has a hundred thousand */
STATIC_ASSERT(TCPIP_TCP_ECE == 1 << TIME_WAIT_ECN_SHIFT);

static tcpip_ns time_wait_duration(const struct tcp_time_wait *record)
{
    return record->duration_ms * TCPIP_MS;
}

static struct tcp_time_wait *time_wait_of(struct demux_entry *entry)
{
    return TCPIP_CONTAINER_OF(entry, struct tcp_time_wait, demux);
}

static void time_wait_port_key(const struct tcp_time_wait *record, struct tcpip_port_key *out)
{
    const struct flow *flow = &record->demux.flow;
    *out = (struct tcpip_port_key){
        .transport = TCPIP_PROTOCOL_TCP, .port = flow->local_port, .nic = flow->nic, .flags = record->port_flags};
    memcpy(out->address, flow->local, 16);
}

static void time_wait_hold_port(struct tcpip_stack *stack, struct tcp_time_wait *record, uint32_t flags)
{
    struct tcpip_port_key key;
    record->port_flags = flags & (TCPIP_PORT_REUSE_ADDRESS | TCPIP_PORT_REUSE_PORT | TCPIP_PORT_CONNECTION);
    time_wait_port_key(record, &key);
    record->port_held = tcpip__port_manager_hold(stack->ports, &key);
}

static void time_wait_free(struct tcp_stack *tcp, struct tcp_time_wait *record)
{
    if (record->port_held) {
        struct tcpip_port_key key;
        time_wait_port_key(record, &key);
        tcpip_port_manager_release(tcp->stack->ports, &key);
    }
    tcpip__signature_unref(record->signature);
    list_remove(&record->node);
    tcpip__demux_remove(tcp->stack, &record->demux);
    tcpip__pool_put(&tcp->time_waits, record);
    tcp->time_wait_count--;
    tcp->stack->stats.tcp.time_wait_current = tcp->time_wait_count;
}

/* Durations may differ by endpoint, so the place is searched from the end: nearly always it is the end. */
static void time_wait_enlist(struct tcp_stack *tcp, struct tcp_time_wait *record)
{
    struct tcpip_list_node *before = list_last(&tcp->time_wait);
    while (before != NULL && TCPIP_CONTAINER_OF(before, struct tcp_time_wait, node)->expires_at > record->expires_at)
        before = list_prev(&tcp->time_wait, before);
    if (before != NULL)
        list_insert_after(before, &record->node);
    else
        list_push_front(&tcp->time_wait, &record->node);
    if (!tcpip_timer_armed(&tcp->time_wait_timer) || record->expires_at < tcp->time_wait_timer.at)
        stack_timer_set(tcp->stack, &tcp->time_wait_timer, record->expires_at);
}

void tcpip__tcp_time_wait_init(struct tcp_stack *tcp)
{
    tcpip__pool_init(&tcp->time_waits, &tcp->stack->memory, sizeof(struct tcp_time_wait), alignof(struct tcp_time_wait),
                     tcp->stack->limits.time_wait);
    list_init(&tcp->time_wait);
    tcp->time_wait_timer.fn = tcpip__tcp_time_wait_timer;
}

void tcpip__tcp_time_wait_fini(struct tcp_stack *tcp)
{
    struct tcpip_list_node *node;
    while ((node = list_first(&tcp->time_wait)) != NULL)
        time_wait_free(tcp, TCPIP_CONTAINER_OF(node, struct tcp_time_wait, node));
    stack_timer_cancel(tcp->stack, &tcp->time_wait_timer);
    tcpip__pool_fini(&tcp->time_waits);
}

struct signature *tcpip__tcp_time_wait_signature(const struct demux_entry *entry)
{
    return TCPIP_CONTAINER_OF(entry, const struct tcp_time_wait, demux)->signature;
}

void tcpip__tcp_time_wait_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_stack *tcp = TCPIP_CONTAINER_OF(timer, struct tcp_stack, time_wait_timer);
    struct tcpip_list_node *node;
    while ((node = list_first(&tcp->time_wait)) != NULL) {
        struct tcp_time_wait *record = TCPIP_CONTAINER_OF(node, struct tcp_time_wait, node);
        if (record->expires_at > now) {
            stack_timer_set(tcp->stack, timer, record->expires_at);
            return;
        }
        time_wait_free(tcp, record);
    }
}

static struct tcp_time_wait *time_wait_get(struct tcp_stack *tcp)
{
    struct tcp_time_wait *record = tcpip__pool_zget(&tcp->time_waits);
    struct tcpip_list_node *oldest = list_first(&tcp->time_wait);
    if (record == NULL && oldest != NULL) {
        tcp->stack->stats.tcp.time_wait_evicted++;
        time_wait_free(tcp, TCPIP_CONTAINER_OF(oldest, struct tcp_time_wait, node));
        record = tcpip__pool_zget(&tcp->time_waits);
    }
    return record;
}

void tcpip__tcp_time_wait_enter(struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_stack *tcp = tcp_stack_of(stack);
    int64_t duration_ns = tcp_option(ep, TCPIP_OPTION_TIME_WAIT);
    tcp_stats(ep)->established_closed++;
    /* Without memory for a record the connection just ends: the peer's FIN, if it comes again, is answered with RST. */
    struct tcp_time_wait *record = duration_ns > 0 ? time_wait_get(tcp) : NULL;
    if (record != NULL) {
        record->demux.flow = ep->demux->flow;
        record->demux.node.number = TCPIP_PROTOCOL_TCP;
        record->demux.node.kind = TCP_DEMUX_TIME_WAIT;
        record->snd_nxt = ep->snd_nxt;
        record->rcv_nxt = ep->rcv_nxt;
        record->ts = ep->ts_on;
        uint32_t ecn_flags = ep->ecn.mode == ECN_ACCURATE ? tcpip__ecn_flags(&ep->ecn, false, false) : 0u;
        record->ecn = (uint8_t)(ecn_flags >> TIME_WAIT_ECN_SHIFT);
        record->ts_recent = ep->ts_recent;
        record->ts_offset = ep->ts_offset;
        record->signature = tcpip__tcp_signature_leave(ep);
        uint32_t window = receive_window_open(&ep->receive_window, ep->rcv_nxt) >> ep->receive_window.scale;
        record->window = (uint16_t)min_u32(window, 65535);
        record->ignore_reset = tcp_option(ep, TCPIP_OPTION_RFC1337) != 0;
        record->duration_ms = sat_u32((uint64_t)(duration_ns + TCPIP_MS - 1) / TCPIP_MS);
        record->expires_at = tcpip__stack_now(stack) + duration_ns;
        if (ep->port_reserved)
            time_wait_hold_port(stack, record, ep->port_key.flags);
        tcpip__demux_replace(stack, ep->demux, &record->demux);
        tcp->time_wait_count++;
        time_wait_enlist(tcp, record);
        stack->stats.tcp.time_wait_created++;
        stack->stats.tcp.time_wait_current = tcp->time_wait_count;
    }
    tcpip__tcp_die(ep);
}

static void time_wait_fields(struct archive *archive, struct tcp_time_wait *record)
{
    bool flags[] = {record->ts, record->ignore_reset, record->port_held};
    uint8_t port_flags = record->port_flags;
    uint32_t clock = timestamp_clock(archive->now, record->ts_offset);
    tcpip__flow_archive(archive, &record->demux.flow);
    tcpip__archive_instant(archive, &record->expires_at);
    archive_seq(archive, &record->snd_nxt);
    archive_seq(archive, &record->rcv_nxt);
    archive_u32(archive, &record->ts_recent);
    archive_u32(archive, &clock);
    archive_u16(archive, &record->window);
    for (size_t i = 0; i < array_count(flags); i++)
        archive_bool(archive, &flags[i]);
    archive_u8(archive, &port_flags, 31);
    archive_require(archive, record->expires_at != TCPIP_NEVER && record->demux.flow.local_port != 0);
    if (!archive_restoring(archive))
        return;
    record->ts_offset = clock - (uint32_t)(archive->now / TCPIP_MS);
    record->ts = flags[0];
    record->ignore_reset = flags[1];
    record->port_held = flags[2];
    record->port_flags = port_flags & 31u;
}

static void time_wait_restore(struct archive *archive, struct tcp_stack *tcp)
{
    struct tcp_time_wait read = {.demux.node.number = TCPIP_PROTOCOL_TCP, .demux.node.kind = TCP_DEMUX_TIME_WAIT};
    time_wait_fields(archive, &read);
    struct tcp_time_wait *record = archive_ok(archive) ? tcpip__pool_get(&tcp->time_waits) : NULL;
    if (record == NULL)
        return; /* at the limit one goes, and that may be any */
    *record = read;
    if (tcpip__demux_insert(tcp->stack, &record->demux) != TCPIP_OK) {
        tcpip__pool_put(&tcp->time_waits, record);
        tcpip__archive_fail(archive, TCPIP_ERR_PORT_IN_USE);
        return;
    }
    if (read.port_held)
        time_wait_hold_port(tcp->stack, record, read.port_flags);
    record->expires_at = max_i64(record->expires_at, tcpip__stack_now(tcp->stack));
    tcp->time_wait_count++;
    time_wait_enlist(tcp, record);
    tcp->stack->stats.tcp.time_wait_current = tcp->time_wait_count;
}

void tcpip__tcp_time_wait_archive(struct archive *archive, struct tcp_stack *tcp)
{
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0)
        time_wait_restore(archive, tcp);
    if (archive_restoring(archive))
        return;
    list_for_each(node, &tcp->time_wait)
    {
        struct tcp_time_wait *record = TCPIP_CONTAINER_OF(node, struct tcp_time_wait, node);
        if (record->signature == NULL) /* without its keys it is no use */
            time_wait_fields(archive, record);
    }
}

static void time_wait_ack(struct tcpip_stack *stack, const struct tcp_time_wait *record)
{
    struct tcpip_route route = {0};
    const struct flow *flow = &record->demux.flow;
    uint8_t local[16];
    memcpy(local, flow->local, 16);
    if (tcpip__route_find(stack, flow->nic, local, flow->remote, &route) != TCPIP_OK)
        return;
    struct signing own;
    const struct signing *signing =
        tcpip__tcp_signing_time_wait(record->signature, record->snd_nxt, &own) ? &own : NULL;
    uint8_t written[TCPIP_TCP_OPTIONS_MAX];
    struct tcpip_tcp_options options = {
        .present = record->ts ? TCPIP_TCP_HAS_TIMESTAMPS : 0,
        .ts_val = timestamp_clock(tcpip__stack_now(stack), record->ts_offset),
        .ts_ecr = record->ts_recent,
    };
    if (signing != NULL)
        signature_reserve(signing, &options);
    struct tcp_bare_segment ack = {
        .flow = flow,
        .seq = record->snd_nxt,
        .ack = record->rcv_nxt,
        .flags = (uint16_t)(TCPIP_TCP_ACK | record->ecn << TIME_WAIT_ECN_SHIFT),
        .window = record->window,
        .options = written,
        .options_bytes = tcpip_tcp_options_emit(written, &options),
        .signing = signing,
    };
    (void)tcpip__tcp_output_bare(stack, &route, &ack);
    tcpip__route_release(&route);
}

/* A SYN that can't be an old duplicate: a later timestamp, or a sequence number beyond all that was received (RFC 6191,
 * RFC 9293 MAY-2). */
static bool time_wait_new_syn(const struct tcp_time_wait *record, const struct tcp_segment *segment)
{
    if ((segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST)) != TCPIP_TCP_SYN)
        return false;
    if (record->ts && segment->has_ts && segment->ts_val != record->ts_recent)
        return (int32_t)(segment->ts_val - record->ts_recent) > 0;
    return seq_gt(segment->seq, record->rcv_nxt);
}

void tcpip__tcp_time_wait_input(struct tcpip_stack *stack, struct demux_entry *entry, struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    struct tcp_time_wait *record = time_wait_of(entry);
    if (time_wait_new_syn(record, segment) && tcpip__tcp_wanted(stack, segment)) {
        if (tcp->half_open_count >=
            stack->limits.syn_received) { /* nor would a cookie do: its number may be an old one */
            stack->stats.tcp.listen_overflow_syn_drop++;
            tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_SYN_LIMIT);
            return;
        }
        segment->has_iss_above = true;
        segment->iss_above = record->snd_nxt;
        stack->stats.tcp.time_wait_recycled++;
        time_wait_free(tcp, record);
        tcpip__tcp_no_connection(stack, segment);
        return;
    }
    bool old_ts = record->ts && segment->has_ts && (int32_t)(segment->ts_val - record->ts_recent) < 0;
    if (segment->flags & TCPIP_TCP_RST) {
        /* RFC 1337: an old duplicate's reset must not end the wait early; RFC 5961 lets only the exact one try. */
        if (!record->ignore_reset && seq_eq(segment->seq, record->rcv_nxt)) {
            stack->stats.tcp.resets_received++;
            time_wait_free(tcp, record);
        }
    } else if (segment->length > 0 || (segment->flags & (TCPIP_TCP_FIN | TCPIP_TCP_SYN)) != 0 || old_ts ||
               !seq_eq(segment->seq, record->rcv_nxt)) {
        time_wait_ack(stack, record);
        if (segment->flags & TCPIP_TCP_FIN) {
            list_remove(&record->node);
            record->expires_at = segment->now + time_wait_duration(record);
            time_wait_enlist(tcp, record);
        }
    }
    tcpip_packet_drop(segment->packet, TCPIP_DROP_TCP_TIME_WAIT);
}

static bool time_wait_on_loopback(const uint8_t *address)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    return address_is_v4(address) ? address[12] == 127 : address_equal(address, loopback6);
}

/* TIME_WAIT_REUSE, and its delay. */
static bool time_wait_reusable(const struct tcp_endpoint *ep, const struct tcp_time_wait *record)
{
    int64_t mode = tcp_option(ep, TCPIP_OPTION_TIME_WAIT_REUSE);
    const struct flow *flow = &record->demux.flow;
    bool local = time_wait_on_loopback(flow->local) || time_wait_on_loopback(flow->remote);
    /* Time for the peer's timestamps to move on, and for what is under way to arrive. */
    tcpip_ns age_ns = tcpip__stack_now(ep->base->stack) - (record->expires_at - time_wait_duration(record));
    return (mode == 1 || (mode == 2 && local)) && age_ns >= tcp_option(ep, TCPIP_OPTION_TIME_WAIT_REUSE_DELAY);
}

bool tcpip__tcp_time_wait_recycle(struct tcpip_stack *stack, const struct tcp_endpoint *asks, struct demux_entry *entry,
                                  seqnum *iss_above)
{
    struct tcp_time_wait *record = time_wait_of(entry);
    /* Safe only if the peer can tell old from new by timestamps that have moved on (RFC 6191 section 2). */
    if (!record->ts || (asks != NULL && !time_wait_reusable(asks, record)))
        return false;
    *iss_above = record->snd_nxt;
    stack->stats.tcp.time_wait_recycled++;
    time_wait_free(tcp_stack_of(stack), record);
    return true;
}
