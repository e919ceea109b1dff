// SPDX-License-Identifier: MIT
/* udp_wire_test.c: UDP in bytes: headers that lie, checksums, ICMP errors true and forged, path MTUs, and what happens
 * when memory or the link's queue is used up. */
#include "datagrams.h"

#include <tcpip/header/checksum.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/udp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    wire_init(wire, NULL, 0);
    *state = wire;
    return 0;
}

static int teardown(void **state)
{
    struct wire *wire = *state;
    wire_fini(wire);
    free(wire);
    return 0;
}

static void inject_udp(struct wire *wire, const struct wire_udp *fields)
{
    static uint8_t bytes[2000];
    wire_inject(wire, bytes, wire_udp(bytes, fields));
}

/* ---- headers and checksums ---- */

static void a_header_that_lies_is_dropped_by_name(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 7);
    static const struct wire_udp lies[] = {
        {.destination_port = 7, .text = "x", .length = 7},  /* below its own size */
        {.destination_port = 7, .text = "x", .length = 10}, /* beyond the packet */
        {.destination_port = 7, .text = "x", .length = 65535},
        {.destination_port = 7, .cut = 1}, /* the packet ends inside the header */
        {.destination_port = 7, .cut = 8}, /* or before it */
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        inject_udp(wire, &lies[i]);
        assert_int_equal(wire_drops(wire, TCPIP_DROP_UDP_MALFORMED), i + 1);
        assert_int_equal(wire_stats(wire).udp.malformed_packets_received, i + 1);
        assert_int_equal(read_error(ep), TCPIP_ERR_WOULD_BLOCK);
    }
    assert_int_equal(wire_stats(wire).udp.packets_received, 0);
    assert_false(wire_collect(wire)); /* and nobody is told */
    tcpip_endpoint_close(ep);
}

static void bytes_behind_the_length_belong_to_nobody(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 7);
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .text = "mine", .bytes_behind = 5});
    assert_int_equal(expect_text(ep, "mine"), TCPIP_OK);
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .bytes_behind = 100});
    assert_int_equal(expect_text(ep, ""), TCPIP_OK);
    tcpip_endpoint_close(ep);
}

static void a_checksum_may_be_missing_over_ipv4_only(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp6_bound(wire->stack, "::", 7);
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .text = "four", .no_checksum = true});
    assert_int_equal(expect_text(ep, "four"), TCPIP_OK);
    inject_udp(wire,
               &(struct wire_udp){.destination = "fd00::1", .destination_port = 7, .text = "six", .no_checksum = true});
    assert_int_equal(wire_drops(wire, TCPIP_DROP_UDP_BAD_CHECKSUM), 1);
    inject_udp(wire, &(struct wire_udp){.destination = "fd00::1", .destination_port = 7, .text = "six"});
    assert_int_equal(expect_text(ep, "six"), TCPIP_OK);
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .text = "bad", .bad_checksum = true});
    inject_udp(
        wire, &(struct wire_udp){.destination = "fd00::1", .destination_port = 7, .text = "bad", .bad_checksum = true});
    assert_int_equal(wire_drops(wire, TCPIP_DROP_UDP_BAD_CHECKSUM), 3);
    assert_int_equal(wire_stats(wire).udp.checksum_errors, 3);
    assert_int_equal(read_error(ep), TCPIP_ERR_WOULD_BLOCK);
    /* Nor does a broken one draw an answer, where nobody listens. */
    inject_udp(wire, &(struct wire_udp){.destination_port = 8, .text = "bad", .bad_checksum = true});
    assert_false(wire_collect(wire));
    tcpip_endpoint_close(ep);
}

