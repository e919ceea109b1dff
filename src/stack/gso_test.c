// SPDX-License-Identifier: MIT
/* gso_test.c: cutting against segments built one by one, merging against cutting, and what must not be merged. */
#include "stack/gro.h"
#include "stack/gso.h"
#include "stack/nic.h"

#include "fake.h"
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>
#include <tcpip/header/udp.h>

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BYTES_MAX = 65536 };

/* What a segment is made from. */
struct recipe {
    bool v4, udp;
    uint8_t flow; /* the last byte of the remote address, and of the port */
    uint8_t tos, ttl;
    bool df;
    uint16_t id;
    uint32_t sequence, acknowledgment;
    uint16_t flags, window;
    uint8_t options[40];
    uint32_t options_bytes; /* a multiple of 4 */
    const uint8_t *payload;
    uint32_t payload_bytes;
};

struct fixture {
    struct test_env env;
    struct tcpip_stack *stack;
    uint8_t payload[BYTES_MAX];
};

static void setup(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->env, seed);
    f->stack = fake_stack_new(&f->env, NULL);
    for (uint32_t i = 0; i < BYTES_MAX; i++)
        f->payload[i] = (uint8_t)(test_env_random(&f->env) >> 40);
}

static void teardown(struct fixture *f)
{
    tcpip_stack_free(f->stack);
    test_env_fini(&f->env);
}

static uint32_t network_bytes(const struct recipe *r)
{
    return r->v4 ? 20 : 40;
}

static uint32_t transport_bytes(const struct recipe *r)
{
    return r->udp ? 8 : 20 + r->options_bytes;
}

/* The bytes on the wire, checksums complete unless `partial`: then the field has the pseudo-header's sum. */
static uint32_t build(uint8_t *out, const struct recipe *r, bool partial)
{
    uint8_t local[16] = {0xfd, [15] = 1}, remote[16] = {0xfd, [15] = r->flow};
    uint8_t protocol = r->udp ? 17 : 6;
    uint32_t network = network_bytes(r), header = transport_bytes(r), upper = header + r->payload_bytes;
    uint8_t *t = out + network;
    uint16_t pseudo;
    if (r->v4) {
        struct tcpip_ipv4_fields fields = {.tos = r->tos,
                                           .ttl = r->ttl,
                                           .protocol = protocol,
                                           .total_length = (uint16_t)(network + upper),
                                           .id = r->id,
                                           .flags = r->df ? TCPIP_IPV4_DONT_FRAGMENT : 0,
                                           .source = remote + 12,
                                           .destination = local + 12};
        tcpip_ipv4_encode(out, &fields);
        pseudo = tcpip_checksum_pseudo_v4(remote + 12, local + 12, protocol, (uint16_t)upper);
    } else {
        struct tcpip_ipv6_fields fields = {.traffic_class = r->tos,
                                           .next_header = protocol,
                                           .hop_limit = r->ttl,
                                           .payload_length = (uint16_t)upper,
                                           .flow_label = 77,
                                           .source = remote,
                                           .destination = local};
        tcpip_ipv6_encode(out, &fields);
        pseudo = tcpip_checksum_pseudo_v6(remote, local, protocol, upper);
    }
    if (r->udp) {
        tcpip_store_u16(t, 5000);
        tcpip_store_u16(t + 2, 53);
        tcpip_store_u16(t + 4, (uint16_t)upper);
        tcpip_store_u16(t + 6, 0);
    } else {
        struct tcpip_tcp_fields fields = {.source_port = (uint16_t)(1000 + r->flow),
                                          .destination_port = 80,
                                          .sequence = r->sequence,
                                          .acknowledgment = r->acknowledgment,
                                          .flags = r->flags,
                                          .header_bytes = (uint8_t)header,
                                          .window = r->window};
        tcpip_tcp_encode(t, &fields);
        memcpy(t + 20, r->options, r->options_bytes);
    }
    if (r->payload_bytes > 0)
        memcpy(t + header, r->payload, r->payload_bytes);
    uint16_t sum = tcpip_checksum(t, upper, pseudo);
    uint16_t complete = r->udp ? tcpip_checksum_finish_udp(sum) : tcpip_checksum_finish(sum);
    tcpip_store_u16(t + (r->udp ? 6 : 16), partial ? pseudo : complete);
    return network + upper;
}

