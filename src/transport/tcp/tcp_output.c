// SPDX-License-Identifier: MIT
/* tcp_output.c: builds segments and super-segments and hands them to the route.
 *
 * A segment is header room and references on the send queue's buffers: retransmission copies nothing. More than one MSS
 * of payload makes a super-segment; whoever below can't take it cuts it (stack/gso.c). The checksum is left partial for
 * the same reason.
 *
 * Owns:       nothing; notes in the endpoint what an outgoing ACK has paid.
 * Invariants: every segment but a bare one carries the ACK for all that was received, and the window.
 * Not here:   what to send and when (tcp_send.c). */
#include "header/checksum_word.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_urgent.h"

/* SACK blocks that may ride on a segment with this payload. What came out of order was told at once by an ACK of its
 * own, so data give up no room for it: a full segment with blocks would leave as two. */
static uint32_t tcp_sack_blocks_max(const struct tcp_endpoint *ep, uint32_t payload)
{
    uint32_t spare = sat_sub_u32(ep->snd_mss, payload);
    return payload == 0 ? tcpip_tcp_sack_room(ep->options_bytes)
                        : min_u32(tcpip_tcp_sack_room(ep->options_bytes), sat_sub_u32(spare, 4) / 8);
}

/* The option of AccECN gives way to two SACK blocks, not to more (RFC 9768 3.2.3.3); data that fill their segment, and
 * those that were sent before, leave it to the next ACK. Returns how many of `blocks` still fit. */
static uint32_t tcp_fit_accecn(struct tcp_endpoint *ep, uint32_t payload, bool fresh, uint32_t blocks,
                               struct ecn_counters *out)
{
    uint32_t sack_bytes = blocks > 0 ? 4 + 8 * min_u32(blocks, 2) : 0;
    uint32_t room = sat_sub_u32(TCPIP_TCP_OPTIONS_MAX - ep->options_bytes, sack_bytes);
    if (payload > 0)
        room = fresh ? min_u32(room, sat_sub_u32(ep->snd_mss, payload + sack_bytes)) : 0;
    uint32_t bytes = tcpip__ecn_option(&ep->ecn, payload == 0, room, out);
    return bytes > 0 ? min_u32(blocks, sat_sub_u32(TCPIP_TCP_OPTIONS_MAX - ep->options_bytes - bytes, 4) / 8) : blocks;
}

/* Is there nothing to say in options but timestamps? */
static bool tcp_says_little(const struct tcp_endpoint *ep)
{
    bool sack = ep->sack_on && ep->hot != NULL && reassembly_tells(&ep->hot->reassembly);
    return likely(ep->signature == NULL && ep->ecn.mode != ECN_ACCURATE && !sack);
}

/* Options of a segment outside the handshake that says more: signature, timestamps, SACK, AccECN. fresh: data never
 * sent before. */
static size_t tcp_write_options(struct tcp_endpoint *ep, uint32_t payload, bool fresh, const struct signing *signing,
                                uint8_t *out)
{
    tcpip_ns now = stack_now(ep->base->stack);
    struct sack_range ranges[REASSEMBLY_SACK_BLOCKS] = {0};
    struct tcpip_tcp_options options;
    uint32_t blocks = 0;
    struct ecn_counters counters = {.count = 0};
    if (ep->sack_on && ep->hot != NULL && reassembly_tells(&ep->hot->reassembly))
        blocks =
            tcpip__reassembly_sack_blocks(&ep->hot->reassembly, ep->rcv_nxt, ranges, tcp_sack_blocks_max(ep, payload));
    if (ep->ecn.mode == ECN_ACCURATE)
        blocks = tcp_fit_accecn(ep, payload, fresh, blocks, &counters);
    options.present = (blocks > 0 ? TCPIP_TCP_HAS_SACK : 0) | (counters.count > 0 ? TCPIP_TCP_HAS_ACCECN : 0);
    options.accecn_kind = counters.kind;
    options.accecn_count = counters.count & 3u;
    memcpy(options.accecn, counters.value, sizeof(options.accecn));
    if (signing != NULL)
        signature_reserve(signing, &options);
    if (ep->ts_on) {
        options.present |= TCPIP_TCP_HAS_TIMESTAMPS;
        options.ts_val = timestamp_clock(now, ep->ts_offset);
        options.ts_ecr = ep->ts_recent;
    }
    options.sack_count = (uint8_t)blocks;
    for (uint32_t i = 0; i < blocks; i++) {
        options.sack[i].start = ranges[i].left.v;
        options.sack[i].end = ranges[i].right.v;
    }
    return tcpip_tcp_options_emit(out, &options);
}