static bool out_checksum_ok(const struct wire *wire)
{
    bool v4 = wire->out[0] >> 4 == 4;
    const uint8_t *udp = wire->out + (v4 ? 20 : 40);
    size_t bytes = wire->out_bytes - (v4 ? 20 : 40);
    uint16_t sum = v4 ? tcpip_checksum_pseudo_v4(wire->out + 12, wire->out + 16, 17, (uint16_t)bytes)
                      : tcpip_checksum_pseudo_v6(wire->out + 8, wire->out + 24, 17, (uint32_t)bytes);
    return tcpip_checksum_ok(tcpip_checksum(udp, bytes, sum));
}

static void what_is_sent_sums_up_and_is_never_zero(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *v4 = udp4_new(wire->stack), *v6 = udp6_new(wire->stack);
    char text[3] = "ab";
    bool zero_seen = false;
    for (int i = 0; i < 65536; i++) { /* one of these sums to zero */
        size_t done;
        text[0] = (char)(i >> 8);
        text[1] = (char)i;
        assert_int_equal(tcpip_endpoint_write(v4, text, 2, 0, full("10.0.0.2", 7), &done), TCPIP_OK);
        assert_true(wire_collect(wire));
        assert_true(tcpip_load_u16(wire->out + 26) != 0);
        zero_seen = zero_seen || tcpip_load_u16(wire->out + 26) == 0xffff;
        assert_true(out_checksum_ok(wire));
    }
    assert_true(zero_seen);
    assert_int_equal(wire_stats(wire).udp.packets_sent, 65536);
    for (size_t bytes = 0; bytes < 200; bytes++) {
        assert_int_equal(send_bytes(v6, bytes, full("fd00::2", 7)), TCPIP_OK);
        assert_true(wire_collect(wire));
        assert_true(out_checksum_ok(wire));
    }
    set_option(v4, TCPIP_OPTION_CHECKSUM_OFF, 1);
    set_option(v6, TCPIP_OPTION_CHECKSUM_OFF, 1);
    assert_int_equal(send_text(v4, "x", full("10.0.0.2", 7)), TCPIP_OK);
    assert_true(wire_collect(wire));
    assert_int_equal(tcpip_load_u16(wire->out + 26), 0);
    assert_int_equal(send_text(v6, "x", full("fd00::2", 7)), TCPIP_OK); /* not over IPv6 */
    assert_true(wire_collect(wire));
    assert_true(out_checksum_ok(wire));
    assert_int_equal(send_text(v6, "x", full("10.0.0.2", 7)), TCPIP_OK); /* but over IPv4 */
    assert_true(wire_collect(wire));
    assert_int_equal(tcpip_load_u16(wire->out + 26), 0);
    tcpip_endpoint_close(v4);
    tcpip_endpoint_close(v6);
}

/* ---- errors about what we sent ---- */

static void nobodys_port_is_answered_with_the_quote(void **state)
{
    struct wire *wire = *state;
    static uint8_t bytes[200];
    struct wire_udp fields = {.source_port = 99, .destination_port = 7, .text = "hello"};
    size_t size = wire_udp(bytes, &fields);
    wire_inject(wire, bytes, size);
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out[20], TCPIP_ICMPV4_UNREACHABLE);
    assert_int_equal(wire->out[21], TCPIP_ICMPV4_PORT_UNREACHABLE);
    assert_memory_equal(wire->out + 28, bytes, size);
    fields.destination = "fd00::1";
    size = wire_udp(bytes, &fields);
    wire_inject(wire, bytes, size);
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out[40], TCPIP_ICMPV6_UNREACHABLE);
    assert_int_equal(wire->out[41], TCPIP_ICMPV6_PORT_UNREACHABLE);
    assert_memory_equal(wire->out + 48, bytes, size);
    assert_int_equal(wire_stats(wire).udp.unknown_port_errors, 2);
}

/* Sends from `ep` and lets an ICMP error about it come in. */
static void send_and_err(struct wire *wire, struct tcpip_endpoint *ep, const struct tcpip_full_address *to,
                         struct wire_error error)
{
    static uint8_t bytes[2000];
    assert_int_equal(send_text(ep, "payload", to), TCPIP_OK);
    assert_true(wire_collect(wire));
    wire_inject(wire, bytes, wire_icmp_error(bytes, &error, wire->out, wire->out_bytes));
}