/* The packet of these bytes: `in_room` of them in the room, the rest in views of random sizes. */
static struct tcpip_packet *packet_of(struct fixture *f, const struct recipe *r, const uint8_t *bytes, uint32_t size,
                                      uint32_t in_room)
{
    struct tcpip_packet *packet = tcpip_packet_new(f->stack);
    memcpy(tcpip_packet_push(packet, in_room), bytes, in_room);
    uint32_t rest = size - in_room, at = in_room;
    while (rest > 0) {
        uint32_t part = packet->view_count >= 9 ? rest : (uint32_t)(1 + test_env_random(&f->env) % rest);
        assert_int_equal(tcpip_packet_append(packet, bytes + at, part), TCPIP_OK);
        at += part;
        rest -= part;
    }
    packet->link_protocol = r->v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    packet->checksum_start = (uint16_t)network_bytes(r);
    packet->checksum_offset = r->udp ? 6 : 16;
    return packet;
}

static struct recipe random_recipe(struct fixture *f)
{
    uint64_t x = test_env_random(&f->env);
    struct recipe r = {
        .v4 = x & 1,
        .flow = 2,
        .tos = (uint8_t)(x >> 8),
        .ttl = 64,
        .df = x & 2,
        .id = (uint16_t)(x >> 16),
        .sequence = (uint32_t)(x >> 32),
        .acknowledgment = 12345,
        .flags = TCPIP_TCP_ACK,
        .window = 500,
        .options_bytes = (x & 4) != 0 ? 12 : 0,
        .payload = f->payload,
    };
    memset(r.options, 1, sizeof(r.options));
    return r;
}

/* ---- cutting ---- */

static void test_cutting_makes_the_segments_that_one_by_one_would_have(void **state)
{
    static struct fixture f;
    static uint8_t whole[BYTES_MAX], expected[BYTES_MAX], got[BYTES_MAX];
    (void)state;
    setup(&f, 1);
    for (int round = 0; round < 400; round++) {
        struct recipe r = random_recipe(&f);
        uint64_t x = test_env_random(&f.env);
        r.udp = x % 5 == 0;
        if (r.udp)
            r.options_bytes = 0;
        r.flags |= (uint16_t)(x >> 8 & (TCPIP_TCP_FIN | TCPIP_TCP_PSH | TCPIP_TCP_CWR | TCPIP_TCP_ECE));
        r.payload_bytes = (uint32_t)((x >> 20) % (round % 2 ? 300 : 65000));
        uint32_t mss = 1 + (uint32_t)(x >> 40) % 1460;
        if (r.payload_bytes / mss > 300)
            mss = 1460;
        uint32_t size = build(whole, &r, true), headers = network_bytes(&r) + transport_bytes(&r);
        /* headers in the room, with some payload; or cut anywhere */
        uint32_t in_room = x >> 60 ? headers : (uint32_t)(x >> 50) % 150;
        if (in_room > size)
            in_room = size;
        struct tcpip_packet *packet = packet_of(&f, &r, whole, size, in_room);
        packet->gso = r.udp ? TCPIP_GSO_UDP : r.v4 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6;
        packet->gso_size = (uint16_t)mss;
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->mark = 42;
        packet->link_destination.bytes[5] = 9;

        struct tcpip_packet_list segments = tcpip_packet_list_init();
        tcpip__gso_segment(packet, &segments);
        uint32_t count = r.payload_bytes == 0 ? 1 : (r.payload_bytes + mss - 1) / mss;
        assert_int_equal(segments.count, count);
        for (uint32_t i = 0; i < count; i++) {
            struct recipe one = r;
            one.payload = r.payload + i * mss;
            one.payload_bytes = i == count - 1 ? r.payload_bytes - i * mss : mss;
            one.sequence = r.sequence + i * mss;
            one.id = (uint16_t)(r.id + i);
            if (i != count - 1)
                one.flags &= (uint16_t) ~(TCPIP_TCP_FIN | TCPIP_TCP_PSH);
            if (i != 0)
                one.flags &= (uint16_t)~TCPIP_TCP_CWR;
            struct tcpip_packet *segment = tcpip_packet_list_pop(&segments);
            tcpip__packet_check(segment);
            assert_int_equal(segment->gso, TCPIP_GSO_NONE);
            assert_int_equal(segment->mark, 42);
            assert_int_equal(segment->link_destination.bytes[5], 9);
            assert_int_equal(segment->checksum, TCPIP_CHECKSUM_PARTIAL);
            assert_int_equal(tcpip_packet_copy_out(segment, 0, got, sizeof(got)), build(expected, &one, true));
            assert_memory_equal(got, expected, segment->length);
            tcpip__checksum_complete(segment);
            build(expected, &one, false);
            tcpip_packet_copy_out(segment, 0, got, sizeof(got));
            assert_memory_equal(got, expected, segment->length);
            tcpip_packet_free(segment);
        }
    }
    teardown(&f);
}

