// SPDX-License-Identifier: MIT
/* tcp_path_test.c: TCP and the IP layer below it: addresses that no connection can have, the address that one keeps,
 * and what is done about a way that leads nowhere (RFC 9293 3.8.3, 3.9.2.3). */
#include "pair.h"
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/header/checksum.h>

enum { SYN = TCPIP_TCP_SYN, ACK = TCPIP_TCP_ACK, IP_BYTES_MAX = 60, TTL = 64 };

/* A SYN to PEER_US_PORT from one address to another, with these IP options (as padded words). */
static void syn_between(struct tcp_peer *peer, uint32_t from, uint32_t to, const uint8_t *options, size_t options_bytes)
{
    uint8_t packet[IP_BYTES_MAX + TCPIP_TCP_HEADER_MIN] = {0};
    size_t ip = 20 + options_bytes, size = ip + TCPIP_TCP_HEADER_MIN;
    packet[0] = (uint8_t)(0x40 | ip / 4);
    tcpip_store_u16(packet + 2, (uint16_t)size);
    packet[8] = TTL;
    packet[9] = TCPIP_PROTOCOL_TCP;
    tcpip_store_u32(packet + 12, from);
    tcpip_store_u32(packet + 16, to);
    if (options_bytes > 0)
        memcpy(packet + 20, options, options_bytes);
    tcpip_store_u16(packet + 10, tcpip_checksum_finish(tcpip_checksum(packet, ip, 0)));
    struct tcpip_tcp_fields fields = {.source_port = PEER_PORT,
                                      .destination_port = PEER_US_PORT,
                                      .sequence = 1000,
                                      .flags = SYN,
                                      .header_bytes = TCPIP_TCP_HEADER_MIN,
                                      .window = 65535};
    tcpip_tcp_encode(packet + ip, &fields);
    uint16_t pseudo =
        tcpip_checksum_pseudo(packet + 12, packet + 16, 4, TCPIP_PROTOCOL_TCP, (uint32_t)TCPIP_TCP_HEADER_MIN);
    tcpip_tcp_set_checksum(packet + ip,
                           tcpip_checksum_finish(tcpip_checksum(packet + ip, TCPIP_TCP_HEADER_MIN, pseudo)));
    assert_int_equal(tcpip_channel_inject_bytes(peer->link, packet, size), TCPIP_OK);
    peer_run(peer, 0);
}

static uint32_t v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d;
}

static void a_syn_of_or_to_many_is_dropped_in_silence(void **state)
{
    (void)state;
    struct tcp_peer peer;
    peer_init(&peer, NULL);
    uint32_t us = v4(10, 0, 0, 1), them = v4(10, 0, 0, 2);
    const struct {
        uint32_t from, to;
        bool martian; /* IP already drops it */
    } bad[] = {
        {them, v4(10, 0, 0, 255), false},   {them, v4(255, 255, 255, 255), false}, {them, v4(224, 0, 0, 1), false},
        {v4(224, 0, 0, 1), us, true},       {v4(10, 0, 0, 255), us, true},         {v4(0, 0, 0, 0), us, true},
        {v4(255, 255, 255, 255), us, true}, {v4(127, 0, 0, 1), us, true},
    };
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        static struct tcpip_stats before, after;
        tcpip_stack_stats(peer.stack, &before);
        syn_between(&peer, bad[i].from, bad[i].to, NULL, 0);
        tcpip_stack_stats(peer.stack, &after);
        peer_expect_nothing(&peer);
        enum tcpip_drop reason = bad[i].martian ? TCPIP_DROP_IP_MARTIAN_SOURCE : TCPIP_DROP_TCP_BAD_ADDRESS;
        assert_int_equal(after.drops[reason] - before.drops[reason], 1);
    }
    syn_between(&peer, them, us, NULL, 0);
    peer_expect(&peer, SYN | ACK);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static void ip_options_mean_nothing_to_a_connection(void **state)
{
    (void)state;
    static const uint8_t options[][8] = {
        {7, 7, 4, 0, 0, 0, 0, 0},   /* record route */
        {68, 8, 5, 0, 0, 0, 0, 0},  /* timestamp */
        {148, 4, 0, 0, 1, 1, 1, 0}, /* router alert */
        {94, 6, 1, 2, 3, 4, 1, 0},  /* nobody knows it */
        {130, 4, 0, 0, 1, 1, 1, 0}, /* security of old */
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct tcp_peer peer;
        peer_init(&peer, NULL);
        struct tcpip_endpoint *listener = peer_listen(&peer, 4);
        syn_between(&peer, v4(10, 0, 0, 2), v4(10, 0, 0, 1), options[i], sizeof(options[i]));
        peer_expect(&peer, SYN | ACK);
        assert_int_equal(peer.bytes[0], 0x45); /* and none go back */
        tcpip_endpoint_close(listener);
        peer_fini(&peer);
    }
}