struct expected {
    uint8_t type, code;
    uint32_t word;
    enum tcpip_error error;
    bool hard;
};
static const struct expected expected4[] = {
    {3, 0, 0, TCPIP_ERR_NETWORK_UNREACHABLE, false},  {3, 1, 0, TCPIP_ERR_HOST_UNREACHABLE, false},
    {3, 2, 0, TCPIP_ERR_PROTOCOL_UNREACHABLE, true},  {3, 3, 0, TCPIP_ERR_CONNECTION_REFUSED, true},
    {3, 4, 1400, TCPIP_ERR_MESSAGE_TOO_LONG, true},   {3, 6, 0, TCPIP_ERR_NETWORK_UNREACHABLE, true},
    {3, 7, 0, TCPIP_ERR_HOST_UNREACHABLE, true},      {3, 8, 0, TCPIP_ERR_HOST_UNREACHABLE, true},
    {3, 9, 0, TCPIP_ERR_NETWORK_UNREACHABLE, true},   {3, 10, 0, TCPIP_ERR_HOST_UNREACHABLE, true},
    {3, 11, 0, TCPIP_ERR_NETWORK_UNREACHABLE, false}, {3, 13, 0, TCPIP_ERR_HOST_UNREACHABLE, true},
    {11, 0, 0, TCPIP_ERR_HOST_UNREACHABLE, false},    {11, 1, 0, TCPIP_ERR_HOST_UNREACHABLE, false},
    {12, 0, 0, TCPIP_ERR_MALFORMED_HEADER, true},     {4, 0, 0, TCPIP_OK, false}, /* source quench, RFC 6633 */
};
static const struct expected expected6[] = {
    {1, 0, 0, TCPIP_ERR_NETWORK_UNREACHABLE, false}, {1, 1, 0, TCPIP_ERR_NOT_PERMITTED, true},
    {1, 3, 0, TCPIP_ERR_HOST_UNREACHABLE, false},    {1, 4, 0, TCPIP_ERR_CONNECTION_REFUSED, true},
    {2, 0, 1400, TCPIP_ERR_MESSAGE_TOO_LONG, true},  {3, 0, 0, TCPIP_ERR_HOST_UNREACHABLE, false},
    {4, 0, 0, TCPIP_ERR_MALFORMED_HEADER, true},     {4, 1, 0, TCPIP_ERR_PROTOCOL_UNREACHABLE, true},
};

static void each_error_is_told_to_whom_it_concerns(void **state)
{
    struct wire *wire = *state;
    for (int v6 = 0; v6 < 2; v6++) {
        const char *far = v6 ? "2001:db8::9" : "192.0.2.9", *router = v6 ? "fd00::fe" : "10.0.0.254";
        const struct expected *table = v6 ? expected6 : expected4;
        size_t n = v6 ? sizeof(expected6) / sizeof(expected6[0]) : sizeof(expected4) / sizeof(expected4[0]);
        for (size_t i = 0; i < n; i++) {
            struct wire_error error = {router, table[i].type, table[i].code, table[i].word};
            for (int asks = 0; asks < 2; asks++) {
                struct tcpip_endpoint *connected = v6 ? udp6_new(wire->stack) : udp4_new(wire->stack);
                struct tcpip_endpoint *open = v6 ? udp6_new(wire->stack) : udp4_new(wire->stack);
                set_option(connected, TCPIP_OPTION_RECEIVE_ERROR, asks);
                set_option(open, TCPIP_OPTION_RECEIVE_ERROR, asks);
                assert_int_equal(tcpip_endpoint_connect(connected, full(far, 7)), TCPIP_OK);
                send_and_err(wire, connected, NULL, error);
                send_and_err(wire, open, full(far, 7), error);
                assert_int_equal(get_option(connected, TCPIP_OPTION_ERROR),
                                 asks || table[i].hard ? table[i].error : TCPIP_OK);
                assert_int_equal(get_option(open, TCPIP_OPTION_ERROR), asks ? table[i].error : TCPIP_OK);
                tcpip_endpoint_close(connected);
                tcpip_endpoint_close(open);
            }
        }
    }
}