static void test_cutting_without_memory_loses_the_rest_and_says_so(void **state)
{
    static struct fixture f;
    static uint8_t whole[BYTES_MAX];
    (void)state;
    setup(&f, 2);
    struct recipe r = random_recipe(&f);
    r.payload_bytes = 60000;
    struct tcpip_packet *packet = packet_of(&f, &r, whole, build(whole, &r, true), 100);
    packet->gso = r.v4 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6;
    packet->gso_size = 100;
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    struct tcpip_packet_list segments = tcpip_packet_list_init();
    test_env_fail(&f.env, 3, true);
    tcpip__gso_segment(packet, &segments);
    assert_true(segments.count < 600);
    assert_int_equal(f.stack->stats.drops[TCPIP_DROP_NO_MEMORY], 1);
    test_env_fail(&f.env, 0, false);
    tcpip_packet_list_free(&segments);
    teardown(&f);
}

/* What a link says of a UDP super-packet, true or not: datagrams of gso_size come out, or a drop with its reason. */
static void test_udp_super_packets_from_a_link_are_split_or_refused(void **state)
{
    static struct fixture f;
    static uint8_t whole[BYTES_MAX], one[BYTES_MAX], got[BYTES_MAX];
    uint32_t split = 0, refused = 0;
    (void)state;
    setup(&f, 77);
    for (uint32_t round = 0; round < 4000; round++) {
        struct recipe r = random_recipe(&f);
        uint32_t mss = 1 + (uint32_t)(test_env_random(&f.env) % 1400);
        r.udp = true;
        r.payload_bytes = (uint32_t)(test_env_random(&f.env) % (mss * 130 < 60000 ? mss * 130 : 60000));
        uint32_t size = build(whole, &r, true), headers = network_bytes(&r) + 8;
        struct tcpip_packet *packet = packet_of(&f, &r, whole, size, (uint32_t)(test_env_random(&f.env) % headers));
        packet->gso = TCPIP_GSO_UDP;
        packet->gso_size = (uint16_t)mss;
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        bool lie = test_env_random(&f.env) % 2 != 0, many = r.payload_bytes > 128 * mss;
        uint8_t *front = tcpip_packet_pull(packet, 0, headers);
        uint16_t junk = (uint16_t)test_env_random(&f.env);
        if (lie) {
            switch (test_env_random(&f.env) % 7) {
            case 0:
                packet->checksum_start = junk == packet->checksum_start ? 0 : junk;
                break;
            case 1:
                packet->checksum_offset = 16;
                break;
            case 2:
                packet->checksum = TCPIP_CHECKSUM_VERIFIED;
                break;
            case 3:
                packet->gso_size = 0;
                break;
            case 4:
                front[0] ^= 0x10;
                break;
            case 5:
                front[r.v4 ? 9 : 6] = 6;
                break;
            default:
                packet->link_protocol = 0x0806;
                break;
            }
        }
        struct tcpip_packet_list datagrams = tcpip_packet_list_init();
        tcpip__gso_split(packet, &datagrams);
        if (lie || many) {
            assert_int_equal(datagrams.count, 0);
            assert_int_equal(f.stack->stats.drops[TCPIP_DROP_LINK_MALFORMED], ++refused);
            continue;
        }
        assert_int_equal(datagrams.count, r.payload_bytes == 0 ? 1 : (r.payload_bytes + mss - 1) / mss);
        split++;
        for (uint32_t i = 0, at = 0; datagrams.count > 0; i++, at += mss) {
            struct tcpip_packet *datagram = tcpip_packet_list_pop(&datagrams);
            struct recipe part = r;
            part.payload = r.payload + at;
            part.payload_bytes = r.payload_bytes - at < mss ? r.payload_bytes - at : mss;
            part.id = (uint16_t)(r.id + i);
            uint32_t bytes = build(one, &part, true);
            tcpip__packet_check(datagram);
            assert_int_equal(datagram->gso, TCPIP_GSO_NONE);
            assert_int_equal(datagram->checksum, TCPIP_CHECKSUM_PARTIAL);
            assert_int_equal(tcpip_packet_copy_out(datagram, 0, got, sizeof(got)), bytes);
            assert_memory_equal(got, one, bytes);
            tcpip_packet_free(datagram);
        }
    }
    assert_true(split > 1000 && refused > 1000);
    teardown(&f);
}

