// SPDX-License-Identifier: MIT
/* datagrams.c: helpers of the tests of datagram endpoints.
 *
 * Owns:       struct wire.
 * Invariants: what wire_udp builds is right but for what its fields say.
 * Not here:   two hosts (pair.c). */
#include "datagrams.h"

#include <tcpip/header/checksum.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/udp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct tcpip_full_address *full(const char *address, uint16_t port)
{
    static struct tcpip_full_address ring[16];
    static unsigned next;
    struct tcpip_full_address *out = &ring[next++ % 16];
    *out = (struct tcpip_full_address){.port = port};
    assert_int_equal(tcpip_address_parse(address, &out->address), TCPIP_OK);
    return out;
}

/* ---- endpoints ---- */

struct tcpip_endpoint *datagram_new(struct tcpip_stack *stack, uint32_t transport, uint32_t network)
{
    struct tcpip_endpoint *ep;
    assert_int_equal(tcpip_stack_new_endpoint(stack, transport, network, &ep), TCPIP_OK);
    return ep;
}

struct tcpip_endpoint *udp4_new(struct tcpip_stack *stack)
{
    return datagram_new(stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4);
}

struct tcpip_endpoint *udp6_new(struct tcpip_stack *stack)
{
    return datagram_new(stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6);
}

struct tcpip_endpoint *udp4_bound(struct tcpip_stack *stack, const char *address, uint16_t port)
{
    struct tcpip_endpoint *ep = udp4_new(stack);
    assert_int_equal(tcpip_endpoint_bind(ep, full(address, port), NULL, NULL), TCPIP_OK);
    return ep;
}

struct tcpip_endpoint *udp6_bound(struct tcpip_stack *stack, const char *address, uint16_t port)
{
    struct tcpip_endpoint *ep = udp6_new(stack);
    assert_int_equal(tcpip_endpoint_bind(ep, full(address, port), NULL, NULL), TCPIP_OK);
    return ep;
}

void set_option(struct tcpip_endpoint *ep, enum tcpip_option option, int64_t value)
{
    assert_int_equal(tcpip_endpoint_set_option(ep, option, value), TCPIP_OK);
}

int64_t get_option(struct tcpip_endpoint *ep, enum tcpip_option option)
{
    int64_t value;
    assert_int_equal(tcpip_endpoint_get_option(ep, option, &value), TCPIP_OK);
    return value;
}