static void an_error_about_what_we_did_not_send_changes_nothing(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 7);
    static uint8_t quoted[200], bytes[400];
    assert_int_equal(tcpip_endpoint_connect(ep, full("192.0.2.9", 9)), TCPIP_OK);
    /* Forged: from our address, but another port here, another port there, another host. */
    static const struct wire_udp forged[] = {
        {"10.0.0.1", "192.0.2.9", 8, 9, "x", 0, 0, 0, false, false},
        {"10.0.0.1", "192.0.2.9", 7, 10, "x", 0, 0, 0, false, false},
        {"10.0.0.1", "192.0.2.10", 7, 9, "x", 0, 0, 0, false, false},
    };
    for (size_t i = 0; i < 3; i++) {
        size_t size = wire_udp(quoted, &forged[i]);
        struct wire_error refused = {"192.0.2.9", 3, 3, 0}, narrow = {"10.0.0.254", 3, 4, 1000};
        wire_inject(wire, bytes, wire_icmp_error(bytes, &refused, quoted, size));
        wire_inject(wire, bytes, wire_icmp_error(bytes, &narrow, quoted, size));
        assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_OK);
        assert_int_equal(get_option(ep, TCPIP_OPTION_PATH_MTU), 1500);
    }
    tcpip_endpoint_close(ep);
}

/* ---- path MTU ---- */

/* As send_and_err, about a datagram that fills the link. */
static void send_large_and_err(struct wire *wire, struct tcpip_endpoint *ep, size_t size, struct wire_error error)
{
    static uint8_t bytes[2000];
    assert_int_equal(send_bytes(ep, size, NULL), TCPIP_OK);
    assert_true(wire_collect(wire));
    wire_inject(wire, bytes, wire_icmp_error(bytes, &error, wire->out, wire->out_bytes));
}

static void a_packet_too_big_lowers_the_path_but_not_below_the_floor(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *v4 = udp4_new(wire->stack), *v6 = udp6_new(wire->stack);
    set_option(v4, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_PROBE);
    set_option(v6, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_PROBE);
    assert_int_equal(tcpip_endpoint_connect(v4, full("192.0.2.9", 7)), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(v6, full("2001:db8::9", 7)), TCPIP_OK);
    static const struct {
        uint32_t told, known;
    } path4[] = {{1400, 1400}, {1450, 1400}, {600, 600}, {100, 552}},
      path6[] = {{1400, 1400}, {1279, 1400}, {1280, 1280}};
    for (size_t i = 0; i < 4; i++) {
        send_large_and_err(wire, v4, 1472, (struct wire_error){"10.0.0.254", 3, 4, path4[i].told});
        assert_int_equal(get_option(v4, TCPIP_OPTION_PATH_MTU), path4[i].known);
        assert_int_equal(get_option(v4, TCPIP_OPTION_ERROR), TCPIP_ERR_MESSAGE_TOO_LONG);
    }
    for (size_t i = 0; i < 3; i++) {
        send_large_and_err(wire, v6, 1452, (struct wire_error){"fd00::fe", 2, 0, path6[i].told});
        assert_int_equal(get_option(v6, TCPIP_OPTION_PATH_MTU), path6[i].known);
        (void)get_option(v6, TCPIP_OPTION_ERROR);
    }
    tcpip_endpoint_close(v4);
    tcpip_endpoint_close(v6);
}