static void test_a_link_gets_super_segments_only_if_it_takes_them(void **state)
{
    static struct fixture f;
    static uint8_t whole[BYTES_MAX], got[BYTES_MAX];
    static const uint32_t both = TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_TX_CHECKSUM;
    static const struct {
        uint32_t flags, gso_max, packets;
        uint8_t checksum;
    } rows[] = {
        {0, 0, 7, TCPIP_CHECKSUM_NONE},
        {TCPIP_LINK_TX_CHECKSUM, 0, 7, TCPIP_CHECKSUM_PARTIAL},
        {both, 65550, 1, TCPIP_CHECKSUM_PARTIAL},
        {both, 5000, 7, TCPIP_CHECKSUM_PARTIAL},                                    /* larger than it takes */
        {TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6, 65550, 7, TCPIP_CHECKSUM_NONE},         /* TSO needs checksums */
        {TCPIP_LINK_USO | TCPIP_LINK_TX_CHECKSUM, 65550, 7, TCPIP_CHECKSUM_PARTIAL} /* another kind */
    };
    (void)state;
    for (size_t i = 0; i < array_count(rows); i++) {
        struct fake_link link;
        setup(&f, i);
        fake_link_init(&link);
        link.caps.flags = rows[i].flags;
        link.caps.gso_max_bytes = rows[i].gso_max;
        assert_int_equal(tcpip_stack_create_nic(f.stack, 1, &link.link, NULL), TCPIP_OK);
        struct recipe r = random_recipe(&f);
        r.payload_bytes = 9800;
        struct tcpip_packet *packet =
            packet_of(&f, &r, whole, build(whole, &r, true), network_bytes(&r) + transport_bytes(&r));
        packet->gso = r.v4 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6;
        packet->gso_size = 1400;
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        tcpip_stack_enter(f.stack);
        tcpip__nic_transmit(tcpip_stack_nic(f.stack, 1), packet);
        tcpip_stack_leave(f.stack);
        assert_int_equal(link.sent.count, rows[i].packets);
        for (struct tcpip_packet *sent; (sent = fake_link_take(&link)) != NULL; tcpip_packet_free(sent)) {
            assert_int_equal(sent->checksum, rows[i].checksum);
            if (sent->checksum != TCPIP_CHECKSUM_NONE)
                continue;
            size_t size = tcpip_packet_copy_out(sent, 0, got, sizeof(got)), upper = size - network_bytes(&r);
            const uint8_t *addresses = got + (r.v4 ? 12 : 8);
            uint32_t width = r.v4 ? 4 : 16;
            uint16_t sum =
                tcpip_checksum_pseudo(addresses, addresses + width, width, TCPIP_PROTOCOL_TCP, (uint32_t)upper);
            assert_true(tcpip_checksum_ok(tcpip_checksum(got + network_bytes(&r), upper, sum)));
        }
        struct tcpip_stats stats;
        tcpip_stack_stats(f.stack, &stats);
        assert_int_equal(stats.nic.tx_gso_packets, rows[i].packets == 1);
        assert_int_equal(stats.nic.tx_gso_segmented, rows[i].packets != 1);
        teardown(&f);
    }
}