/* Room for the header in front of the packet's payload; its options are left to be written behind it. */
static always_inline uint8_t *tcp_push_header(struct tcpip_packet *packet, const struct tcpip_tcp_fields *fields)
{
    uint8_t *header = tcpip_packet_push(packet, fields->header_bytes);
    ASSERT(header != NULL); /* the room is sized for it */
    tcpip_tcp_encode(header, fields);
    return header;
}

/* The header is whole but for the checksum, which is partial. */
static always_inline void tcp_seal_header(struct tcpip_packet *packet, uint8_t *header, const struct flow *flow,
                                          uint32_t header_bytes)
{
    uint16_t sum =
        likely(address_is_v4(flow->remote))
            ? checksum_word_pseudo_v4(flow->local + 12, flow->remote + 12, TCPIP_PROTOCOL_TCP, (uint16_t)packet->length)
            : tcpip_checksum_pseudo_v6(flow->local, flow->remote, TCPIP_PROTOCOL_TCP, packet->length);
    tcpip_tcp_set_checksum(header, sum);
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = 0;
    packet->checksum_offset = TCPIP_TCP_CHECKSUM_OFFSET;
    packet->transport_offset = 0;
    packet->payload_offset = (uint16_t)header_bytes;
}

/* The ECN field isn't the application's (as Linux). */
static uint8_t tcp_tos(int64_t option, enum ecn_point point)
{
    return (uint8_t)((option & 0xfc) | point);
}

/* The window field; notes what it says. */
static always_inline uint16_t tcp_window_field(struct tcp_endpoint *ep, uint16_t flags)
{
    uint32_t window = 0;
    if (likely((flags & TCPIP_TCP_RST) == 0)) {
        window = tcpip__receive_window_advertise(&ep->receive_window, ep->rcv_nxt, tcp_receive_taken(ep), ep->rcv_mss,
                                                 false) >>
                 ep->receive_window.scale;
        if (window == 0 && !ep->zero_advertised)
            tcp_stats(ep)->zero_window_advertised++; /* the closing is counted, not the packets that repeat it */
    }
    ep->zero_advertised = window == 0;
    return (uint16_t)min_u32(window, 65535);
}

/* To the network protocol, as the endpoint's options say. Takes the packet; false: it is gone. */
static always_inline bool tcp_send_ip(struct tcp_endpoint *ep, struct tcpip_packet *packet, bool fresh)
{
    int64_t discovery = tcp_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY);
    struct tcpip_network_output how = {
        .local = ep->demux->flow.local,
        .remote = ep->demux->flow.remote,
        .transport = TCPIP_PROTOCOL_TCP,
        .ttl = (uint8_t)tcp_option(ep, TCPIP_OPTION_TTL),
        .tos = tcp_tos(tcp_option(ep, TCPIP_OPTION_TOS), ecn_point_out(&ep->ecn, fresh)),
        .dont_fragment = tcp_mode_forbids_fragments(ep, discovery),
        .whole_route = ep->search != NULL || tcp_mode_is_whole_route(discovery), /* a probe, too */
    };
    return likely(tcpip__route_output(&ep->route, packet, &how) == TCPIP_OK);
}

