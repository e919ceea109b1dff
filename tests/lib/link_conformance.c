// SPDX-License-Identifier: MIT
/* link_conformance.c: the contract of a link, clause by clause.
 *
 * Each check makes a world and a link, attaches, does one thing, detaches and ends the world, which asserts that every
 * packet, buffer and byte came back: so each of them is a check of ownership as well.
 *
 * Not here: what is special to a kind of link (its own test). */
#include "link_conformance.h"

#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/tcp.h>

#include <cmocka.h>

enum { GSO_FLAGS = TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_USO };

struct trial {
    const struct link_subject *subject;
    struct link_world world;
    struct tcpip_link *link;
    struct tcpip_link_capabilities caps;
    void *state;
    uint8_t *expected, *got; /* LINK_CONFORMANCE_MAX each */
};

static void trial_begin(struct trial *t, const struct link_subject *subject)
{
    memset(t, 0, sizeof(*t));
    t->subject = subject;
    t->expected = malloc(LINK_CONFORMANCE_MAX);
    t->got = malloc(LINK_CONFORMANCE_MAX);
    link_world_init(&t->world, 99);
    t->link = subject->make(&t->world, &t->state);
    assert_non_null(t->link);
    t->link->ops->capabilities(t->link, &t->caps);
    link_world_attach(&t->world, t->link);
}

static void trial_end(struct trial *t)
{
    if (t->link->stack != NULL)
        link_world_detach(&t->world, t->link);
    t->subject->destroy(&t->world, t->state);
    link_world_fini(&t->world);
    free(t->expected);
    free(t->got);
}

/* The i-th test packet: its size and bytes depend on nothing but i. It begins like an IP header and says which it is.
 */
static uint32_t make_bytes(const struct trial *t, uint32_t i, uint8_t *out)
{
    static const uint32_t sizes[] = {20, 40, 41, 60, 127, 128, 129, 200, 576, 1279, 1400};
    uint32_t size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
    if (i % 13 == 12)
        size = t->caps.mtu;
    size = size < t->caps.mtu ? size : t->caps.mtu;
    for (uint32_t k = 0; k < size; k++)
        out[k] = (uint8_t)(i * 31 + k * 7 + k / 251);
    out[0] = i % 2 == 0 ? 0x45 : 0x60;
    memcpy(out + 4, &i, sizeof(i));
    return size;
}

/* The same as a packet, in one of many shapes; its room is never more than the link has a right to. */
static struct tcpip_packet *make_packet(struct trial *t, uint32_t i)
{
    static const uint32_t rooms[] = {0, 20, 1000, 54};
    static const uint32_t view_sizes[] = {0, 97, 1000, 4096};
    uint32_t most = TCPIP_PACKET_ROOM - t->caps.header_room, in_room = rooms[i % 4];
    uint32_t size = make_bytes(t, i, t->expected), view = view_sizes[i / 4 % 4];
    if (view < size / 16)
        view = 0;
    struct tcpip_packet *packet =
        link_world_packet(&t->world, t->expected, size, in_room < most ? in_room : most, view);
    memcpy(packet->link_destination.bytes, t->subject->far_address.bytes, 6);
    return packet;
}

/* The far side's next packet must be the i-th. */
static void expect_taken(struct trial *t, uint32_t i)
{
    uint32_t size = make_bytes(t, i, t->expected), header = t->subject->header_bytes;
    size_t got = t->subject->take(&t->world, t->state, t->got, LINK_CONFORMANCE_MAX);
    assert_int_equal(got, size + header);
    assert_memory_equal(t->got + header, t->expected, size);
}

static void expect_nothing(struct trial *t)
{
    assert_int_equal(t->subject->take(&t->world, t->state, t->got, LINK_CONFORMANCE_MAX), 0);
}

/* ---- the clauses ---- */

static void capabilities_make_sense(struct trial *t)
{
    struct tcpip_link_capabilities again;
    memset(&again, 0xee, sizeof(again));
    t->link->ops->capabilities(t->link, &again);
    assert_true(again.mtu == t->caps.mtu && again.gso_max_bytes == t->caps.gso_max_bytes);
    assert_true(again.flags == t->caps.flags && again.header_room == t->caps.header_room);
    assert_memory_equal(&again.address, &t->caps.address, sizeof(again.address));
    assert_true(t->caps.mtu >= 68);
    assert_true(t->caps.header_room <= 64); /* the rest of a packet's room is IP's and TCP's */
    assert_true(t->caps.address.len == 0 || t->caps.address.len == 6);
    assert_int_equal((t->caps.flags & GSO_FLAGS) != 0, t->caps.gso_max_bytes != 0);
    if (t->caps.flags & GSO_FLAGS) /* a segment cut from a larger one needs a new checksum */
        assert_true(t->caps.flags & TCPIP_LINK_TX_CHECKSUM);
    if (t->caps.flags & TCPIP_LINK_RESOLUTION)
        assert_int_equal(t->caps.address.len, 6);
    assert_non_null(t->link->ops->name);
}