/* ---- merging ---- */

/* Packets as they were given in, by flow. */
enum { FLOWS = 12, SENT_MAX = 64 };
struct sent {
    uint8_t *bytes;
    uint32_t size;
    bool df;
};
struct history {
    struct sent sent[FLOWS][SENT_MAX];
    uint32_t count[FLOWS], seen[FLOWS];
    uint8_t store[FLOWS * SENT_MAX * 600];
    uint32_t used;
};

/* A packet that came out: it must be the next one of its flow. */
static void check_next(struct history *h, const struct tcpip_packet *packet)
{
    uint8_t got[2048], expected[2048];
    uint32_t size = (uint32_t)tcpip_packet_copy_out(packet, 0, got, sizeof(got));
    uint32_t flow = (got[0] >> 4) == 4 ? got[15] : got[23];
    const struct sent *sent = &h->sent[flow][h->seen[flow]];
    assert_true(h->seen[flow] < h->count[flow]);
    h->seen[flow]++;
    memcpy(expected, sent->bytes, sent->size);
    if (sent->df) { /* the identification means nothing */
        memset(got + 4, 0, 2);
        memset(got + 10, 0, 2);
        memset(expected + 4, 0, 2);
        memset(expected + 10, 0, 2);
    }
    assert_int_equal(size, sent->size);
    assert_memory_equal(got, expected, size);
}

static void cut_and_check(struct history *h, struct tcpip_packet *packet)
{
    tcpip__packet_check(packet);
    if (packet->gso == TCPIP_GSO_NONE) {
        check_next(h, packet);
        tcpip_packet_free(packet);
        return;
    }
    struct tcpip_packet_list segments = tcpip_packet_list_init();
    uint8_t *front = tcpip_packet_pull(packet, 0, 40);
    bool v4 = (front[0] >> 4) == 4;
    assert_int_equal(packet->gso, v4 ? TCPIP_GSO_TCPV4 : TCPIP_GSO_TCPV6);
    assert_int_equal(packet->checksum, TCPIP_CHECKSUM_VERIFIED);
    if (v4) {
        assert_int_equal(tcpip_ipv4_total_length(front), packet->length);
        assert_true(tcpip_ipv4_checksum_ok(front));
    } else {
        assert_int_equal(tcpip_ipv6_payload_length(front) + 40, packet->length);
    }
    uint32_t count = packet->gso_segments;
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = v4 ? 20 : 40;
    packet->checksum_offset = 16;
    tcpip__gso_segment(packet, &segments);
    assert_int_equal(segments.count, count);
    for (struct tcpip_packet *segment; (segment = tcpip_packet_list_pop(&segments)) != NULL;) {
        tcpip__checksum_complete(segment);
        check_next(h, segment);
        tcpip_packet_free(segment);
    }
}

/* Something about a segment that forbids merging it, or (0) nothing. */
static void spoil(struct recipe *r, uint32_t how)
{
    switch (how) {
    case 1:
        r->tos ^= 2;
        break;
    case 2:
        r->ttl--;
        break;
    case 3:
        r->acknowledgment++;
        break;
    case 4:
        r->window++;
        break;
    case 5:
        r->options[r->options_bytes > 0 ? 5 : 0] ^= 8;
        break;
    case 6:
        r->flags |= TCPIP_TCP_FIN;
        break;
    case 7:
        r->flags |= TCPIP_TCP_ECE;
        break;
    case 8:
        r->payload_bytes = 0;
        break;
    case 9:
        r->sequence += 7;
        break;
    case 10:
        r->flags |= TCPIP_TCP_URG;
        break;
    case 11:
        r->flags |= TCPIP_TCP_CWR;
        break;
    case 12:
        r->id = (uint16_t)(r->id + 3);
        break;
    default:
        break;
    }
}

