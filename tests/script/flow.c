// SPDX-License-Identifier: MIT
/* flow.c: from a script's packet to one on the wire, and the comparison with what the stack sent.
 *
 * Invariants: a flow's offsets, once known, never change: a retransmitted SYN with another sequence number, or a
 *             timestamp clock that jumps, is a difference.
 * Not here:   printing (flow_print.c), when packets come (run.c). */
#include "flow.h"

#include "icmp_kind.h"
#include "sign.h"

#include <tcpip/header/udp.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INBOUND_TTL = 64, QUOTE_BYTES = 8 };

/* ---- options ---- */

/* Numbers of ours in an option: timestamps and blocks that we send, or that the peer echoes. */
struct option_offsets {
    uint32_t value, echo, sack;
    const struct ends *ends; /* for cookies */
};

const struct fast_open_keys script_fast_open_keys = {
    .key = {{0xa1, 0xa1, 0xa1, 0xa1, 0xb2, 0xb2, 0xb2, 0xb2, 0xc3, 0xc3, 0xc3, 0xc3, 0xd4, 0xd4, 0xd4, 0xd4}},
    .count = 2,
};

static void build_cookie(uint8_t *out, unsigned number, const struct ends *ends)
{
    struct fast_open_keys keys = {.count = 1};
    struct fast_open_cookie cookie;
    uint8_t client[16] = {[10] = 0xff, [11] = 0xff}, server[16] = {[10] = 0xff, [11] = 0xff};
    size_t skip = ends->v6 ? 0 : 12;
    memcpy(keys.key[0], script_fast_open_keys.key[number - 1], sizeof keys.key[0]);
    memcpy(client + skip, ends->remote, 16 - skip);
    memcpy(server + skip, ends->local, 16 - skip);
    tcpip__fast_open_cookie_make(&keys, client, server, !ends->v6, &cookie);
    memcpy(out, cookie.bytes, cookie.size);
}

static size_t build_option(uint8_t *out, const struct option_spec *option, const struct option_offsets *offsets)
{
    static const uint8_t kinds[][2] = {{2, 4}, {3, 3}, {4, 2}, {5, 2}, {8, 10}, {1, 1}, {0, 1}};
    if (option->kind == OPTION_RAW) {
        memcpy(out, option->raw, option->count);
        if (option->cookie != 0)
            build_cookie(out + option->count - FAST_OPEN_COOKIE_BYTES, option->cookie, offsets->ends);
        return option->count;
    }
    if (option->kind == OPTION_MD5 || option->kind == OPTION_AO) { /* the code is put in when the packet is whole */
        bool ao = option->kind == OPTION_AO;
        size_t bytes = ao ? 16 : TCPIP_TCP_MD5_BYTES;
        memset(out, 0, bytes);
        out[0] = ao ? TCPIP_TCP_OPTION_AO : TCPIP_TCP_OPTION_MD5;
        out[1] = (uint8_t)bytes;
        if (ao) {
            out[2] = (uint8_t)option->value;
            out[3] = (uint8_t)option->echo;
        }
        return bytes;
    }
    out[0] = kinds[option->kind][0];
    size_t size = kinds[option->kind][1];
    if (size > 1)
        out[1] = (uint8_t)size;
    if (option->kind == OPTION_MSS) {
        tcpip_store_u16(out + 2, (uint16_t)option->value);
    } else if (option->kind == OPTION_WSCALE) {
        out[2] = (uint8_t)option->value;
    } else if (option->kind == OPTION_TS) {
        tcpip_store_u32(out + 2, option->value + offsets->value);
        tcpip_store_u32(out + 6, option->echo + offsets->echo);
    } else if (option->kind == OPTION_SACK) {
        for (unsigned i = 0; i < option->count; i++) {
            tcpip_store_u32(out + size, option->sack[i][0] + offsets->sack);
            tcpip_store_u32(out + size + 4, option->sack[i][1] + offsets->sack);
            size += 8;
        }
        out[1] = (uint8_t)size;
    }
    return size;
}

