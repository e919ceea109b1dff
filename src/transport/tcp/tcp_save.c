// SPDX-License-Identifier: MIT
/* tcp_save.c: all that a TCP endpoint is, as a table of parts: each is one section of what is saved, with one function
 * that writes it and reads it.
 *
 * The parts that belong to an organ are the organ's own functions. Here are those of the endpoint itself, and the
 * order: a part may rely on those before it (records need a controller, and the numbers that they lie between). Who
 * adds state to a connection adds a row; a reader that doesn't know a row skips it, unless its tag is critical.
 *
 * What can't be applied at once, because it makes the endpoint what it is for the rest of the stack (state, port,
 * flow), goes into a struct tcp_restored, and tcp_restore.c does it when all parts were found good.
 *
 * Owns:     the numbers of the parts.
 * Not here: whether the parts fit together, and the endpoint's way into the stack (tcp_restore.c). */
#include "transport/tcp/tcp_save.h"

enum { /* of a name */
       SAVED_CONGESTION_NAME_MAX = 15,
};

/* ---- identity ---- */

static void port_key_archive(struct archive *archive, struct tcpip_port_key *key)
{
    tcpip__archive_bytes(archive, key->address, 16);
    archive_u16(archive, &key->port);
    archive_u32(archive, &key->nic);
    archive_u32(archive, &key->flags);
    archive_require(archive, key->flags < 2 * TCPIP_PORT_CONNECTION);
    key->transport = TCPIP_PROTOCOL_TCP;
}

static void part_identity(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    archive_u8(archive, &restored->state, TCPIP_TCP_LAST_ACK);
    archive_bool(archive, &restored->dead);
    archive_bool(archive, &restored->orphan);
    archive_bool(archive, &restored->port_held);
    tcpip__flow_archive(archive, &ep->demux->flow);
    port_key_archive(archive, &restored->port_key);
    archive_bool(archive, &ep->bound);
    archive_bool(archive, &ep->port_fixed);
    archive_u8(archive, &ep->bound_address, TCP_BOUND_FIXED);
    archive_bool(archive, &ep->accepted);
    archive_u8(archive, &ep->connect_state, TCP_CONNECT_SPOILT);
    archive_u8(archive, &ep->error, TCPIP_ERROR_COUNT - 1);
    archive_u8(archive, &ep->soft_error, TCPIP_ERROR_COUNT - 1);
    archive_u8(archive, &ep->min_ttl, UINT8_MAX);
    archive_bool(archive, &ep->shut_read);
    archive_bool(archive, &ep->shut_write);
    archive_bool(archive, &ep->fin_received);
    archive_require(archive, !restored->port_held || restored->port_key.port != 0);
    archive_require(archive, !(restored->dead && restored->orphan));
    archive_require(archive, !ep->bound || restored->port_held);
}

static void part_options(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__option_block_archive(archive, ep->base->stack, &ep->options);
}

static void part_buffers(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    const struct tcpip_limits *limits = &ep->base->stack->limits;
    (void)restored;
    archive_u32(archive, &ep->send_buffer_bytes);
    archive_bool(archive, &ep->send_buffer_fixed);
    archive_bool(archive, &ep->receive_buffer_fixed);
    tcpip__receive_window_archive(archive, &ep->receive_window, limits->tcp_receive_buffer_max);
    if (archive_restoring(archive))
        ep->send_buffer_bytes = min_u32(ep->send_buffer_bytes, limits->tcp_send_buffer_max);
}

/* ---- the connection ---- */

/* Our timestamps go on from where the peer saw them last, whatever the clock says here. */
static void timestamps_archive(struct archive *archive, struct tcp_endpoint *ep)
{
    uint32_t clock = timestamp_clock(archive->now, ep->ts_offset);
    archive_u32(archive, &clock);
    if (archive_restoring(archive))
        ep->ts_offset = clock - (uint32_t)(archive->now / TCPIP_MS);
    archive_u32(archive, &ep->ts_recent);
    tcpip__archive_instant(archive, &ep->ts_recent_at);
}

static void part_negotiated(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    archive_bool(archive, &ep->ts_on);
    archive_bool(archive, &ep->sack_on);
    archive_bool(archive, &ep->wscale_on);
    archive_u8(archive, &ep->snd_wscale, 14);
    archive_u16(archive, &ep->peer_mss);
    archive_u16(archive, &ep->snd_mss);
    archive_u16(archive, &ep->rcv_mss);
    archive_u32(archive, &ep->path_mtu);
    archive_u16(archive, &ep->options_bytes);
    archive_require(archive, ep->options_bytes <= TCPIP_TCP_OPTIONS_MAX);
    timestamps_archive(archive, ep);
}