static void test_cut_again_merged_packets_are_what_was_sent(void **state)
{
    static struct fixture f;
    static struct history h;
    uint64_t merged = 0, total = 0;
    (void)state;
    setup(&f, 3);
    for (int round = 0; round < 600; round++) {
        struct tcpip_packet_list batch = tcpip_packet_list_init();
        struct recipe next[FLOWS];
        memset(&h, 0, sizeof(h));
        for (uint8_t i = 0; i < FLOWS; i++) {
            next[i] = random_recipe(&f);
            next[i].flow = i;
        }
        uint32_t flows = round % 3 == 0 ? FLOWS : 2, packets = 1 + (uint32_t)test_env_random(&f.env) % SENT_MAX;
        for (uint32_t i = 0; i < packets; i++) {
            uint64_t x = test_env_random(&f.env);
            struct recipe *r = &next[x % flows];
            struct recipe one = *r;
            uint8_t bytes[2048];
            one.payload_bytes = (x >> 8) % 8 != 0 ? 100 : (uint32_t)(x >> 12) % 200;
            one.payload = f.payload + (x >> 20) % 1000;
            if ((x >> 30) % 8 == 0)
                one.flags |= TCPIP_TCP_PSH;
            if ((x >> 34) % 10 == 0)
                spoil(&one, (uint32_t)(x >> 40) % 13);
            uint32_t size = build(bytes, &one, false);
            if ((x >> 50) % 40 == 0)
                bytes[size - 1] ^= 0x55; /* a bad checksum */
            struct sent *sent = &h.sent[one.flow][h.count[one.flow]++];
            *sent = (struct sent){h.store + h.used, size, one.v4 && one.df};
            memcpy(sent->bytes, bytes, size);
            h.used += size;
            uint32_t padded = size + ((x >> 55) % 4 == 0 ? 6 : 0); /* of the link */
            memset(bytes + size, 0, 6);
            struct tcpip_packet *packet = packet_of(&f, &one, bytes, padded, 0);
            tcpip_packet_list_push(&batch, packet);
            r->sequence = one.sequence + one.payload_bytes;
            r->id = (uint16_t)(one.id + 1);
            r->acknowledgment = one.acknowledgment;
        }
        total += packets;
        uint32_t absorbed = tcpip__gro_batch(&batch);
        assert_int_equal(batch.count + absorbed, packets);
        merged += absorbed;
        while (batch.count > 0)
            cut_and_check(&h, tcpip_packet_list_pop(&batch));
        for (uint32_t i = 0; i < FLOWS; i++)
            assert_int_equal(h.seen[i], h.count[i]);
    }
    assert_true(merged * 3 > total); /* or this tested nothing */
    teardown(&f);
}

static uint32_t merge_two(struct fixture *f, const struct recipe *a, const struct recipe *b, uint8_t type)
{
    struct tcpip_packet_list batch = tcpip_packet_list_init();
    uint8_t bytes[4096];
    for (int i = 0; i < 2; i++) {
        const struct recipe *r = i ? b : a;
        struct tcpip_packet *packet = packet_of(f, r, bytes, build(bytes, r, false), 0);
        packet->type = type;
        tcpip_packet_list_push(&batch, packet);
    }
    uint32_t merged = tcpip__gro_batch(&batch);
    tcpip_packet_list_free(&batch);
    return merged;
}