/* All options of a packet; an asterisk takes what `like` has in its place. At most OPTION_BYTES_MAX. */
static size_t build_options(uint8_t *out, const struct packet_spec *spec, const struct option_offsets *offsets,
                            const uint8_t *like, size_t like_bytes)
{
    uint8_t all[sizeof spec->options / sizeof spec->options[0] * OPTION_BYTES_MAX];
    size_t size = 0;
    for (unsigned i = 0; i < spec->option_count; i++) {
        const struct option_spec *option = &spec->options[i];
        size_t at = size;
        size += build_option(all + at, option, offsets);
        if (option->kind == OPTION_TS && at + 10 <= like_bytes) {
            if (option->any_value)
                memcpy(all + at + 2, like + at + 2, 4);
            if (option->any_echo)
                memcpy(all + at + 6, like + at + 6, 4);
        }
    }
    if (size > OPTION_BYTES_MAX)
        size = OPTION_BYTES_MAX;
    memcpy(out, all, size);
    return size;
}

/* ---- what the peer sends ---- */

static struct wire_ip inbound_ip(const struct ends *ends, const struct packet_spec *spec)
{
    struct wire_ip ip = {
        .v6 = ends->v6,
        .source = ends->remote,
        .destination = ends->local,
        .tos = (uint8_t)((spec->tos < 0 ? 0 : spec->tos) | (spec->ecn < 0 ? 0 : spec->ecn)),
        .ttl = (uint8_t)(spec->ttl < 0 ? INBOUND_TTL : spec->ttl),
        .dont_fragment = spec->dont_fragment == 1,
    };
    return ip;
}

static size_t inbound_tcp(struct flow *flow, const struct ends *ends, const struct packet_spec *spec, uint8_t *out)
{
    static uint8_t payload[65536];
    uint8_t options[OPTION_BYTES_MAX];
    struct wire_ip ip = inbound_ip(ends, spec);
    if (spec->has_window)
        flow->remote_window = spec->window;
    if ((spec->flags & TCPIP_TCP_SYN) != 0 && !flow->remote_started) {
        flow->remote_started = true;
        flow->remote_start = spec->sequence;
    }
    bool ack = (spec->flags & TCPIP_TCP_ACK) != 0;
    struct tcpip_tcp_fields fields = {
        .source_port = flow->remote_port,
        .destination_port = flow->local_port,
        .sequence = spec->sequence + flow->remote_offset,
        .acknowledgment = ack ? spec->ack + flow->local_offset : 0,
        .flags = spec->flags,
        .window = flow->remote_window,
        .urgent = spec->urgent,
    };
    struct option_offsets offsets = {
        .value = flow->remote_ts_offset,
        .echo = ack ? flow->local_ts_offset : 0,
        .sack = flow->local_offset,
        .ends = ends,
    };
    size_t option_bytes = build_options(options, spec, &offsets, NULL, 0);
    uint32_t syn = (spec->flags & TCPIP_TCP_SYN) != 0;
    payload_fill(payload, spec->length, true, spec->sequence + syn - flow->remote_start - 1);
    sign_options(flow, ends, spec, true, &fields, options, option_bytes, payload, spec->length);
    return wire_build_tcp(out, &ip, &fields, options, option_bytes, payload, spec->length);
}

/* The front of a packet of ours, as a router quotes it: the IP header and 8 bytes. */
static size_t build_quote(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                          uint8_t *out)
{
    static uint8_t packet[WIRE_BYTES_MAX];
    static const uint8_t payload[65536];
    struct wire_ip ip = {.v6 = ends->v6,
                         .source = ends->local,
                         .destination = ends->remote,
                         .ttl = INBOUND_TTL - 1,
                         .dont_fragment = true};
    struct tcpip_tcp_fields fields = {
        .source_port = flow->local_port,
        .destination_port = flow->remote_port,
        .sequence = spec->quote_sequence + flow->local_offset,
        .flags = TCPIP_TCP_ACK,
    };
    if (spec->quote_udp)
        wire_build_udp(packet, &ip, flow->local_port, flow->remote_port, payload, spec->quote_length);
    else
        wire_build_tcp(packet, &ip, &fields, payload, 0, payload, spec->quote_length);
    size_t size = (size_t)(ip.v6 ? 40 : 20) + QUOTE_BYTES;
    memcpy(out, packet, size);
    return size;
}

