// SPDX-License-Identifier: MIT
/* tcp_peer.c: the other end of a connection, played by hand.
 *
 * Owns:     struct tcp_peer.
 * Not here: two whole stacks (pair.c). */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/header/checksum.h>

static const uint8_t peer_us[4] = {10, 0, 0, 1}, peer_them[4] = {10, 0, 0, 2};
static const struct tcpip_network_protocol *const peer_network[] = {&tcpip_ipv4, &tcpip_ipv6, NULL};
static const struct tcpip_transport_protocol *const peer_transport[] = {&tcpip_tcp, &tcpip_icmpv4, NULL};
static const struct tcpip_protocols peer_protocols = {peer_network, peer_transport};

static void peer_trace(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    (void)tcpip_event_print(event, line, sizeof(line));
    printf("# %s\n", line);
}

void peer_init(struct tcp_peer *peer, const struct tcpip_limits *limits)
{
    struct tcpip_channel_options channel = {.size = sizeof(channel), .queue_packets = 4096};
    struct tcpip_prefix prefix;
    struct tcpip_route_entry route = {.nic = 1};
    memset(peer, 0, sizeof(*peer));
    test_env_init(&peer->world, 1);
    if (getenv("TEST_TRACE") != NULL)
        peer->world.env.trace = peer_trace;
    peer->link = tcpip_channel_new(&peer->world.env, &channel);
    assert_non_null(peer->link);
    assert_int_equal(tcpip_stack_new(&peer->world.env, limits, &peer_protocols, &peer->stack), TCPIP_OK);
    assert_int_equal(tcpip_stack_create_nic(peer->stack, 1, peer->link, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("10.0.0.1/24", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(peer->stack, 1, &prefix, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("0.0.0.0/0", &route.destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_route_table(peer->stack, &route, 1, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    peer->us_port = PEER_US_PORT;
    peer->peer_port = PEER_PORT;
}

void peer_fini(struct tcp_peer *peer)
{
    (void)peer_discard(peer);
    tcpip_stack_free(peer->stack);
    tcpip_channel_free(peer->link);
    test_env_fini(&peer->world);
}

void peer_run(struct tcp_peer *peer, tcpip_ns duration)
{
    tcpip_ns end = peer->world.now + duration;
    for (int i = 0; tcpip_stack_deadline(peer->stack) <= end; i++) {
        assert_true(i < 10000000);
        tcpip_ns next = tcpip_stack_deadline(peer->stack);
        peer->world.now = next > peer->world.now ? next : peer->world.now;
        (void)tcpip_stack_advance(peer->stack, 0);
    }
    peer->world.now = end;
}

static void peer_ip(uint8_t *out, size_t size, uint8_t protocol, const uint8_t *from, const uint8_t *to)
{
    memset(out, 0, 20);
    out[0] = 0x45;
    tcpip_store_u16(out + 2, (uint16_t)size);
    out[8] = 64;
    out[9] = protocol;
    memcpy(out + 12, from, 4);
    memcpy(out + 16, to, 4);
    tcpip_store_u16(out + 10, tcpip_checksum_finish(tcpip_checksum(out, 20, 0)));
}

static void peer_buffer_back(void *ctx, struct tcpip_buffer *buffer)
{
    struct tcp_peer *peer = ctx;
    peer->lent--;
    free(buffer->data);
}

static void peer_inject_lent(struct tcp_peer *peer, const uint8_t *bytes, size_t size)
{
    struct tcpip_packet *packet = tcpip_packet_new(peer->stack);
    uint8_t *memory = malloc(size);
    assert_true(packet != NULL && memory != NULL);
    memcpy(memory, bytes, size);
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(peer->stack, memory, size, peer_buffer_back, peer);
    assert_non_null(buffer);
    tcpip_buffer_set_lent(buffer);
    peer->lent++;
    assert_true(tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, (uint32_t)size}));
    packet->link_protocol = 0x0800;
    tcpip_channel_inject(peer->link, packet);
}

void peer_send(struct tcp_peer *peer, const struct peer_segment *segment)
{
    static uint8_t packet[PEER_BYTES_MAX];
    uint8_t options[TCPIP_TCP_OPTIONS_MAX];
    size_t options_bytes = segment->options.present != 0 ? tcpip_tcp_options_emit(options, &segment->options) : 0;
    size_t header_bytes = TCPIP_TCP_HEADER_MIN + options_bytes, tcp_bytes = header_bytes + segment->bytes;
    struct tcpip_tcp_fields fields = {
        .source_port = segment->from != 0 ? segment->from : peer->peer_port,
        .destination_port = segment->to != 0 ? segment->to : peer->us_port,
        .sequence = segment->seq,
        .acknowledgment = segment->ack,
        .flags = segment->flags,
        .header_bytes = (uint8_t)header_bytes,
        .window = segment->zero_window   ? 0
                  : segment->window != 0 ? segment->window
                                         : 65535,
    };
    peer_ip(packet, 20 + tcp_bytes, TCPIP_PROTOCOL_TCP, peer_them, peer_us);
    tcpip_tcp_encode(packet + 20, &fields);
    memcpy(packet + 20 + TCPIP_TCP_HEADER_MIN, options, options_bytes);
    memset(packet + 20 + header_bytes, 0, segment->bytes);
    uint16_t pseudo = tcpip_checksum_pseudo(peer_them, peer_us, 4, TCPIP_PROTOCOL_TCP, (uint32_t)tcp_bytes);
    tcpip_tcp_set_checksum(packet + 20, tcpip_checksum_finish(tcpip_checksum(packet + 20, tcp_bytes, pseudo)));
    if (peer->lends) {
        peer_inject_lent(peer, packet, 20 + tcp_bytes);
        peer_run(peer, 0);
        return;
    }
    enum tcpip_error error = tcpip_channel_inject_bytes(peer->link, packet, 20 + tcp_bytes);
    assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_MEMORY);
    if (!peer->in_turn)
        peer_run(peer, 0);
}

bool peer_take(struct tcp_peer *peer)
{
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(peer->link)) != NULL) {
        peer->size = packet->length;
        assert_true(peer->size <= sizeof(peer->bytes));
        assert_int_equal(tcpip_packet_copy_out(packet, 0, peer->bytes, packet->length), packet->length);
        tcpip_packet_free(packet);
        if (peer->bytes[9] != TCPIP_PROTOCOL_TCP)
            continue;
        const uint8_t *header = peer->bytes + 20;
        size_t header_bytes;
        assert_true(tcpip_tcp_header_check(header, peer->size - 20, &header_bytes));
        tcpip_tcp_decode(header, &peer->seen.fields);
        assert_true(tcpip_tcp_options_parse(header, header_bytes, &peer->seen.options));
        peer->seen.bytes = (uint32_t)(peer->size - 20 - header_bytes);
        return true;
    }
    return false;
}

void peer_expect(struct tcp_peer *peer, uint16_t flags)
{
    assert_true(peer_take(peer));
    assert_int_equal(peer->seen.fields.flags, flags);
}

void peer_expect_nothing(struct tcp_peer *peer)
{
    if (peer_take(peer))
        fail_msg("a segment: flags %#x, %u bytes", peer->seen.fields.flags, peer->seen.bytes);
}

uint32_t peer_discard(struct tcp_peer *peer)
{
    uint32_t count = 0;
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(peer->link)) != NULL) {
        tcpip_packet_free(packet);
        count++;
    }
    return count;
}