static void attaching_twice_is_refused(struct trial *t)
{
    struct tcpip_link_upper other = {0};
    tcpip_stack_enter(t->world.stack);
    assert_int_not_equal(t->link->ops->attach(t->link, t->world.stack, &other), TCPIP_OK);
    tcpip_stack_leave(t->world.stack);
    assert_ptr_equal(t->link->upper, &t->world.upper);
    link_world_detach(&t->world, t->link);
    link_world_attach(&t->world, t->link);
    link_world_send(&t->world, t->link, make_packet(t, 1));
    expect_taken(t, 1);
}

static void nothing_to_send_is_nothing_sent(struct trial *t)
{
    struct tcpip_packet_list empty = tcpip_packet_list_init();
    assert_int_equal(link_world_transmit(&t->world, t->link, &empty), 0);
    expect_nothing(t);
}

static void packets_of_every_shape_arrive_in_order(struct trial *t)
{
    for (uint32_t i = 0; i < 120; i++) {
        link_world_send(&t->world, t->link, make_packet(t, i));
        expect_taken(t, i);
    }
    uint32_t sent = 0, batch = t->subject->pushes_back_at;
    batch = batch == 0 || batch > 100 ? 100 : batch;
    for (uint32_t round = 0; round < 5; round++) {
        struct tcpip_packet_list list = tcpip_packet_list_init();
        for (uint32_t i = 0; i < batch; i++)
            tcpip_packet_list_push(&list, make_packet(t, sent + i));
        assert_int_equal(link_world_transmit(&t->world, t->link, &list), batch);
        for (uint32_t i = 0; i < batch; i++)
            expect_taken(t, sent++);
    }
    expect_nothing(t);
}

/* Whoever else holds a packet's buffers must find them as they were. */
static void shared_bytes_are_never_written(struct trial *t)
{
    for (uint32_t i = 0; i < 40; i++) {
        struct tcpip_packet *packet = make_packet(t, i), *clone = tcpip_packet_clone(packet);
        assert_non_null(clone);
        link_world_send(&t->world, t->link, packet);
        expect_taken(t, i);
        uint32_t size = make_bytes(t, i, t->expected);
        assert_int_equal(tcpip_packet_copy_out(clone, 0, t->got, LINK_CONFORMANCE_MAX), size);
        assert_memory_equal(t->got, t->expected, size);
        tcpip_packet_free(clone);
    }
}

static void what_the_far_side_sends_is_delivered(struct trial *t)
{
    uint32_t header = t->subject->header_bytes;
    if (t->subject->give == NULL)
        return;
    for (uint32_t i = 0; i < 60; i++) {
        struct tcpip_packet packet;
        if (header > 0)
            memcpy(t->expected, t->subject->given_header, header);
        uint32_t size = make_bytes(t, i, t->expected + header);
        if (header > 0) /* its last two bytes are the EtherType */
            memcpy(t->expected + header - 2, t->expected[header] == 0x45 ? "\x08\x00" : "\x86\xdd", 2);
        t->subject->give(&t->world, t->state, t->expected, header + size);
        assert_int_equal(link_world_take(&t->world, t->got, LINK_CONFORMANCE_MAX, &packet), size);
        assert_memory_equal(t->got, t->expected + header, size);
        assert_int_equal(packet.link_protocol, t->got[0] == 0x45 ? 0x0800 : 0x86dd);
        assert_int_equal(packet.type, TCPIP_PACKET_HOST);
    }
    assert_int_equal(t->world.received.count, 0);
}

/* Offers the list until the link has taken all of it, taking at the far side what comes. */
static void drain(struct trial *t, struct tcpip_packet_list *list, uint32_t *taken)
{
    while (list->count > 0) {
        uint32_t ready = t->world.tx_ready, left = list->count;
        while (t->world.tx_ready == ready)
            expect_taken(t, (*taken)++);
        link_world_transmit(&t->world, t->link, list);
        assert_true(list->count < left);
    }
}

static void a_full_link_pushes_back_and_says_when_to_go_on(struct trial *t)
{
    enum { EXTRA = 300 };
    uint32_t limit = t->subject->pushes_back_at, count = limit + EXTRA, taken = 0;
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (uint32_t i = 0; i < count; i++)
        tcpip_packet_list_push(&list, make_packet(t, i));
    size_t first = link_world_transmit(&t->world, t->link, &list);
    if (limit == 0)
        assert_int_equal(first, count);
    else
        assert_true(first >= limit && first < count);
    assert_int_equal(t->world.tx_ready, 0);
    drain(t, &list, &taken);
    while (taken < count)
        expect_taken(t, taken++);
    expect_nothing(t);
}

static void detaching_frees_what_is_queued(struct trial *t)
{
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (uint32_t i = 0; i < t->subject->pushes_back_at + 100; i++)
        tcpip_packet_list_push(&list, make_packet(t, i));
    link_world_transmit(&t->world, t->link, &list);
    tcpip_packet_list_free(&list);
    link_world_detach(&t->world, t->link);
}