static size_t inbound_icmp(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                           uint8_t *out)
{
    static uint8_t body[65536];
    struct wire_ip ip = inbound_ip(ends, spec);
    uint8_t type = ends->v6 ? spec->icmp->v6_type : spec->icmp->v4_type;
    uint8_t code = ends->v6 ? spec->icmp->v6_code : spec->icmp->v4_code;
    if (icmp_kind_is_echo(spec->icmp)) {
        payload_fill(body, spec->length, true, 0);
        return wire_build_icmp(out, &ip, type, code, (uint32_t)spec->id << 16 | spec->echo_sequence, body,
                               spec->length);
    }
    size_t size = spec->has_quote ? build_quote(flow, ends, spec, body) : 0;
    return wire_build_icmp(out, &ip, type, code, spec->icmp->has_mtu ? spec->mtu : 0, body, size);
}

size_t flow_build_inbound(struct flow *flow, const struct ends *ends, const struct packet_spec *spec, uint8_t *out)
{
    static uint8_t payload[65536];
    size_t size;
    if (spec->kind == PACKET_TCP) {
        size = inbound_tcp(flow, ends, spec, out);
    } else if (spec->kind == PACKET_ICMP) {
        size = inbound_icmp(flow, ends, spec, out);
    } else {
        struct wire_ip ip = inbound_ip(ends, spec);
        payload_fill(payload, spec->length, true, 0);
        size = wire_build_udp(out, &ip, flow->remote_port, flow->local_port, payload, spec->length);
    }
    if (spec->bad_checksum)
        wire_spoil(out, size);
    return size;
}

/* ---- what the stack sent ---- */

bool flow_owns(const struct flow *flow, const struct wire_view *view, bool local)
{
    return flow->bound && (local ? view->source_port : view->destination_port) == flow->local_port &&
           (local ? view->destination_port : view->source_port) == flow->remote_port;
}

static bool differs(char *why, const char *what, uint32_t expected, uint32_t actual)
{
    if (expected == actual)
        return false;
    snprintf(why, 256, "%s is %" PRIu32 ", not %" PRIu32, what, actual, expected);
    return true;
}

static bool differs_ip(const struct ends *ends, const struct packet_spec *spec, const struct wire_view *view, char *why)
{
    size_t address_bytes = ends->v6 ? 16 : 4;
    if (view->ip.v6 != ends->v6 || memcmp(view->ip.source, ends->local, address_bytes) != 0 ||
        memcmp(view->ip.destination, ends->remote, address_bytes) != 0) {
        snprintf(why, 256, "it goes between other addresses");
        return true;
    }
    return (spec->ecn >= 0 && differs(why, "ECN field", (uint32_t)spec->ecn, view->ip.tos & 3u)) ||
           (spec->tos >= 0 && differs(why, "TOS", (uint32_t)spec->tos, view->ip.tos & 0xfcu)) ||
           (spec->ttl >= 0 && differs(why, "TTL", (uint32_t)spec->ttl, view->ip.ttl)) ||
           (spec->dont_fragment >= 0 && !ends->v6 &&
            differs(why, "DF", (uint32_t)spec->dont_fragment, view->ip.dont_fragment));
}

static bool differs_ports(struct flow *flow, const struct wire_view *view, char *why)
{
    if (!flow->bound) {
        flow->bound = true;
        flow->local_port = view->source_port;
        flow->remote_port = view->destination_port;
    }
    return differs(why, "source port", flow->local_port, view->source_port) ||
           differs(why, "destination port", flow->remote_port, view->destination_port);
}