static void test_two_segments_merge_unless_one_thing_forbids_it(void **state)
{
    static struct fixture f;
    (void)state;
    setup(&f, 4);
    for (int v4 = 0; v4 < 2; v4++) {
        struct recipe a = random_recipe(&f), b;
        a.v4 = v4;
        a.df = false;
        a.options_bytes = 12;
        a.payload_bytes = 100;
        b = a;
        b.sequence += 100;
        b.id++;
        b.payload = a.payload + 100;
        assert_int_equal(merge_two(&f, &a, &b, TCPIP_PACKET_HOST), 1);
        assert_int_equal(merge_two(&f, &a, &b, TCPIP_PACKET_OTHER_HOST), 0);
        for (uint32_t how = 1; how <= 12; how++) {
            struct recipe bad = b;
            spoil(&bad, how);
            if (how == 12 && !v4)
                continue;
            assert_int_equal(merge_two(&f, &a, &bad, TCPIP_PACKET_HOST), 0);
        }
        struct recipe longer = b;
        longer.payload_bytes = 101;
        assert_int_equal(merge_two(&f, &a, &longer, TCPIP_PACKET_HOST), 0);
        struct recipe any_id_a = a, any_id_b = b;
        any_id_a.df = any_id_b.df = true;
        any_id_b.id = 77;
        assert_int_equal(merge_two(&f, &any_id_a, &any_id_b, TCPIP_PACKET_HOST), 1);
        struct recipe pushed = a;
        pushed.flags |= TCPIP_TCP_PSH;
        assert_int_equal(merge_two(&f, &pushed, &b, TCPIP_PACKET_HOST), 0);
        /* Signed ones are judged one by one: a forger needn't know the key to copy a signature. */
        static const uint8_t signatures[2][20] = {{1, 1, 19, 18}, {29, 16, 1, 1, [16] = 1, 1, 1, 1}};
        for (int i = 0; i < 2; i++) {
            struct recipe first = a, second = b;
            first.options_bytes = second.options_bytes = 20;
            memcpy(first.options, signatures[i], 20);
            memcpy(second.options, signatures[i], 20);
            assert_int_equal(merge_two(&f, &first, &second, TCPIP_PACKET_HOST), 0);
        }
    }
    teardown(&f);
}

static void test_a_train_becomes_one_packet_for_each_viewful(void **state)
{
    static struct fixture f;
    uint8_t bytes[2048];
    (void)state;
    setup(&f, 5);
    for (int v4 = 0; v4 < 2; v4++) {
        struct tcpip_packet_list batch = tcpip_packet_list_init();
        struct recipe r = random_recipe(&f);
        r.v4 = v4;
        r.df = false;
        for (uint32_t i = 0; i < 2 * TCPIP_PACKET_VIEWS; i++) {
            r.payload_bytes = 1448;
            uint32_t size = build(bytes, &r, false);
            struct tcpip_packet *packet = tcpip_packet_new(f.stack);
            assert_int_equal(tcpip_packet_append(packet, bytes, size), TCPIP_OK);
            packet->link_protocol = r.v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
            tcpip_packet_list_push(&batch, packet);
            r.sequence += 1448;
            r.id++;
        }
        assert_int_equal(tcpip__gro_batch(&batch), 2 * TCPIP_PACKET_VIEWS - 2);
        assert_int_equal(batch.head->gso_segments, TCPIP_PACKET_VIEWS);
        assert_int_equal(batch.head->gso_size, 1448);
        assert_int_equal(batch.tail->gso_segments, TCPIP_PACKET_VIEWS);
        tcpip_packet_list_free(&batch);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cutting_makes_the_segments_that_one_by_one_would_have),
        cmocka_unit_test(test_cutting_without_memory_loses_the_rest_and_says_so),
        cmocka_unit_test(test_udp_super_packets_from_a_link_are_split_or_refused),
        cmocka_unit_test(test_a_link_gets_super_segments_only_if_it_takes_them),
        cmocka_unit_test(test_cut_again_merged_packets_are_what_was_sent),
        cmocka_unit_test(test_a_train_becomes_one_packet_for_each_viewful),
        cmocka_unit_test(test_two_segments_merge_unless_one_thing_forbids_it),
    };
    return cmocka_run_group_tests_name("stack/gso", tests, NULL, NULL);
}