/* What is known of the path while nothing is in flight. */
static void reordering_archive(struct archive *archive, struct tcp_reordering *kept)
{
    bool seen = kept->seen;
    uint8_t multiplier = kept->multiplier;
    archive_u8(archive, &kept->segments, INT8_MAX);
    archive_bool(archive, &seen);
    archive_u8(archive, &multiplier, INT8_MAX);
    archive_u8(archive, &kept->persist, 16);
    archive_require(archive, kept->segments == 0 || (kept->segments >= RECOVERY_REORDERING_MIN && multiplier > 0));
    kept->seen = seen;
    kept->multiplier = multiplier & 127u;
}

static void part_send(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    seqnum *const numbers[] = {&ep->iss,     &ep->snd_una,   &ep->snd_nxt,        &ep->snd_wl1,
                               &ep->snd_wl2, &ep->snd_small, &ep->cwnd_used_until};
    bool *const flags[] = {&ep->fin_queued,    &ep->fin_sent,     &ep->fin_acked,  &ep->more_coming,
                           &ep->force_partial, &ep->cwnd_limited, &ep->out_of_room};
    (void)restored;
    for (size_t i = 0; i < array_count(numbers); i++)
        archive_seq(archive, numbers[i]);
    for (size_t i = 0; i < array_count(flags); i++)
        archive_bool(archive, flags[i]);
    archive_u32(archive, &ep->snd_wnd);
    archive_u32(archive, &ep->snd_wnd_max);
    archive_u32(archive, &ep->more_bytes);
    reordering_archive(archive, &ep->reordering);
    archive_u32(archive, &ep->cwnd_used);
    archive_u8(archive, &ep->retransmit_count, UINT8_MAX);
    archive_u8(archive, &ep->probe_count, UINT8_MAX);
    archive_u8(archive, &ep->keepalive_count, UINT8_MAX);
    uint32_t since_ms = (uint32_t)(archive->now / TCPIP_MS) - ep->timeout_since_ms;
    archive_u32(archive, &since_ms);
    if (archive_restoring(archive))
        ep->timeout_since_ms = (uint32_t)(archive->now / TCPIP_MS) - since_ms;
    tcpip__archive_instant(archive, &ep->user_timeout_from);
    tcpip__archive_instant_or_zero(archive, &ep->last_send_at);
}

static void part_receive(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    archive_seq(archive, &ep->irs);
    archive_seq(archive, &ep->rcv_nxt);
    archive_seq(archive, &ep->last_ack_sent);
    archive_seq(archive, &ep->fin_seq);
    archive_bool(archive, &ep->fin_seen);
    archive_bool(archive, &ep->zero_advertised);
    archive_bool(archive, &ep->ack_now);
    tcpip__archive_instant(archive, &ep->last_receive_at);
    tcpip__archive_instant(archive, &ep->last_data_receive_at);
    tcpip__archive_instant(archive, &ep->challenge_at);
}

static void part_rtt(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__rtt_archive(archive, &ep->rtt);
}

/* The controller by its name: its private state begins anew, as it does after a pause, because what it is is its own
 * affair and may be anything in another version; the windows stay. */
static void part_congestion(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcpip_congestion *congestion = &ep->congestion;
    char name[SAVED_CONGESTION_NAME_MAX + 1] = {0};
    (void)restored;
    if (!archive_restoring(archive)) {
        const char *from = congestion->ops != NULL ? congestion->ops->name : "";
        for (size_t i = 0; i < SAVED_CONGESTION_NAME_MAX && from[i] != '\0'; i++)
            name[i] = from[i];
    }
    tcpip__archive_bytes(archive, name, sizeof(name));
    archive_u32(archive, &congestion->cwnd);
    archive_u32(archive, &congestion->ssthresh);
    if (!archive_restoring(archive))
        return;
    archive_require(archive, name[SAVED_CONGESTION_NAME_MAX] == '\0');
    congestion->mss = ep->snd_mss;
    if (archive_ok(archive) && name[0] != '\0') {
        congestion->ops = tcpip__congestion_find(ep->base->stack, name);
        if (congestion->ops == NULL)
            congestion->ops = tcpip__congestion_default(ep->base->stack);
    }
}