static void a_packet_too_big_about_what_was_small_enough_is_no_news(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    assert_int_equal(tcpip_endpoint_connect(ep, full("192.0.2.9", 7)), TCPIP_OK);
    send_and_err(wire, ep, NULL, (struct wire_error){"10.0.0.254", 3, 4, 1000}); /* 35 bytes were too big for 1000? */
    (void)get_option(ep, TCPIP_OPTION_ERROR);
    assert_int_equal(get_option(ep, TCPIP_OPTION_PATH_MTU), 1500);
    assert_int_equal(wire_stats(wire).path_mtu.refused, 1);
    /* Who doesn't want to know isn't told. */
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_INTERFACE);
    send_large_and_err(wire, ep, 1472, (struct wire_error){"10.0.0.254", 3, 4, 1000});
    (void)get_option(ep, TCPIP_OPTION_ERROR);
    assert_int_equal(get_option(ep, TCPIP_OPTION_PATH_MTU), 1500);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_DO);
    send_large_and_err(wire, ep, 1472, (struct wire_error){"10.0.0.254", 3, 4, 1000});
    (void)get_option(ep, TCPIP_OPTION_ERROR);
    assert_int_equal(get_option(ep, TCPIP_OPTION_PATH_MTU), 1000);
    tcpip_endpoint_close(ep);
}

/* The packets of one datagram: how many, and did the first forbid fragments? */
static int collect_all(struct wire *wire, bool *dont_fragment)
{
    int count = 0;
    while (wire_collect(wire)) {
        if (count++ == 0)
            *dont_fragment = (wire->out[6] & 0x40) != 0;
    }
    return count;
}