static always_inline bool tcp_send_packet(struct tcp_endpoint *ep, struct tcpip_packet *packet, seqnum seq,
                                          uint16_t flags)
{
    struct tcpip_stack *stack = ep->base->stack;
    const struct flow *flow = &ep->demux->flow;
    uint8_t options[TCPIP_TCP_OPTIONS_MAX];
    struct signing own;
    const struct signing *signing = NULL;
    uint32_t payload = packet->length, options_bytes;
    bool fresh = payload > 0 && seq_geq(seq, ep->snd_nxt), little = tcp_says_little(ep);
    if (little) {
        options_bytes = ep->ts_on ? TCPIP_TCP_TIMESTAMPS_BYTES : 0;
    } else {
        signing = tcp_signs(ep) && tcpip__tcp_signing(ep, seq, flags, &own) ? &own : NULL;
        options_bytes = (uint32_t)tcp_write_options(ep, payload, fresh, signing, options);
    }
    uint32_t mss = ep->snd_mss + ep->options_bytes - options_bytes; /* SACK blocks take from the payload */
    uint32_t segments = 1;
    if (payload > mss) {
        segments = (payload + mss - 1) / mss;
        packet->gso = tcp_is_v4(ep) ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6;
        packet->gso_size = (uint16_t)mss;
        packet->gso_segments = (uint16_t)segments;
    }
    struct tcpip_tcp_fields fields = {
        .source_port = flow->local_port,
        .destination_port = flow->remote_port,
        .sequence = seq.v,
        .acknowledgment = (flags & TCPIP_TCP_ACK) != 0 ? ep->rcv_nxt.v : 0,
        .flags = flags,
        .header_bytes = (uint8_t)(TCPIP_TCP_HEADER_MIN + options_bytes),
        .window = tcp_window_field(ep, flags),
    };
    bool cwr = ep->ecn.cwr;
    if (ep->ecn.mode != ECN_OFF && (flags & TCPIP_TCP_RST) == 0)
        fields.flags |= tcpip__ecn_flags(&ep->ecn, payload == 0, fresh);
    if (unlikely(ep->urgent != NULL)) {
        struct tcpip_tcp_fields marked = fields; /* so that only here it must lie in memory */
        tcpip__tcp_urgent_output(ep, seq, &marked);
        fields = marked;
    }
    uint8_t *header = tcp_push_header(packet, &fields);
    if (!little)
        memcpy(header + TCPIP_TCP_HEADER_MIN, options, options_bytes);
    else if (ep->ts_on)
        tcpip_tcp_timestamps_emit(header + TCPIP_TCP_HEADER_MIN, timestamp_clock(stack_now(stack), ep->ts_offset),
                                  ep->ts_recent);
    if (unlikely(signing != NULL))
        tcpip__tcp_sign(signing, flow, packet, fields.header_bytes);
    tcp_seal_header(packet, header, flow, fields.header_bytes);
    packet->mark = (uint32_t)tcp_option(ep, TCPIP_OPTION_MARK);
    ep->segments_out += segments;
    stack->stats.tcp.segments_sent += segments;
    if (!tcp_send_ip(ep, packet, fresh)) {
        stack->stats.tcp.segment_send_errors++;
        ep->ecn.cwr = cwr; /* still owed */
        return false;
    }
    if ((flags & TCPIP_TCP_ACK) != 0) {
        tcpip__ack_policy_on_ack_sent(&ep->ack_policy, payload > 0);
        tcpip__tcp_timers_on_ack_sent(ep);
        ep->last_ack_sent = ep->rcv_nxt;
        ep->ack_now = false;
    }
    return true;
}

bool tcpip__tcp_output_data(struct tcp_endpoint *ep, seqnum seq, uint32_t *length, uint16_t flags)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct tcpip_packet *packet = tcpip_packet_new(stack);
    if (packet == NULL)
        return false;
    uint32_t offset = seq_size(ep->snd_una, seq);
    uint32_t wanted = *length, count = 0;
    if (tcp_signs(ep)) /* each segment by itself: nothing below could sign what it cuts */
        *length = min_u32(wanted, ep->snd_mss);
    if (wanted > 0) {
        *length = send_queue_gather(&ep->send_queue, offset, *length, packet->views, TCPIP_PACKET_VIEWS, &count);
        packet->view_count = (uint8_t)count;
        packet->length = *length;
    }
    if (*length < wanted)
        flags &= (uint16_t)~TCPIP_TCP_FIN;
    /* Whoever reads at the other end may as well be told now: nothing more is there to come, unless the writer said
     * otherwise; or a record is over. And what merges segments there (GRO) needn't wait for more behind the last of
     * several. */
    uint32_t rest = ep->send_queue.bytes - offset;
    bool end =
        rest == *length ? *length > ep->more_bytes : tcpip__send_queue_record(&ep->send_queue, offset, rest) == *length;
    if (end || *length > ep->snd_mss)
        flags |= TCPIP_TCP_PSH;
    if (*length == 0)
        flags &= (uint16_t)~TCPIP_TCP_PSH;
    uint32_t sent = *length;
    EVENT(stack, TCP_SEND, ep->base->id, seq.v - ep->iss.v, sent, flags, seq_lt(seq, ep->snd_nxt));
    if (!tcp_send_packet(ep, packet, seq, flags | TCPIP_TCP_ACK))
        return false;
    uint32_t segments = sent <= ep->snd_mss ? sent > 0 : (sent + ep->snd_mss - 1) / ep->snd_mss;
    ep->data_segments_out += segments;
    ep->bytes_sent += sent;
    tcp_stats(ep)->bytes_sent += sent;
    ep->last_send_at = stack_now(stack);
    return true;
}