/* The first timestamp of ours says where the script's begin. */
static void learn_timestamp(struct flow *flow, const struct packet_spec *spec, const struct tcpip_tcp_options *actual)
{
    for (unsigned i = 0; i < spec->option_count && !flow->local_ts_known; i++) {
        const struct option_spec *option = &spec->options[i];
        if (option->kind == OPTION_TS && !option->any_value && (actual->present & TCPIP_TCP_HAS_TIMESTAMPS) != 0) {
            flow->local_ts_known = true;
            flow->local_ts_offset = actual->ts_val - option->value;
        }
    }
}

static struct option_offsets outbound_offsets(const struct flow *flow, const struct ends *ends,
                                              const struct packet_spec *spec)
{
    struct option_offsets offsets = {
        .value = flow->local_ts_offset,
        .echo = (spec->flags & TCPIP_TCP_ACK) != 0 ? flow->remote_ts_offset : 0,
        .sack = flow->remote_offset,
        .ends = ends,
    };
    return offsets;
}

static bool differs_options(struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                            const struct wire_view *view, char *why)
{
    if (spec->any_options)
        return false;
    const uint8_t *actual = view->upper + TCPIP_TCP_HEADER_MIN;
    size_t actual_bytes = view->tcp.header_bytes - TCPIP_TCP_HEADER_MIN;
    struct tcpip_tcp_options parsed;
    if (!tcpip_tcp_options_parse(view->upper, view->tcp.header_bytes, &parsed)) {
        snprintf(why, 256, "its options are malformed");
        return true;
    }
    learn_timestamp(flow, spec, &parsed);
    uint8_t expected[OPTION_BYTES_MAX];
    struct option_offsets offsets = outbound_offsets(flow, ends, spec);
    size_t expected_bytes = build_options(expected, spec, &offsets, actual, actual_bytes);
    sign_options(flow, ends, spec, false, &view->tcp, expected, expected_bytes, view->payload, view->payload_bytes);
    if (expected_bytes == actual_bytes && memcmp(expected, actual, actual_bytes) == 0)
        return false;
    snprintf(why, 256, "the options differ");
    return true;
}

static bool differs_payload(const struct wire_view *view, uint32_t position, char *why)
{
    size_t at = payload_check(view->payload, view->payload_bytes, false, position);
    if (at == view->payload_bytes)
        return false;
    snprintf(why, 256, "byte %zu of the payload is 0x%02x, not 0x%02x", at, view->payload[at],
             payload_byte(false, position + (uint32_t)at));
    return true;
}

static bool differs_sequence(struct flow *flow, const struct packet_spec *spec, const struct wire_view *view, char *why)
{
    if ((spec->flags & TCPIP_TCP_SYN) != 0 && !flow->local_known && (view->tcp.flags & TCPIP_TCP_SYN) != 0) {
        flow->local_known = true;
        flow->local_offset = view->tcp.sequence - spec->sequence;
        flow->local_start = spec->sequence;
    }
    /* A reset that answers a segment without ACK has sequence number 0 on the wire (RFC 9293 3.10.7.1). */
    bool stateless = (spec->flags & (TCPIP_TCP_RST | TCPIP_TCP_ACK)) == (TCPIP_TCP_RST | TCPIP_TCP_ACK) &&
                     spec->sequence == 0 && view->tcp.sequence == 0;
    return spec->has_sequence && !stateless &&
           differs(why, "sequence number", spec->sequence, view->tcp.sequence - flow->local_offset);
}

static bool differs_tcp(struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                        const struct wire_view *view, char *why)
{
    if (view->tcp.flags != spec->flags) {
        snprintf(why, 256, "the flags differ");
        return true;
    }
    if (differs_sequence(flow, spec, view, why) ||
        (spec->has_sequence && differs(why, "length", spec->length, (uint32_t)view->payload_bytes)) ||
        (spec->has_ack && differs(why, "ack", spec->ack, view->tcp.acknowledgment - flow->remote_offset)) ||
        (spec->has_window && differs(why, "win", spec->window, view->tcp.window)) ||
        ((spec->has_urgent || (spec->flags & TCPIP_TCP_URG) == 0) &&
         differs(why, "urg", spec->urgent, view->tcp.urgent)) ||
        differs_options(flow, ends, spec, view, why))
        return true;
    uint32_t syn = (spec->flags & TCPIP_TCP_SYN) != 0;
    return differs_payload(view, view->tcp.sequence + syn - flow->local_offset - flow->local_start - 1, why);
}