static void discovery_decides_who_may_cut(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack), *v6 = udp6_new(wire->stack);
    const struct tcpip_full_address *to = full("192.0.2.9", 7);
    bool df = false;
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, 0);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_false(df); /* routers may cut it */
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 2);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, 1);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_true(df);
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 2); /* too large for us: cut here */
    assert_false(df);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, 2);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_true(df);
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(collect_all(wire, &df), 0);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_PROBE);
    struct tcpip_path_mtu path = {.destination = to->address, .mtu = 1000};
    assert_int_equal(tcpip_stack_set_path_mtu(wire->stack, &path), TCPIP_OK);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK); /* the path as known doesn't count */
    assert_int_equal(collect_all(wire, &df), 1);
    assert_true(df);
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_ERR_MESSAGE_TOO_LONG);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_INTERFACE);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_false(df);
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_ERR_MESSAGE_TOO_LONG);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_OMIT);
    assert_int_equal(send_bytes(ep, 1472, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_false(df);
    assert_int_equal(send_bytes(ep, 1473, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 2);
    assert_false(df);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_DO);
    assert_int_equal(send_bytes(ep, 973, to), TCPIP_ERR_MESSAGE_TOO_LONG); /* here it does */
    path.narrow = true;
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, TCPIP_PATH_MTU_WANT);
    assert_int_equal(tcpip_stack_set_path_mtu(wire->stack, &path), TCPIP_OK);
    assert_int_equal(send_bytes(ep, 972, to), TCPIP_OK);
    assert_int_equal(collect_all(wire, &df), 1);
    assert_false(df); /* somebody further on has to cut it */
    assert_int_equal(tcpip_stack_remove_path_mtu(wire->stack, 0, &to->address), TCPIP_OK);
    set_option(v6, TCPIP_OPTION_PATH_MTU_DISCOVERY, 2);
    assert_int_equal(send_bytes(v6, 1452, full("fd00::2", 7)), TCPIP_OK);
    assert_int_equal(send_bytes(v6, 1453, full("fd00::2", 7)), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(send_bytes(v6, 1472, to), TCPIP_OK); /* to IPv4 its header is the smaller one */
    assert_int_equal(send_bytes(v6, 1473, to), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(wire_stats(wire).udp.packet_send_errors, 6);
    tcpip_endpoint_close(ep);
    tcpip_endpoint_close(v6);
}

/* ---- the end of resources ---- */

static void a_full_link_queue_is_said(void **state)
{
    struct tcpip_limits limits;
    static struct wire wire;
    int sent = 0;
    (void)state;
    tcpip_limits_tiny(&limits);
    limits.nic_queue_packets = 8;
    wire_init(&wire, &limits, 4);
    struct tcpip_endpoint *ep = udp4_new(wire.stack);
    enum tcpip_error error;
    while ((error = send_text(ep, "x", full("10.0.0.2", 7))) == TCPIP_OK)
        sent++;
    assert_int_equal(error, TCPIP_ERR_NO_BUFFER_SPACE);
    assert_int_equal(sent, 12);
    assert_int_equal(wire_stats(&wire).udp.packet_send_errors, 1);
    assert_int_equal(wire_drops(&wire, TCPIP_DROP_QUEUE_FULL), 0);
    assert_true(wire_collect(&wire) && wire_collect(&wire)); /* half of what the link holds: it goes on */
    assert_int_equal(send_text(ep, "x", full("10.0.0.2", 7)), TCPIP_OK);
    tcpip_endpoint_close(ep);
    wire_fini(&wire);
}

/* Everything an endpoint does once; errors are fine, leaks and crashes aren't. */
static void exercise(struct wire *wire)
{
    struct tcpip_endpoint *ep, *peer;
    struct tcpip_view views[2];
    size_t done, count = 2;
    if (tcpip_stack_new_endpoint(wire->stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6, &ep) != TCPIP_OK)
        return;
    if (tcpip_stack_new_endpoint(wire->stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &peer) == TCPIP_OK) {
        enum tcpip_error error = tcpip_endpoint_bind(peer, full("10.0.0.1", 7), NULL, NULL);
        error = tcpip_endpoint_set_option(ep, TCPIP_OPTION_TTL, 3);
        error = tcpip_endpoint_join_group(ep, 1, &full("ff02::77", 0)->address);
        error = send_bytes(ep, 3000, full("10.0.0.2", 7));
        error = send_text(ep, "to ourselves", full("10.0.0.1", 7));
        error = send_bytes(ep, 500, full("10.0.0.1", 7));
        error = tcpip_endpoint_connect(ep, full("fd00::2", 7));
        error = send_text(ep, "connected", NULL);
        error = tcpip_endpoint_read_views(peer, views, &count, 100, &done, NULL);
        for (size_t i = 0; i < count; i++)
            tcpip_buffer_unref(views[i].buffer);
        error = read_error(peer);
        error = tcpip_endpoint_connect(ep, full("10.0.0.1", 7));
        error = send_text(ep, "again", NULL);
        (void)error;
        tcpip_endpoint_close(peer);
    }
    while (wire_collect(wire))
        ;
    tcpip_endpoint_close(ep);
}

static void whichever_allocation_fails_nothing_leaks(void **state)
{
    static struct wire wire;
    bool ran_out = true;
    (void)state;
    for (uint64_t k = 1; ran_out; k++) {
        wire_init(&wire, NULL, 0);
        test_env_fail(&wire.world, k, k % 2 == 0);
        exercise(&wire);
        ran_out = wire.world.failed > 0;
        test_env_fail(&wire.world, 0, false);
        exercise(&wire); /* and it still works */
        wire_fini(&wire);
    }
}

static void small_datagrams_pin_little_memory(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 7);
    static uint8_t bytes[64];
    size_t size = wire_udp(bytes, &(struct wire_udp){.destination_port = 7, .text = "tiny"});
    for (int i = 0; i < 100; i++) {
        struct tcpip_packet *packet = tcpip_packet_new(wire->stack);
        struct tcpip_buffer *huge = tcpip_buffer_new(wire->stack, 65536);
        memcpy(huge->data, bytes, size);
        assert_true(tcpip_packet_append_view(packet, (struct tcpip_view){huge, 0, (uint32_t)size}));
        tcpip_channel_inject(wire->link, packet);
    }
    uint32_t read = 0;
    assert_true(wire_stats(wire).memory_bytes < 1000000); /* not 100 times 64 KB */
    while (expect_text(ep, "tiny") == TCPIP_OK)
        read++;
    assert_int_equal(read, 100);
    tcpip_endpoint_close(ep);
}

/* ---- the default handler ---- */

static bool take_it(void *ctx, struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    int *taken = ctx;
    assert_int_equal(tcpip_nic_id(nic), 1);
    if ((*taken)++ > 0)
        return false;
    tcpip_packet_free(packet);
    return true;
}

static void a_default_handler_comes_before_the_answer(void **state)
{
    struct wire *wire = *state;
    int taken = 0;
    assert_int_equal(tcpip_stack_set_transport_handler(wire->stack, TCPIP_PROTOCOL_UDP, take_it, &taken), TCPIP_OK);
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .text = "x"});
    assert_int_equal(taken, 1);
    assert_false(wire_collect(wire));
    inject_udp(wire, &(struct wire_udp){.destination_port = 7, .text = "x"});
    assert_int_equal(taken, 2);
    assert_true(wire_collect(wire)); /* left to its fate */
}