static void part_ecn(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__ecn_archive(archive, &ep->ecn);
}

static void part_cwv(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__cwv_archive(archive, &ep->cwv);
}

static void part_ack_policy(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct ack_bounds bounds;
    (void)restored;
    tcpip__tcp_ack_bounds(ep, &bounds);
    tcpip__ack_policy_archive(archive, &ep->ack_policy, &bounds);
}

static void part_timers(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)ep;
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        tcpip__archive_instant(archive, &restored->deadlines[i]);
}

static void part_counters(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    uint64_t *const bytes[] = {&ep->bytes_sent, &ep->bytes_acked, &ep->bytes_received, &ep->bytes_retransmitted};
    uint32_t *const counts[] = {&ep->segments_out,          &ep->segments_in,       &ep->data_segments_out,
                                &ep->data_segments_in,      &ep->total_retransmits, &ep->dsack_duplicates,
                                &ep->out_of_order_segments, &ep->reorderings};
    (void)restored;
    tcpip__chrono_archive(archive, &ep->chrono);
    for (size_t i = 0; i < array_count(bytes); i++) {
        archive_u64(archive, bytes[i]);
        archive_require(archive, *bytes[i] <= INT64_MAX);
    }
    for (size_t i = 0; i < array_count(counts); i++)
        archive_u32(archive, counts[i]);
    archive_u32(archive, &ep->timeout_ms);
    archive_u16(archive, &ep->timeouts);
    archive_u16(archive, &ep->timeout_episodes);
}

/* Of a child whose SYN-ACK isn't acknowledged: it is no longer counted against its listener's limit. */
static void part_fast_open(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcp_fast_open own = ep->fast_open != NULL ? *ep->fast_open : (struct tcp_fast_open){0};
    bool flags[] = {ep->syn_deferred,   ep->syn_fast_open,   ep->syn_experimental, ep->syn_data,
                    ep->syn_data_acked, ep->fast_open_child, ep->fast_open_probe,  ep->writer_waits};
    for (size_t i = 0; i < array_count(flags); i++)
        archive_bool(archive, &flags[i]);
    archive_u8(archive, &ep->fast_open_fail, UINT8_MAX);
    archive_bool(archive, &restored->syn_ack_pending);
    tcpip__archive_instant(archive, &own.syn_ack_at);
    archive_bool(archive, &own.renew);
    archive_bool(archive, &own.experimental);
    archive_u8(archive, &own.keys.count, 2);
    tcpip__archive_bytes(archive, own.keys.key, sizeof(own.keys.key));
    if (!archive_restoring(archive))
        return;
    ep->syn_deferred = flags[0];
    ep->syn_fast_open = flags[1];
    ep->syn_experimental = flags[2];
    ep->syn_data = flags[3];
    ep->syn_data_acked = flags[4];
    ep->fast_open_child = flags[5];
    ep->fast_open_probe = flags[6];
    ep->writer_waits = flags[7];
    if (!archive_ok(archive) || (own.keys.count == 0 && !restored->syn_ack_pending))
        return;
    ep->fast_open = tcpip__pool_zget(&tcp_stack_of(ep->base->stack)->fast_opens);
    if (ep->fast_open == NULL) {
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        return;
    }
    *ep->fast_open = (struct tcp_fast_open){
        .syn_ack_at = own.syn_ack_at, .renew = own.renew, .experimental = own.experimental, .keys = own.keys};
}

/* ---- what is under way ---- */

static void part_send_queue(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcpip_stack *stack = ep->base->stack;
    (void)restored;
    tcpip__send_queue_archive(archive, &ep->send_queue, &tcp_stack_of(stack)->send_chunks, &stack->buffers);
}

static void part_receive_queue(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcpip_stack *stack = ep->base->stack;
    (void)restored;
    seqnum start = ep->receive_queue.first != NULL ? ep->receive_queue.first->seq : seq(0);
    archive_seq(archive, &start);
    tcpip__receive_queue_archive(archive, &ep->receive_queue, start, &tcp_stack_of(stack)->receive_chunks,
                                 &stack->buffers);
}

/* The block that what follows is in; NULL: failed. There is no segment size as long as the peer hasn't said what it
 * takes, but a SYN may have gone with data (RFC 7413). */