void tcpip__tcp_output_control(struct tcp_endpoint *ep, seqnum seq, uint16_t flags)
{
    if (!tcpip__tcp_route(ep))
        return;
    struct tcpip_packet *packet = tcpip_packet_new(ep->base->stack);
    if (packet == NULL)
        return; /* an ACK or a reset that gets lost: the peer asks again */
    if ((flags & TCPIP_TCP_RST) != 0)
        tcp_stats(ep)->resets_sent++;
    (void)tcp_send_packet(ep, packet, seq, flags);
}

void tcpip__tcp_output_ack(struct tcp_endpoint *ep)
{
    /* The SYN's data, if the server didn't take them and they haven't gone again, were never sent: an ACK from behind
     * them would show a server that keeps nothing but a SYN cookie a number that isn't the cookie's. */
    bool taken_back = ep->fast_open_fail != TCPIP_FAST_OPEN_FAIL_NONE && ep->hot != NULL &&
                      ep->hot->board.lost_bytes > 0 && seq_eq(ep->snd_una, seq_add(ep->iss, 1));
    tcpip__tcp_output_control(ep, taken_back ? ep->snd_una : ep->snd_nxt, TCPIP_TCP_ACK);
}

enum tcpip_error tcpip__tcp_output_bare(struct tcpip_stack *stack, struct tcpip_route *route,
                                        const struct tcp_bare_segment *bare)
{
    struct tcpip_packet *packet = tcpip_packet_new(stack);
    if (packet == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (bare->data != NULL) {
        uint32_t count = 0;
        packet->length +=
            tcpip__send_queue_gather(bare->data, 0, bare->data_bytes, packet->views, TCPIP_PACKET_VIEWS, &count);
        packet->view_count = (uint8_t)count;
    }
    struct tcpip_tcp_fields fields = {
        .source_port = bare->flow->local_port,
        .destination_port = bare->flow->remote_port,
        .sequence = bare->seq.v,
        .acknowledgment = bare->ack.v,
        .flags = bare->flags,
        .header_bytes = (uint8_t)(TCPIP_TCP_HEADER_MIN + bare->options_bytes),
        .window = bare->window,
    };
    uint8_t *header = tcp_push_header(packet, &fields);
    if (bare->options_bytes > 0)
        memcpy(header + TCPIP_TCP_HEADER_MIN, bare->options, bare->options_bytes);
    if (unlikely(bare->signing != NULL))
        tcpip__tcp_sign(bare->signing, bare->flow, packet, fields.header_bytes);
    tcp_seal_header(packet, header, bare->flow, fields.header_bytes);
    stack->stats.tcp.segments_sent++;
    if ((bare->flags & TCPIP_TCP_RST) != 0)
        stack->stats.tcp.resets_sent++;
    struct tcpip_network_output how = {
        .local = bare->flow->local,
        .remote = bare->flow->remote,
        .transport = TCPIP_PROTOCOL_TCP,
        .ttl = bare->ttl,
        .tos = tcp_tos(bare->tos, POINT_NOT_ECT),
        .dont_fragment = true,
    };
    enum tcpip_error error = tcpip__route_output(route, packet, &how);
    if (error != TCPIP_OK)
        stack->stats.tcp.segment_send_errors++;
    return error;
}