enum tcpip_error send_text(struct tcpip_endpoint *ep, const char *text, const struct tcpip_full_address *to)
{
    size_t done;
    enum tcpip_error error = tcpip_endpoint_write(ep, text, strlen(text), 0, to, &done);
    assert_int_equal(done, error == TCPIP_OK ? strlen(text) : 0);
    return error;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

enum tcpip_error send_bytes(struct tcpip_endpoint *ep, size_t bytes, const struct tcpip_full_address *to)
{
    static uint8_t data[100000];
    size_t done;
    assert_true(bytes <= sizeof(data));
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    return tcpip_endpoint_write(ep, data, bytes, 0, to, &done);
}

enum tcpip_error expect_text(struct tcpip_endpoint *ep, const char *text)
{
    char data[256];
    size_t done;
    enum tcpip_error error = tcpip_endpoint_read(ep, data, sizeof(data), &done, NULL);
    if (error != TCPIP_OK)
        return error;
    assert_int_equal(done, strlen(text));
    assert_memory_equal(data, text, done);
    return TCPIP_OK;
}

enum tcpip_error expect_bytes(struct tcpip_endpoint *ep, size_t bytes)
{
    static uint8_t data[100000];
    size_t done;
    enum tcpip_error error = tcpip_endpoint_read(ep, data, sizeof(data), &done, NULL);
    if (error != TCPIP_OK)
        return error;
    assert_int_equal(done, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(data[i], pattern(i));
    return TCPIP_OK;
}

enum tcpip_error read_error(struct tcpip_endpoint *ep)
{
    size_t done;
    return tcpip_endpoint_read(ep, NULL, 0, &done, NULL);
}

/* ---- the wire ---- */

void wire_init(struct wire *wire, const struct tcpip_limits *limits, uint32_t queue_packets)
{
    struct tcpip_channel_options options = {.size = sizeof(options), .queue_packets = queue_packets};
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry routes[2] = {{.nic = 1}, {.nic = 1}};
    struct tcpip_prefix prefix;
    memset(wire, 0, offsetof(struct wire, out));
    test_env_init(&wire->world, 7);
    wire->link = tcpip_channel_new(&wire->world.env, &options);
    assert_non_null(wire->link);
    assert_int_equal(tcpip_stack_new(&wire->world.env, limits, &tcpip_protocols_all, &wire->stack), TCPIP_OK);
    assert_int_equal(tcpip_stack_create_nic(wire->stack, 1, wire->link, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("10.0.0.1/24", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(wire->stack, 1, &prefix, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("fd00::1/64", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(wire->stack, 1, &prefix, &properties), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("0.0.0.0/0", &routes[0].destination), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("::/0", &routes[1].destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_route_table(wire->stack, routes, 2, TCPIP_ROUTE_FIRST_MATCH), TCPIP_OK);
    while (wire_collect(wire))
        ; /* what a host says when it comes up */
}

void wire_fini(struct wire *wire)
{
    tcpip_stack_free(wire->stack);
    tcpip_channel_free(wire->link);
    test_env_fini(&wire->world);
}

void wire_inject(struct wire *wire, const uint8_t *bytes, size_t size)
{
    assert_int_equal(tcpip_channel_inject_bytes(wire->link, bytes, size), TCPIP_OK);
}

bool wire_collect(struct wire *wire)
{
    struct tcpip_packet *packet = tcpip_channel_collect(wire->link);
    if (packet == NULL)
        return false;
    wire->out_bytes = tcpip_packet_copy_out(packet, 0, wire->out, sizeof(wire->out));
    tcpip_packet_free(packet);
    return true;
}

struct tcpip_stats wire_stats(const struct wire *wire)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(wire->stack, &stats);
    return stats;
}

uint64_t wire_drops(const struct wire *wire, enum tcpip_drop reason)
{
    return wire_stats(wire).drops[reason];
}

/* ---- packets in bytes ---- */

struct wire_ends {
    struct tcpip_address source, destination;
    bool v4;
};

static struct wire_ends wire_ends(const char *source, const char *destination)
{
    struct wire_ends ends;
    assert_int_equal(tcpip_address_parse(destination != NULL ? destination : "10.0.0.1", &ends.destination), TCPIP_OK);
    ends.v4 = ends.destination.len == 4;
    if (source == NULL)
        source = ends.v4 ? "10.0.0.2" : "fd00::2";
    assert_int_equal(tcpip_address_parse(source, &ends.source), TCPIP_OK);
    return ends;
}

/* The IP header in front of `bytes` of payload that will follow. Returns the header's size. */
static size_t wire_ip(uint8_t *out, const struct wire_ends *ends, uint8_t protocol, size_t bytes)
{
    if (ends->v4) {
        struct tcpip_ipv4_fields fields = {
            .ttl = 64,
            .protocol = protocol,
            .total_length = (uint16_t)(20 + bytes),
            .source = ends->source.bytes,
            .destination = ends->destination.bytes,
        };
        tcpip_ipv4_encode(out, &fields);
        return 20;
    }
    struct tcpip_ipv6_fields fields = {
        .hop_limit = 64,
        .next_header = protocol,
        .payload_length = (uint16_t)bytes,
        .source = ends->source.bytes,
        .destination = ends->destination.bytes,
    };
    tcpip_ipv6_encode(out, &fields);
    return 40;
}

size_t wire_udp(uint8_t *out, const struct wire_udp *fields)
{
    struct wire_ends ends = wire_ends(fields->source, fields->destination);
    size_t text_bytes = fields->text != NULL ? strlen(fields->text) : 0, bytes = 8 + text_bytes;
    size_t whole = bytes + (size_t)fields->bytes_behind - (size_t)fields->cut;
    uint8_t *udp = out + wire_ip(out, &ends, TCPIP_PROTOCOL_UDP, whole);
    struct tcpip_udp_fields header = {
        .source_port = fields->source_port,
        .destination_port = fields->destination_port,
        .length = (uint16_t)(fields->length != 0 ? (size_t)fields->length : bytes),
    };
    memset(udp, 0xee, bytes + (size_t)fields->bytes_behind);
    tcpip_udp_encode(udp, &header);
    if (text_bytes > 0)
        memcpy(udp + 8, fields->text, text_bytes);
    uint16_t sum = tcpip_checksum_pseudo(ends.source.bytes, ends.destination.bytes, ends.destination.len,
                                         TCPIP_PROTOCOL_UDP, header.length);
    sum = tcpip_checksum(udp, bytes, sum);
    if (!fields->no_checksum)
        tcpip_udp_set_checksum(udp, (uint16_t)(tcpip_checksum_finish_udp(sum) ^ (fields->bad_checksum ? 0x0100 : 0)));
    return (size_t)(udp - out) + whole;
}

size_t wire_icmp_error(uint8_t *out, const struct wire_error *fields, const uint8_t *quoted, size_t quoted_bytes)
{
    bool v4 = quoted[0] >> 4 == 4;
    struct wire_ends ends = wire_ends(fields->from, v4 ? "10.0.0.1" : "fd00::1");
    uint8_t protocol = v4 ? TCPIP_PROTOCOL_ICMPV4 : TCPIP_PROTOCOL_ICMPV6;
    size_t bytes = 8 + quoted_bytes;
    uint8_t *icmp = out + wire_ip(out, &ends, protocol, bytes);
    memset(icmp, 0, 8);
    icmp[0] = fields->type;
    icmp[1] = fields->code;
    tcpip_store_u32(icmp + 4, fields->word);
    memcpy(icmp + 8, quoted, quoted_bytes);
    uint16_t sum =
        v4 ? 0 : tcpip_checksum_pseudo(ends.source.bytes, ends.destination.bytes, 16, protocol, (uint32_t)bytes);
    tcpip_store_u16(icmp + 2, tcpip_checksum_finish(tcpip_checksum(icmp, bytes, sum)));
    return (size_t)(icmp - out) + bytes;
}