/* ---- super-segments, through a real NIC ---- */

enum { SUPER_HEADERS = 40, SUPER_PAYLOAD = 3500, SUPER_PIECE = 1000, SUPER_NIC = 1 };

static struct tcpip_packet *make_super_segment(struct trial *t)
{
    uint8_t *p = t->expected;
    static const uint8_t headers[SUPER_HEADERS] = {0x45, 0, 0, 0, 0,  0, 0, 0, 64,   6,    0, 0,
                                                   10,   0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80,
                                                   0,    0, 0, 1, 0,  0, 0, 1, 0x50, 0x10, 2, 0};
    memcpy(p, headers, sizeof(headers));
    tcpip_store_u16(p + 2, SUPER_HEADERS + SUPER_PAYLOAD);
    tcpip_ipv4_checksum_set(p);
    tcpip_tcp_set_checksum(p + 20, tcpip_checksum_pseudo_v4(p + 12, p + 16, 6, 20 + SUPER_PAYLOAD));
    for (uint32_t i = 0; i < SUPER_PAYLOAD; i++)
        p[SUPER_HEADERS + i] = (uint8_t)(i * 5 + i / 256);
    struct tcpip_packet *packet = link_world_packet(&t->world, p, SUPER_HEADERS + SUPER_PAYLOAD, SUPER_HEADERS, 999);
    memcpy(packet->link_destination.bytes, t->subject->far_address.bytes, 6);
    packet->gso = TCPIP_GSO_TCPV4;
    packet->gso_size = SUPER_PIECE;
    packet->gso_segments = (SUPER_PAYLOAD + SUPER_PIECE - 1) / SUPER_PIECE;
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->transport_offset = 20;
    packet->checksum_offset = TCPIP_TCP_CHECKSUM_OFFSET;
    packet->payload_offset = SUPER_HEADERS;
    return packet;
}

/* A link that can't cut gets what a NIC has cut, one without checksums gets them complete; nothing is lost on the way.
 */
static void a_super_segment_reaches_only_links_that_asked_for_it(struct trial *t)
{
    bool cuts = (t->caps.flags & TCPIP_LINK_TSO4) != 0, sums = (t->caps.flags & TCPIP_LINK_TX_CHECKSUM) != 0;
    if (t->caps.flags & TCPIP_LINK_LOOPBACK || t->caps.mtu < SUPER_HEADERS + SUPER_PIECE)
        return;
    link_world_detach(&t->world, t->link);
    assert_int_equal(tcpip_stack_create_nic(t->world.stack, SUPER_NIC, t->link, NULL), TCPIP_OK);
    tcpip_stack_enter(t->world.stack);
    tcpip__nic_transmit(tcpip_stack_nic(t->world.stack, SUPER_NIC), make_super_segment(t));
    tcpip_stack_leave(t->world.stack);
    uint32_t payload = 0, packets = 0;
    for (size_t size; (size = t->subject->take(&t->world, t->state, t->got, LINK_CONFORMANCE_MAX)) > 0; packets++) {
        const uint8_t *p = t->got + t->subject->header_bytes;
        uint32_t bytes = (uint32_t)size - t->subject->header_bytes;
        assert_true(bytes > SUPER_HEADERS && payload + bytes - SUPER_HEADERS <= SUPER_PAYLOAD);
        assert_memory_equal(p + SUPER_HEADERS, t->expected + SUPER_HEADERS + payload, bytes - SUPER_HEADERS);
        payload += bytes - SUPER_HEADERS;
        if (!cuts)
            assert_true(bytes <= t->caps.mtu);
        if (!sums) {
            uint16_t pseudo = tcpip_checksum_pseudo_v4(p + 12, p + 16, 6, (uint16_t)(bytes - 20));
            assert_true(tcpip_checksum_ok(tcpip_checksum(p + 20, bytes - 20, pseudo)));
        }
    }
    assert_int_equal(payload, SUPER_PAYLOAD);
    if (!cuts)
        assert_int_equal(packets, (SUPER_PAYLOAD + SUPER_PIECE - 1) / SUPER_PIECE);
    assert_int_equal(tcpip_stack_remove_nic(t->world.stack, SUPER_NIC), TCPIP_OK);
}

void link_conformance(const struct link_subject *subject)
{
    static void (*const clauses[])(struct trial *) = {
        capabilities_make_sense,
        attaching_twice_is_refused,
        nothing_to_send_is_nothing_sent,
        packets_of_every_shape_arrive_in_order,
        shared_bytes_are_never_written,
        what_the_far_side_sends_is_delivered,
        a_full_link_pushes_back_and_says_when_to_go_on,
        detaching_frees_what_is_queued,
        a_super_segment_reaches_only_links_that_asked_for_it,
    };
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++) {
        struct trial trial;
        trial_begin(&trial, subject);
        clauses[i](&trial);
        trial_end(&trial);
    }
}