void peer_icmp(struct tcp_peer *peer, uint8_t type, uint8_t code, uint16_t mtu, uint32_t quoted_seq)
{
    uint8_t packet[20 + 8 + 20 + 8] = {0};
    uint8_t *icmp = packet + 20, *quote = icmp + 8;
    icmp[0] = type;
    icmp[1] = code;
    tcpip_store_u16(icmp + 6, mtu);
    peer_ip(quote, 40, TCPIP_PROTOCOL_TCP, peer_us, peer_them);
    tcpip_store_u16(quote + 20, peer->us_port);
    tcpip_store_u16(quote + 22, peer->peer_port);
    tcpip_store_u32(quote + 24, quoted_seq);
    tcpip_store_u16(icmp + 2, tcpip_checksum_finish(tcpip_checksum(icmp, sizeof(packet) - 20, 0)));
    peer_ip(packet, sizeof(packet), TCPIP_PROTOCOL_ICMPV4, peer_them, peer_us);
    assert_int_equal(tcpip_channel_inject_bytes(peer->link, packet, sizeof(packet)), TCPIP_OK);
    peer_run(peer, 0);
}

struct tcpip_endpoint *peer_endpoint(struct tcp_peer *peer)
{
    struct tcpip_endpoint *endpoint;
    assert_int_equal(tcpip_stack_new_endpoint(peer->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &endpoint),
                     TCPIP_OK);
    return endpoint;
}