/* Two addresses: what came to one is answered from it, whatever would be chosen anew. */
static void a_connection_keeps_the_address_that_it_began_with(void **state)
{
    (void)state;
    struct tcp_peer peer;
    struct tcpip_prefix prefix;
    peer_init(&peer, NULL);
    assert_int_equal(tcpip_prefix_parse("10.0.0.9/24", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(peer.stack, 1, &prefix, NULL), TCPIP_OK);
    struct tcpip_endpoint *listener = peer_listen(&peer, 4);
    syn_between(&peer, v4(10, 0, 0, 2), v4(10, 0, 0, 9), NULL, 0);
    for (int i = 0; i < 3; i++) { /* the SYN-ACK, and its repetitions */
        peer_expect(&peer, SYN | ACK);
        assert_int_equal(tcpip_load_u32(peer.bytes + 12), v4(10, 0, 0, 9));
        peer_run(&peer, (1 << i) * TCPIP_SECOND);
    }
    /* To the other address there is no such connection. */
    struct peer_segment ack = {.flags = ACK, .seq = 1001, .ack = peer.seen.fields.sequence + 1};
    peer_discard(&peer);
    peer_send(&peer, &ack);
    peer_expect(&peer, TCPIP_TCP_RST);
    tcpip_endpoint_close(listener);
    peer_fini(&peer);
}

static enum tcpip_neighbor_state neighbor_state(struct tcpip_stack *stack)
{
    struct tcpip_neighbor neighbor;
    assert_int_equal(tcpip_stack_neighbors(stack, &neighbor, 1), 1);
    return neighbor.state;
}

static void a_third_retransmission_casts_doubt_on_the_neighbor(void **state)
{
    (void)state;
    struct pair pair;
    struct pair_options options = {.ethernet = true};
    struct tcpip_endpoint *client, *server;
    static const struct tcpip_fault_profile whole, cut = {.down = true};
    size_t done;
    pair_init(&pair, &options);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_write(client, "x", 1, 0, NULL, &done), TCPIP_OK);
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(neighbor_state(pair.a), TCPIP_NEIGHBOR_REACHABLE);
    tcpip_fault_set(pair.fault, &cut, &cut);
    assert_int_equal(tcpip_endpoint_write(client, "x", 1, 0, NULL, &done), TCPIP_OK);
    pair_run(&pair, TCPIP_SECOND); /* a tail loss probe and two timeouts */
    assert_int_equal(neighbor_state(pair.a), TCPIP_NEIGHBOR_REACHABLE);
    pair_run(&pair, 2 * TCPIP_SECOND);
    assert_int_equal(neighbor_state(pair.a), TCPIP_NEIGHBOR_DELAY); /* used, and soon asked */
    tcpip_fault_set(pair.fault, &whole, &whole);
    pair_run(&pair, 10 * TCPIP_SECOND);
    assert_int_equal(neighbor_state(pair.a), TCPIP_NEIGHBOR_REACHABLE);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_run(&pair, 120 * TCPIP_SECOND);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_of_or_to_many_is_dropped_in_silence),
        cmocka_unit_test(ip_options_mean_nothing_to_a_connection),
        cmocka_unit_test(a_connection_keeps_the_address_that_it_began_with),
        cmocka_unit_test(a_third_retransmission_casts_doubt_on_the_neighbor),
    };
    return cmocka_run_group_tests_name("tcp/path", tests, NULL, NULL);
}