static struct tcp_hot *restored_hot(struct archive *archive, struct tcp_endpoint *ep,
                                    const struct tcp_restored *restored)
{
    bool sized = ep->congestion.mss > 0 || restored->state == TCPIP_TCP_SYN_SENT;
    archive_require(archive, ep->congestion.ops != NULL && sized);
    struct tcp_hot *hot = archive_ok(archive) ? tcpip__tcp_hot(ep) : NULL;
    if (hot == NULL)
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
    return hot;
}

static void part_hot(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcp_hot *hot = archive_restoring(archive) ? restored_hot(archive, ep, restored) : ep->hot;
    if (hot == NULL)
        return;
    tcpip__recovery_archive(archive, &hot->recovery);
    tcpip__rack_archive(archive, &hot->rack);
    tcpip__rate_archive(archive, &hot->rate);
    archive_seq(archive, &hot->hole);
    archive_u32(archive, &hot->hole_ts);
}

static void part_records(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcp_hot *hot = archive_restoring(archive) ? restored_hot(archive, ep, restored) : ep->hot;
    if (hot == NULL)
        return;
    tcpip_ns now = tcpip__stack_now(ep->base->stack);
    bool syn = restored->state <= TCPIP_TCP_SYN_RECEIVED && !restored->syn_ack_pending && seq_eq(ep->snd_una, ep->iss);
    seqnum start = syn ? seq_add(ep->iss, 1) : ep->snd_una; /* a SYN is in no record */
    struct rate_snapshot rate = {
        .delivered = hot->rate.delivered, .delivered_at = now, .first_sent_at = now, .app_limited = true};
    tcpip__scoreboard_archive(archive, &hot->board, &tcp_stack_of(ep->base->stack)->records, start, &rate);
}

static void part_reassembly(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcp_hot *hot = archive_restoring(archive) ? restored_hot(archive, ep, restored) : ep->hot;
    if (hot != NULL)
        tcpip__reassembly_archive(archive, &hot->reassembly, ep->rcv_nxt, ep->receive_window.advertised,
                                  &tcp_stack_of(stack)->receive_chunks, &stack->buffers);
}

static void part_errors(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__error_queue_archive(archive, ep->base);
}

static void part_saved_syn(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__tcp_syn_archive(archive, ep->base->stack, &ep->saved_syn);
}

static void part_listener(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    struct tcp_restored_listener *out = &restored->listener;
    if (!archive_restoring(archive)) {
        out->backlog = ep->listener->backlog;
        out->fast_open_max = ep->listener->fast_open_max;
        out->cookies_until = ep->listener->cookies_until;
    }
    archive_u32(archive, &out->backlog);
    archive_u32(archive, &out->fast_open_max);
    tcpip__archive_instant(archive, &out->cookies_until);
}

/* They need a listener that listens: later. */
static void part_half_open(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    if (archive_restoring(archive))
        restored->listener.half_open = *archive;
    else
        tcpip__tcp_half_open_archive(archive, ep);
}

static void part_signature(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored)
{
    (void)restored;
    tcpip__signature_archive(archive, &ep->base->stack->memory, &ep->signature);
}

/* ---- the table ---- */

static bool part_always(const struct tcp_endpoint *ep)
{
    (void)ep;
    return true;
}
static bool part_linked(const struct tcp_endpoint *ep)
{
    return ep->demux->node.linked;
}
static bool part_has_options(const struct tcp_endpoint *ep)
{
    return ep->options != NULL;
}
static bool part_has_fast_open(const struct tcp_endpoint *ep)
{
    return ep->demux->node.linked || ep->fast_open != NULL;
}
static bool part_has_unsent(const struct tcp_endpoint *ep)
{
    return ep->send_queue.bytes > 0;
}
static bool part_has_unread(const struct tcp_endpoint *ep)
{
    return ep->receive_queue.bytes > 0;
}
static bool part_has_hot(const struct tcp_endpoint *ep)
{
    return ep->hot != NULL;
}
static bool part_has_records(const struct tcp_endpoint *ep)
{
    return ep->hot != NULL && ep->hot->board.count > 0;
}
static bool part_has_gaps(const struct tcp_endpoint *ep)
{
    return ep->hot != NULL && ep->hot->reassembly.count > 0;
}
static bool part_has_errors(const struct tcp_endpoint *ep)
{
    return ep->base->errors != NULL;
}
static bool part_has_saved_syn(const struct tcp_endpoint *ep)
{
    return ep->saved_syn != NULL;
}
static bool part_is_signed(const struct tcp_endpoint *ep)
{
    return ep->signature != NULL;
}
static bool part_listens(const struct tcp_endpoint *ep)
{
    return ep->listener != NULL;
}