/* ---- random bytes ---- */

static void random_headers_never_do_harm(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp6_bound(wire->stack, "::", 7);
    static uint8_t bytes[300], quoted[400];
    for (int i = 0; i < 20000; i++) {
        uint64_t dice = test_env_random(&wire->world);
        bool v6 = (dice & 1) != 0;
        struct wire_udp fields = {.destination = v6 ? "fd00::1" : "10.0.0.1",
                                  .source_port = (uint16_t)(dice >> 8),
                                  .destination_port = 7,
                                  .text = "some bytes"};
        size_t size = wire_udp(bytes, &fields), header = v6 ? 40 : 20;
        for (uint64_t flips = dice >> 60; flips > 0; flips--) {
            uint64_t where = test_env_random(&wire->world);
            bytes[header + where % (size - header)] ^= (uint8_t)(1u << (where >> 32 & 7));
        }
        if ((dice >> 32 & 3) == 0) { /* as the quote of an error */
            struct wire_error error = {v6 ? "fd00::2" : "10.0.0.2", v6 ? 1 : 3, (uint8_t)(dice >> 40 & 7), 1300};
            memcpy(quoted, bytes, size);
            size = wire_icmp_error(bytes, &error, quoted, size);
        }
        wire_inject(wire, bytes, size);
        while (wire_collect(wire))
            ;
        while (read_error(ep) == TCPIP_OK)
            ;
    }
    struct tcpip_stats stats = wire_stats(wire);
    assert_true(stats.udp.packets_received > 0 && stats.udp.checksum_errors > 0);
    assert_true(stats.udp.malformed_packets_received > 0);
    tcpip_endpoint_close(ep);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_header_that_lies_is_dropped_by_name),
        TEST(bytes_behind_the_length_belong_to_nobody),
        TEST(a_checksum_may_be_missing_over_ipv4_only),
        TEST(what_is_sent_sums_up_and_is_never_zero),
        TEST(nobodys_port_is_answered_with_the_quote),
        TEST(each_error_is_told_to_whom_it_concerns),
        TEST(an_error_about_what_we_did_not_send_changes_nothing),
        TEST(a_packet_too_big_lowers_the_path_but_not_below_the_floor),
        TEST(a_packet_too_big_about_what_was_small_enough_is_no_news),
        TEST(discovery_decides_who_may_cut),
        cmocka_unit_test(a_full_link_queue_is_said),
        cmocka_unit_test(whichever_allocation_fails_nothing_leaks),
        TEST(small_datagrams_pin_little_memory),
        TEST(a_default_handler_comes_before_the_answer),
        TEST(random_headers_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
