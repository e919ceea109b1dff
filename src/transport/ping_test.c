// SPDX-License-Identifier: MIT
/* ping_test.c: ping endpoints between two hosts, of both families. */
#include "datagrams.h"
#include "pair.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One family's numbers. */
struct family {
    uint32_t transport, network;
    uint8_t request, reply;
    const char *ours, *theirs, *nobody, *any;
};
static const struct family families[] = {
    {TCPIP_PROTOCOL_ICMPV4, TCPIP_PROTOCOL_IPV4, TCPIP_ICMPV4_ECHO_REQUEST, TCPIP_ICMPV4_ECHO_REPLY, "10.0.0.1",
     "10.0.0.2", "10.0.0.9", "0.0.0.0"},
    {TCPIP_PROTOCOL_ICMPV6, TCPIP_PROTOCOL_IPV6, TCPIP_ICMPV6_ECHO_REQUEST, TCPIP_ICMPV6_ECHO_REPLY, "fd00::1",
     "fd00::2", "fd00::9", "::"},
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    pair_init(pair, NULL);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    pair_fini(pair);
    free(pair);
    return 0;
}

/* An echo request with a payload of `bytes`. */
static enum tcpip_error ask(struct tcpip_endpoint *ep, uint8_t type, uint16_t sequence, size_t bytes,
                            const struct tcpip_full_address *to)
{
    static uint8_t message[70000];
    size_t done;
    memset(message, 0, 8);
    message[0] = type;
    tcpip_store_u16(message + 4, 0xdead); /* not ours to say */
    tcpip_store_u16(message + 6, sequence);
    for (size_t i = 0; i < bytes; i++)
        message[8 + i] = (uint8_t)i;
    return tcpip_endpoint_write(ep, message, 8 + bytes, 0, to, &done);
}

static void an_echo_comes_back_to_whom_it_belongs(void **state)
{
    struct pair *pair = *state;
    static uint8_t reply[70000];
    for (int f = 0; f < 2; f++) {
        const struct family *family = &families[f];
        struct tcpip_endpoint *ep[2];
        struct tcpip_full_address name[2], from;
        size_t done;
        for (int i = 0; i < 2; i++) {
            ep[i] = datagram_new(pair->a, family->transport, family->network);
            assert_int_equal(
                ask(ep[i], family->request, (uint16_t)(i + 1), i == 0 ? 56 : 30000, full(family->theirs, 0)), TCPIP_OK);
            tcpip_endpoint_local_address(ep[i], &name[i]);
            assert_int_not_equal(name[i].port, 0);
        }
        assert_int_not_equal(name[0].port, name[1].port);
        pair_settle(pair);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(tcpip_endpoint_read(ep[i], reply, sizeof(reply), &done, &from), TCPIP_OK);
            assert_int_equal(done, i == 0 ? 64 : 30008);
            assert_int_equal(reply[0], family->reply);
            assert_int_equal(tcpip_load_u16(reply + 4), name[i].port);
            assert_int_equal(tcpip_load_u16(reply + 6), i + 1);
            assert_int_equal(reply[8 + 55], 55);
            assert_int_equal(from.port, 0);
            assert_true(tcpip_address_equal(&from.address, &full(family->theirs, 0)->address));
            assert_int_equal(read_error(ep[i]), TCPIP_ERR_WOULD_BLOCK);
            tcpip_endpoint_close(ep[i]);
        }
    }
}