struct tcp_part {
    uint16_t tag, version;
    bool (*present)(const struct tcp_endpoint *ep);
    void (*archive)(struct archive *archive, struct tcp_endpoint *ep, struct tcp_restored *restored);
};

/* In the order in which they are written and must be found. Numbers stay what they are for ever. */
static const struct tcp_part tcp_parts[] = {
    {TCP_PART_IDENTITY, 1, part_always, part_identity},
    {TCP_PART_OPTIONS, 1, part_has_options, part_options},
    {TCP_PART_BUFFERS, 1, part_always, part_buffers},
    {TCP_PART_NEGOTIATED, 1, part_linked, part_negotiated},
    {TCP_PART_SEND, 1, part_linked, part_send},
    {TCP_PART_RECEIVE, 1, part_linked, part_receive},
    {TCP_PART_RTT, 1, part_linked, part_rtt},
    {TCP_PART_CONGESTION, 1, part_always, part_congestion},
    {TCP_PART_ECN, 1, part_linked, part_ecn},
    {TCP_PART_CWV, 1, part_linked, part_cwv},
    {TCP_PART_ACK_POLICY, 1, part_linked, part_ack_policy},
    {TCP_PART_TIMERS, 1, part_linked, part_timers},
    {TCP_PART_COUNTERS, 1, part_always, part_counters},
    {TCP_PART_FAST_OPEN, 1, part_has_fast_open, part_fast_open},
    {TCP_PART_SEND_QUEUE, 1, part_has_unsent, part_send_queue},
    {TCP_PART_RECEIVE_QUEUE, 1, part_has_unread, part_receive_queue},
    {TCP_PART_HOT, 1, part_has_hot, part_hot},
    {TCP_PART_RECORDS, 1, part_has_records, part_records},
    {TCP_PART_REASSEMBLY, 1, part_has_gaps, part_reassembly},
    {TCP_PART_ERRORS, 1, part_has_errors, part_errors},
    {TCP_PART_SAVED_SYN, 1, part_has_saved_syn, part_saved_syn},
    {TCP_PART_LISTENER, 1, part_listens, part_listener},
    {TCP_PART_HALF_OPEN, 1, part_listens, part_half_open},
    {TCP_PART_SIGNATURE, 1, part_is_signed, part_signature},
};

void tcpip__tcp_save_parts(struct tcp_endpoint *ep, struct archive *archive, bool alone)
{
    struct tcp_restored as_is = {
        .state = ep->state,
        .dead = ep->dead,
        .orphan = ep->orphan,
        .port_held = ep->port_reserved,
        .port_key = ep->port_key,
        .syn_ack_pending = ep->syn_ack_pending,
    };
    memcpy(as_is.deadlines, ep->deadlines, sizeof(as_is.deadlines));
    for (size_t i = 0; i < array_count(tcp_parts); i++) {
        struct archive_section section;
        if (!tcp_parts[i].present(ep) || (alone && tcp_parts[i].tag == TCP_PART_HALF_OPEN))
            continue;
        tcpip__archive_begin(archive, &section, tcp_parts[i].tag, tcp_parts[i].version);
        tcp_parts[i].archive(archive, ep, &as_is);
        tcpip__archive_end(archive, &section);
    }
}

static const struct tcp_part *part_find(uint16_t tag)
{
    for (size_t i = 0; i < array_count(tcp_parts); i++)
        if (tcp_parts[i].tag == tag)
            return &tcp_parts[i];
    return NULL;
}

void tcpip__tcp_restore_parts(struct tcp_endpoint *ep, struct archive *archive, struct tcp_restored *restored)
{
    struct archive_section section;
    uint32_t before = 0;
    while (tcpip__archive_next(archive, &section)) {
        const struct tcp_part *part = part_find(section.tag);
        uint32_t place = section.tag & ~ARCHIVE_CRITICAL;
        archive_require(archive, place > before); /* so that none comes twice */
        before = place;
        if (archive_ok(archive) && part == NULL)
            tcpip__archive_unknown(archive, &section);
        else if (archive_ok(archive))
            part->archive(archive, ep, restored);
        if (archive_ok(archive) && place < 64)
            restored->found |= UINT64_C(1) << place;
        tcpip__archive_end(archive, &section);
    }
}