static bool differs_icmp(const struct ends *ends, const struct packet_spec *spec, const struct wire_view *view,
                         char *why)
{
    if (differs(why, "ICMP type", ends->v6 ? spec->icmp->v6_type : spec->icmp->v4_type, view->icmp_type) ||
        differs(why, "ICMP code", ends->v6 ? spec->icmp->v6_code : spec->icmp->v4_code, view->icmp_code))
        return true;
    if (!icmp_kind_is_echo(spec->icmp))
        return spec->icmp->has_mtu && differs(why, "MTU", spec->mtu, view->icmp_rest);
    if (differs(why, "id", spec->id, view->icmp_rest >> 16) ||
        differs(why, "seq", spec->echo_sequence, view->icmp_rest & 0xffff) ||
        differs(why, "length", spec->length, (uint32_t)view->payload_bytes))
        return true;
    /* An echo reply carries the bytes of the request. */
    if (payload_check(view->payload, view->payload_bytes, true, 0) == view->payload_bytes)
        return false;
    snprintf(why, 256, "the reply carries other bytes than the request");
    return true;
}

bool flow_match(struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                const struct wire_view *view, char *why)
{
    if (view->kind != spec->kind) {
        snprintf(why, 256, "it is of another protocol");
        return false;
    }
    if (differs_ip(ends, spec, view, why))
        return false;
    if (spec->kind == PACKET_ICMP)
        return !differs_icmp(ends, spec, view, why);
    if (differs_ports(flow, view, why))
        return false;
    if (spec->kind == PACKET_TCP)
        return !differs_tcp(flow, ends, spec, view, why);
    return !differs(why, "length", spec->length, (uint32_t)view->payload_bytes) && !differs_payload(view, 0, why);
}

size_t flow_build_expected(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                           const struct wire_view *like, uint8_t *out)
{
    static const uint8_t payload[65536];
    struct wire_ip ip = like->ip;
    ip.v6 = ends->v6;
    ip.source = ends->local;
    ip.destination = ends->remote;
    if (spec->kind == PACKET_UDP)
        return wire_build_udp(out, &ip, flow->local_port, flow->remote_port, payload, spec->length);
    if (spec->kind == PACKET_ICMP)
        return wire_build_icmp(out, &ip, ends->v6 ? spec->icmp->v6_type : spec->icmp->v4_type,
                               ends->v6 ? spec->icmp->v6_code : spec->icmp->v4_code, spec->mtu, payload, spec->length);
    const struct tcpip_tcp_fields *tcp = &like->tcp;
    struct tcpip_tcp_fields fields = {
        .source_port = flow->local_port,
        .destination_port = flow->remote_port,
        .sequence = spec->has_sequence ? spec->sequence + flow->local_offset : tcp->sequence,
        .acknowledgment = spec->has_ack ? spec->ack + flow->remote_offset : tcp->acknowledgment,
        .flags = spec->flags,
        .window = spec->has_window ? spec->window : tcp->window,
        .urgent = spec->urgent,
    };
    uint8_t options[OPTION_BYTES_MAX];
    const uint8_t *like_options = like->upper + TCPIP_TCP_HEADER_MIN;
    size_t like_bytes = like->kind == PACKET_TCP ? tcp->header_bytes - TCPIP_TCP_HEADER_MIN : 0;
    struct option_offsets offsets = outbound_offsets(flow, ends, spec);
    size_t option_bytes =
        spec->any_options ? like_bytes : build_options(options, spec, &offsets, like_options, like_bytes);
    if (spec->any_options)
        memcpy(options, like_options, like_bytes);
    return wire_build_tcp(out, &ip, &fields, options, option_bytes, payload, spec->length);
}