static void a_connected_ping_needs_no_destination(void **state)
{
    struct pair *pair = *state;
    for (int f = 0; f < 2; f++) {
        const struct family *family = &families[f];
        struct tcpip_endpoint *ep = datagram_new(pair->a, family->transport, family->network);
        struct tcpip_full_address name;
        assert_int_equal(ask(ep, family->request, 1, 0, NULL), TCPIP_ERR_DESTINATION_REQUIRED);
        assert_int_equal(tcpip_endpoint_connect(ep, full(family->theirs, 0)), TCPIP_OK);
        tcpip_endpoint_local_address(ep, &name);
        assert_true(tcpip_address_equal(&name.address, &full(family->ours, 0)->address));
        for (uint16_t i = 0; i < 3; i++)
            assert_int_equal(ask(ep, family->request, i, 8, NULL), TCPIP_OK);
        pair_settle(pair);
        for (int i = 0; i < 3; i++)
            assert_int_equal(read_error(ep), TCPIP_OK);
        assert_int_equal(read_error(ep), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(tcpip_endpoint_connect(ep, &(struct tcpip_full_address){0}), TCPIP_OK);
        assert_int_equal(ask(ep, family->request, 1, 0, NULL), TCPIP_ERR_DESTINATION_REQUIRED);
        tcpip_endpoint_close(ep);
    }
}

static void identifiers_are_reserved_like_ports(void **state)
{
    struct pair *pair = *state;
    for (int f = 0; f < 2; f++) {
        const struct family *family = &families[f];
        struct tcpip_endpoint *one = datagram_new(pair->a, family->transport, family->network);
        struct tcpip_endpoint *two = datagram_new(pair->a, family->transport, family->network);
        uint8_t reply[16];
        size_t done;
        assert_int_equal(tcpip_endpoint_bind(one, full(family->ours, 4242), NULL, NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_bind(two, full(family->any, 4242), NULL, NULL), TCPIP_ERR_PORT_IN_USE);
        assert_int_equal(tcpip_endpoint_bind(two, full(family->nobody, 4243), NULL, NULL), TCPIP_ERR_BAD_LOCAL_ADDRESS);
        assert_int_equal(tcpip_endpoint_bind(two, full(f == 0 ? "224.0.0.1" : "ff02::1", 4243), NULL, NULL),
                         TCPIP_ERR_BAD_LOCAL_ADDRESS);
        if (f == 0)
            assert_int_equal(tcpip_endpoint_bind(two, full("10.0.0.255", 4243), NULL, NULL),
                             TCPIP_ERR_BAD_LOCAL_ADDRESS);
        assert_int_equal(ask(one, family->request, 7, 0, full(family->theirs, 0)), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(tcpip_endpoint_read(one, reply, sizeof(reply), &done, NULL), TCPIP_OK);
        assert_int_equal(tcpip_load_u16(reply + 4), 4242);
        tcpip_endpoint_close(one);
        tcpip_endpoint_close(two);
    }
}

static void only_echo_requests_leave(void **state)
{
    struct pair *pair = *state;
    for (int f = 0; f < 2; f++) {
        const struct family *family = &families[f];
        struct tcpip_endpoint *ep = datagram_new(pair->a, family->transport, family->network), *never;
        const struct tcpip_full_address *there = full(family->theirs, 0);
        for (unsigned type = 0; type < 256; type++)
            assert_int_equal(ask(ep, (uint8_t)type, 1, 0, there),
                             type == family->request ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT);
        size_t done;
        uint8_t message[8] = {family->request, 1};
        assert_int_equal(tcpip_endpoint_write(ep, message, 8, 0, there, &done), TCPIP_ERR_INVALID_ARGUMENT);
        message[1] = 0;
        assert_int_equal(tcpip_endpoint_write(ep, message, 7, 0, there, &done), TCPIP_ERR_INVALID_ARGUMENT);
        assert_int_equal(ask(ep, family->request, 1, (f == 0 ? 65515 : 65535) - 8, there), TCPIP_OK);
        assert_int_equal(ask(ep, family->request, 1, (f == 0 ? 65515 : 65535) - 7, there), TCPIP_ERR_MESSAGE_TOO_LONG);
        assert_int_equal(ask(ep, family->request, 1, 0, full(families[1 - f].theirs, 0)),
                         f == 0 ? TCPIP_ERR_ADDRESS_FAMILY_NOT_SUPPORTED : TCPIP_ERR_NETWORK_UNREACHABLE);
        assert_int_equal(tcpip_stack_new_endpoint(pair->a, family->transport, families[1 - f].network, &never),
                         TCPIP_ERR_UNKNOWN_PROTOCOL);
        pair_settle(pair);
        tcpip_endpoint_close(ep);
    }
}

static void a_view_is_sent_behind_a_header_of_our_own(void **state)
{
    struct pair *pair = *state;
    const struct family *family = &families[0];
    struct tcpip_endpoint *ep = datagram_new(pair->a, family->transport, family->network);
    struct tcpip_buffer *buffer = tcpip_buffer_new(pair->a, 100);
    struct tcpip_view view = {buffer, 10, 12};
    uint8_t reply[16];
    size_t done;
    memset(buffer->data, 0, 100);
    buffer->data[10] = family->request;
    memcpy(buffer->data + 18, "data", 4);
    assert_int_equal(tcpip_endpoint_write_view(ep, &view, 0, full(family->theirs, 0)), TCPIP_OK);
    assert_int_equal(tcpip_load_u16(buffer->data + 14), 0); /* the caller's bytes are the caller's */
    tcpip_buffer_unref(buffer);
    pair_settle(pair);
    assert_int_equal(tcpip_endpoint_read(ep, reply, sizeof(reply), &done, NULL), TCPIP_OK);
    assert_int_equal(done, 12);
    assert_memory_equal(reply + 8, "data", 4);
    tcpip_endpoint_close(ep);
}

static void a_reply_that_nobody_asked_for_is_dropped(void **state)
{
    struct pair *pair = *state;
    for (int f = 0; f < 2; f++) {
        struct tcpip_endpoint *ep = datagram_new(pair->a, families[f].transport, families[f].network);
        assert_int_equal(ask(ep, families[f].request, 1, 8, full(families[f].theirs, 0)), TCPIP_OK);
        tcpip_endpoint_close(ep);
    }
    pair_settle(pair);
    struct tcpip_stats stats;
    tcpip_stack_stats(pair->a, &stats);
    assert_int_equal(stats.drops[TCPIP_DROP_ICMP_NO_ENDPOINT], 2);
    assert_int_equal(stats.icmpv4.echo_request_sent, 1);
    assert_int_equal(stats.icmpv6.echo_request_sent, 1);
}

static void a_flood_of_replies_fills_a_queue_and_no_more(void **state)
{
    struct pair *pair = *state;
    const struct family *family = &families[0];
    struct tcpip_endpoint *ep = datagram_new(pair->a, family->transport, family->network);
    set_option(ep, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 8192);
    for (uint16_t i = 0; i < 100; i++)
        assert_int_equal(ask(ep, family->request, i, 56, full(family->theirs, 0)), TCPIP_OK);
    pair_settle(pair);
    struct tcpip_stats stats;
    uint32_t read = 0;
    while (read_error(ep) == TCPIP_OK)
        read++;
    tcpip_stack_stats(pair->a, &stats);
    assert_in_range(read, 3, 20);
    assert_int_equal(stats.drops[TCPIP_DROP_PING_QUEUE_FULL], 100 - read);
    assert_int_equal(stats.udp.receive_buffer_errors, 0);
    tcpip_endpoint_close(ep);
}

static void a_ping_hears_of_errors_about_itself_only(void **state)
{
    static struct wire wire;
    static uint8_t bytes[400];
    (void)state;
    wire_init(&wire, NULL, 0);
    for (int f = 0; f < 2; f++) {
        const struct family *family = &families[f];
        struct tcpip_endpoint *ep = datagram_new(wire.stack, family->transport, family->network);
        struct wire_error refused = {family->theirs, f == 0 ? 3 : 1, f == 0 ? 3 : 4, 0};
        uint32_t header = f == 0 ? 20 : 40;
        assert_int_equal(tcpip_endpoint_connect(ep, full(family->theirs, 0)), TCPIP_OK);
        for (int what = 0; what < 3; what++) {
            assert_int_equal(ask(ep, family->request, 1, 8, NULL), TCPIP_OK);
            assert_true(wire_collect(&wire));
            if (what == 1)
                wire.out[header + 5] ^= 1; /* another's identifier */
            if (what == 2)
                wire.out[header] = family->reply; /* which we never sent */
            wire_inject(&wire, bytes, wire_icmp_error(bytes, &refused, wire.out, wire.out_bytes));
            assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), what == 0 ? TCPIP_ERR_CONNECTION_REFUSED : TCPIP_OK);
        }
        tcpip_endpoint_close(ep);
    }
    wire_fini(&wire);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_echo_comes_back_to_whom_it_belongs),
        TEST(a_connected_ping_needs_no_destination),
        TEST(identifiers_are_reserved_like_ports),
        TEST(only_echo_requests_leave),
        TEST(a_view_is_sent_behind_a_header_of_our_own),
        TEST(a_reply_that_nobody_asked_for_is_dropped),
        cmocka_unit_test(a_ping_hears_of_errors_about_itself_only),
        TEST(a_flood_of_replies_fills_a_queue_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