struct tcpip_endpoint *peer_listen(struct tcp_peer *peer, int backlog)
{
    struct tcpip_full_address address = {.port = PEER_US_PORT};
    struct tcpip_endpoint *listener = peer_endpoint(peer);
    assert_int_equal(tcpip_endpoint_set_option(listener, TCPIP_OPTION_REUSE_ADDRESS, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(listener, &address, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(listener, backlog), TCPIP_OK);
    return listener;
}

void peer_call(struct tcp_peer *peer, uint16_t peer_port, const struct tcpip_tcp_options *options)
{
    static const struct tcpip_tcp_options mss = {.present = TCPIP_TCP_HAS_MSS, .mss = 1460};
    struct peer_segment syn = {.flags = TCPIP_TCP_SYN, .seq = 1000, .options = options != NULL ? *options : mss};
    peer->us_port = PEER_US_PORT;
    peer->peer_port = peer_port;
    peer_send(peer, &syn);
    peer_expect(peer, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
    assert_int_equal(peer->seen.fields.acknowledgment, 1001);
    peer->seq = 1001;
    peer->ack = peer->seen.fields.sequence + 1;
    struct peer_segment ack = {.flags = TCPIP_TCP_ACK, .seq = peer->seq, .ack = peer->ack};
    if (options != NULL && (options->present & TCPIP_TCP_HAS_TIMESTAMPS) &&
        (peer->seen.options.present & TCPIP_TCP_HAS_TIMESTAMPS)) {
        ack.options.present = TCPIP_TCP_HAS_TIMESTAMPS;
        ack.options.ts_val = options->ts_val + 1;
        ack.options.ts_ecr = peer->seen.options.ts_val;
    }
    peer_send(peer, &ack);
}

struct tcpip_endpoint *peer_accepted(struct tcp_peer *peer)
{
    struct tcpip_endpoint *listener = peer_listen(peer, 4), *accepted;
    peer_call(peer, PEER_PORT, NULL);
    assert_int_equal(tcpip_endpoint_accept(listener, &accepted, NULL), TCPIP_OK);
    tcpip_endpoint_close(listener);
    peer_expect_nothing(peer);
    return accepted;
}

void peer_say(struct tcp_peer *peer, uint16_t flags, uint32_t bytes)
{
    struct peer_segment segment = {.flags = flags, .seq = peer->seq, .ack = peer->ack, .bytes = bytes};
    peer->seq += bytes + ((flags & (TCPIP_TCP_SYN | TCPIP_TCP_FIN)) != 0 ? 1 : 0);
    peer_send(peer, &segment);
}

uint32_t peer_hear(struct tcp_peer *peer)
{
    uint32_t total = 0;
    while (peer_take(peer)) {
        const struct tcpip_tcp_fields *fields = &peer->seen.fields;
        uint32_t end = fields->sequence + peer->seen.bytes + ((fields->flags & TCPIP_TCP_FIN) != 0 ? 1 : 0);
        total += peer->seen.bytes;
        if ((int32_t)(end - peer->ack) > 0)
            peer->ack = end;
    }
    return total;
}

enum tcpip_error peer_error(struct tcpip_endpoint *endpoint)
{
    int64_t value;
    assert_int_equal(tcpip_endpoint_get_option(endpoint, TCPIP_OPTION_ERROR, &value), TCPIP_OK);
    return (enum tcpip_error)value;
}

enum tcpip_tcp_state peer_state(const struct tcpip_endpoint *endpoint)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(endpoint, &info), TCPIP_OK);
    return info.state;
}
