// SPDX-License-Identifier: MIT
/* script_test.c: what the player of packet scripts reads, builds and compares, without a stack. What it does with one
 * is tested by scripts that must fail (must-fail/). */
#include "flow.h"
#include "parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ends ends_v4 = {.local = {192, 0, 2, 1}, .remote = {198, 51, 100, 2}};
static const struct ends ends_v6 = {.v6 = true, .local = {0x20, 1, [15] = 1}, .remote = {0x20, 1, [15] = 2}};

static struct script *parse_good(const char *text)
{
    char error[512] = "";
    struct script *script = script_parse(text, "test.pkt", error);
    if (script == NULL)
        fail_msg("%s", error);
    return script;
}

static void expect_error(const char *text, const char *says)
{
    char error[512] = "";
    struct script *script = script_parse(text, "test.pkt", error);
    if (script != NULL)
        fail_msg("'%s' was read", text);
    if (strstr(error, says) == NULL)
        fail_msg("'%s' gave '%s', not '%s'", text, error, says);
}

static void test_times_are_exact(void **state)
{
    (void)state;
    struct script *script = parse_good("0.000001 quiet\n+.1 quiet\n12 quiet\n+0...0.3 close(3) = 0\n"
                                       "+.1~+.25 > . 1:1(0)\n* > R 1:1(0)\n+1.999999999 quiet // later\n");
    const struct event *e = script->events;
    assert_true(!e->when.relative && e->when.at == 1000);
    e = e->next;
    assert_true(e->when.relative && e->when.at == 100 * TCPIP_MS);
    e = e->next;
    assert_int_equal(e->when.at, 12 * TCPIP_SECOND);
    e = e->next;
    assert_true(e->when.span == SPAN_BLOCKING && e->when.at == 0 && e->when.end == 300 * TCPIP_MS);
    e = e->next;
    assert_true(e->when.span == SPAN_RANGE && e->when.at == 100 * TCPIP_MS && e->when.end == 250 * TCPIP_MS);
    e = e->next;
    assert_true(e->when.span == SPAN_ANY);
    e = e->next;
    assert_int_equal(e->when.at, 1999999999);
    assert_int_equal(e->place.line, 7);
    script_free(script);
}

static void test_a_call_is_read_with_its_arguments_and_its_error(void **state)
{
    (void)state;
    struct script *script = parse_good("+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
                                       "+0 recv(4, ..., 100, MSG_PEEK|MSG_DONTWAIT) = -1 EAGAIN (Try (again))\n"
                                       "+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10},\n"
                                       "               {..., 20}], msg_flags=0}, 0) = 30\n");
    const struct call_spec *call = &script->events->as.call;
    assert_string_equal(call->name, "setsockopt");
    assert_int_equal(call->arguments.count, 5);
    assert_string_equal(call->arguments.items[3].items[0].key, "onoff");
    assert_int_equal(call->arguments.items[3].items[0].number, 1);
    call = &script->events->next->as.call;
    assert_int_equal(call->arguments.items[1].kind, EXPR_ELLIPSIS);
    assert_true(call->result == -1 && call->error != 0);
    call = &script->events->next->next->as.call;
    assert_int_equal(call->arguments.items[1].items[1].items[1].items[1].number, 20);
    script_free(script);
}

static void test_what_is_wrong_in_a_script_is_said_with_its_line(void **state)
{
    (void)state;
    expect_error("", "no event");
    expect_error("+0 quiet\n+0 < S 0:10(9)\n", "test.pkt:2: from 0 to 10 are not 9 bytes");
    expect_error("+0 < X 0:0(0)", "aren't TCP flags");
    expect_error("+0 < S 0:0(0) <mss 1460,foo>", "what TCP option is 'foo'");
    expect_error("+0 < S 0:0(0) win 70000", "16-bit");
    expect_error("+0 > [badsum] S 0:0(0)", "no wrong checksum");
    expect_error("+0 < S 0:0(0) nonsense", "behind the event");
    expect_error("+0 < R 0:0(0) ack 1", "without the flag");
    expect_error("+0 read(3, ..., 10) = -1 EFOO", "no errno");
    expect_error("+0 read(3, ..., 10) = 5 EAGAIN", "isn't -1");
    expect_error("+0 read(3, FOO) = 0", "what is FOO");
    expect_error("+0 ...", "expected a time");
    expect_error("+0...1 > . 1:1(0)", "only a call takes time");
    expect_error("* close(3) = 0", "when it likes");
    expect_error("+2~+1 > . 1:1(0)", "ends before it begins");
    expect_error("--set=NOTHING=1\n+0 quiet", "no option is called NOTHING");
    expect_error("--nothing=1\n+0 quiet", "no option is called --nothing");
    expect_error("+0 quiet\n--mtu=1500\n", "before the events");
    expect_error("+0 %{ tcpi_state ! 3 }%", "expected a comparison");
    expect_error("+0 < icmp unreachable nowhere", "no ICMP message");
    expect_error("include \"missing.inc\"\n+0 quiet", "can't read missing.inc");
    expect_error("+0 /* open\n quiet", "doesn't end");
}

static void test_options_of_the_whole_script_are_read(void **state)
{
    (void)state;
    struct script *script =
        parse_good("--ip_version=ipv6\n--mtu=1400\n--tolerance_usecs=5\n--set=MIN_RTO=200\n--set=SYN_COUNT=3\n"
                   "--limit=syn_received=1\n--flow=2:40002:9000\n--forward=defer\n// fails: so it does\n+0 quiet\n");
    assert_int_equal(script->ip_versions, IP_V6);
    assert_int_equal(script->mtu, 1400);
    assert_int_equal(script->tolerance, 5000);
    assert_int_equal(script->sets[0].value, 200 * TCPIP_MS);
    assert_int_equal(script->sets[1].value, 3);
    assert_int_equal(script->limits[0].value, 1);
    assert_int_equal(script->flows[2].local_port, 9000);
    assert_int_equal(script->forward, FORWARD_DEFER);
    assert_string_equal(script->fails, "so it does");
    script_free(script);
}

/* A flow in the midst of a connection, with numbers that wrap. */
static struct flow some_flow(void)
{
    struct flow flow = {
        .bound = true,
        .local_port = 8080,
        .remote_port = 40000,
        .remote_offset = 0xffffff00,
        .local_offset = 0xfffffff0,
        .remote_ts_offset = 0xfffffff8,
        .local_ts_offset = 77,
        .local_known = true,
        .local_ts_known = true,
        .remote_started = true,
    };
    return flow;
}

static size_t build_inbound(struct flow *flow, const struct ends *ends, const char *text, uint8_t *out)
{
    struct script *script = parse_good(text);
    size_t size = flow_build_inbound(flow, ends, &script->events->as.packet, out);
    script_free(script);
    return size;
}

static uint8_t packet[WIRE_BYTES_MAX];

static void test_what_the_peer_sends_is_on_the_wire_as_it_is_written(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>",
        "< P. 300:1300(1000) ack 17 win 512 <nop,nop,TS val 100 ecr 200>",
        "< . 1:1(0) ack 1 win 0 <nop,nop,sack 1001:2001 3001:4001>",
        "< FRP.UEWA 5:6(1) ack 0 win 1 urg 9",
        "< - 5:5(0) win 1",
        "< . 1:1(0) ack 1 win 1 <kind 77 0102,eol,eol,eol,eol>",
        "< S 0:0(0) win 1 <raw 4d00eeee>",
        "< udp (100)",
    };
    for (size_t i = 0; i < 2 * sizeof lines / sizeof lines[0]; i++) {
        const struct ends *ends = i % 2 == 0 ? &ends_v4 : &ends_v6;
        struct flow flow = some_flow();
        char text[256], printed[512];
        snprintf(text, sizeof text, "+0 %s", lines[i / 2]);
        size_t size = build_inbound(&flow, ends, text, packet);
        struct wire_view view;
        const char *wrong = wire_read(packet, size, &view);
        if (wrong != NULL)
            fail_msg("%s: %s", lines[i / 2], wrong);
        flow_print(&flow, ends, &view, printed, sizeof printed);
        assert_string_equal(printed, lines[i / 2]);
    }
}

static void test_a_window_that_is_not_said_is_the_last_one(void **state)
{
    (void)state;
    struct flow flow = some_flow();
    struct wire_view view;
    build_inbound(&flow, &ends_v4, "+0 < . 1:1(0) ack 1 win 777", packet);
    size_t size = build_inbound(&flow, &ends_v4, "+0 < . 1:1(0) ack 1", packet);
    assert_null(wire_read(packet, size, &view));
    assert_int_equal(view.tcp.window, 777);
}

static void test_a_spoiled_checksum_is_seen(void **state)
{
    (void)state;
    struct flow flow = some_flow();
    struct wire_view view;
    size_t size = build_inbound(&flow, &ends_v6, "+0 < [badsum] . 1:11(10) ack 1 win 777", packet);
    assert_string_equal(wire_read(packet, size, &view), "transport checksum is wrong");
    size = build_inbound(&flow, &ends_v4, "+0 < . 1:11(10) ack 1 win 777", packet);
    for (size_t i = 0; i < size; i++) { /* any bit of the packet */
        packet[i] ^= 4;
        assert_non_null(wire_read(packet, size, &view));
        packet[i] ^= 4;
    }
    assert_null(wire_read(packet, size, &view));
}

/* Builds the packet that `text` expects, as if the stack had sent it. */
static size_t build_outbound(const struct flow *flow, const char *text, uint8_t *out)
{
    static const uint8_t header[60] = {[12] = 0x50};
    struct script *script = parse_good(text);
    const struct packet_spec *spec = &script->events->as.packet;
    struct wire_view like = {.upper = header, .ip = {.tos = 2, .ttl = 64, .dont_fragment = true}};
    like.tcp.header_bytes = 20;
    size_t size = flow_build_expected(flow, &ends_v4, spec, &like, out);
    struct wire_view view;
    assert_null(wire_read(out, size, &view));
    if (spec->kind == PACKET_TCP) { /* with the right bytes */
        static uint8_t payload[65536];
        payload_fill(payload, spec->length, false, spec->sequence - 1);
        uint8_t options[40];
        size_t option_bytes = view.tcp.header_bytes - 20u;
        memcpy(options, view.upper + 20, option_bytes);
        struct tcpip_tcp_fields fields = view.tcp;
        struct wire_ip ip = like.ip;
        ip.source = ends_v4.local;
        ip.destination = ends_v4.remote;
        size = wire_build_tcp(out, &ip, &fields, options, option_bytes, payload, spec->length);
    }
    script_free(script);
    return size;
}

static bool match(const char *expected, const char *sent, char *why)
{
    struct flow flow = some_flow();
    struct wire_view view;
    size_t size = build_outbound(&flow, sent, packet);
    assert_null(wire_read(packet, size, &view));
    struct script *script = parse_good(expected);
    bool same = flow_match(&flow, &ends_v4, &script->events->as.packet, &view, why);
    script_free(script);
    return same;
}

static void test_what_is_sent_matches_what_says_the_same(void **state)
{
    (void)state;
    char why[300] = "";
    assert_true(match("+0 > P. 1:1001(1000) ack 1 win 100 <nop,nop,TS val 5 ecr 6>",
                      "+0 > P. 1:1001(1000) ack 1 win 100 <nop,nop,TS val 5 ecr 6>", why));
    assert_true(match("+0 > . 1:1001(1000) ack 1", "+0 > . 1:1001(1000) ack 1 win 100", why));
    assert_true(match("+0 > P.", "+0 > P. 1:1001(1000) ack 1 win 100", why));
    assert_true(match("+0 > . 1:1(0) ack 1 <...>", "+0 > . 1:1(0) ack 1 <nop,nop,sack 5:6>", why));
    assert_true(
        match("+0 > . 1:1(0) ack 1 <nop,nop,TS val * ecr *>", "+0 > . 1:1(0) ack 1 <nop,nop,TS val 99 ecr 98>", why));
    assert_true(match("+0 > [ect0,ttl 64,df] . 1:1(0) ack 1", "+0 > . 1:1(0) ack 1", why));
    assert_true(match("+0 > udp (10)", "+0 > udp (10)", why) || strstr(why, "payload") != NULL);
}

static void test_each_difference_is_seen_and_named(void **state)
{
    (void)state;
    static const struct {
        const char *expected, *why;
    } cases[] = {
        {"+0 > . 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "flags"},
        {"+0 > P. 2:1002(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "sequence number is 1, not 2"},
        {"+0 > P. 1:1002(1001) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "length is 1000, not 1001"},
        {"+0 > P. 1:1001(1000) ack 2 win 9 <nop,nop,TS val 5 ecr 6>", "ack is 1, not 2"},
        {"+0 > P. 1:1001(1000) ack 1 win 8 <nop,nop,TS val 5 ecr 6>", "win is 9, not 8"},
        {"+0 > P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 6 ecr 6>", "options"},
        {"+0 > P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 7>", "options"},
        {"+0 > P. 1:1001(1000) ack 1 win 9 <TS val 5 ecr 6,nop,nop>", "options"},
        {"+0 > P. 1:1001(1000) ack 1 win 9", "options"},
        {"+0 > P. 1:1001(1000) ack 1 win 9 urg 1 <nop,nop,TS val 5 ecr 6>", "urg"},
        {"+0 > [ce] P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "ECN"},
        {"+0 > [tos 8] P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "TOS"},
        {"+0 > [ttl 63] P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "TTL"},
        {"+0 > [nodf] P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", "DF"},
        {"+0 > udp (1000)", "protocol"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[300] = "";
        if (match(cases[i].expected, "+0 > P. 1:1001(1000) ack 1 win 9 <nop,nop,TS val 5 ecr 6>", why))
            fail_msg("'%s' matched", cases[i].expected);
        if (strstr(why, cases[i].why) == NULL)
            fail_msg("'%s': '%s', not '%s'", cases[i].expected, why, cases[i].why);
    }
}

static void test_wrong_bytes_of_payload_are_seen(void **state)
{
    (void)state;
    struct flow flow = some_flow();
    struct wire_view view;
    char why[300] = "";
    size_t size = build_outbound(&flow, "+0 > P. 1:1001(1000) ack 1 win 9", packet);
    struct script *script = parse_good("+0 > P. 1:1001(1000) ack 1 win 9");
    assert_null(wire_read(packet, size, &view));
    assert_true(flow_match(&flow, &ends_v4, &script->events->as.packet, &view, why));
    packet[size - 300] ^= 1;
    assert_false(flow_match(&flow, &ends_v4, &script->events->as.packet, &view, why));
    assert_non_null(strstr(why, "byte 700 of the payload"));
    script_free(script);
}

static void test_offsets_are_learned_once_from_the_first_syn(void **state)
{
    (void)state;
    struct flow flow = {.bound = true, .local_port = 1, .remote_port = 2}, wire = flow;
    struct wire_view view;
    char why[300];
    struct script *script = parse_good("+0 > S 0:0(0) win 9 <nop,nop,TS val 10 ecr 0>\n");
    wire.local_offset = 0xffffffff;
    wire.local_ts_offset = 1000;
    size_t size = build_outbound(&wire, "+0 > S 0:0(0) win 9 <nop,nop,TS val 10 ecr 0>", packet);
    assert_null(wire_read(packet, size, &view));
    assert_true(flow_match(&flow, &ends_v4, &script->events->as.packet, &view, why));
    assert_true(flow.local_known && flow.local_offset == 0xffffffff && flow.local_ts_offset == 1000);
    wire.local_offset = 0;
    size = build_outbound(&wire, "+0 > S 0:0(0) win 9 <nop,nop,TS val 10 ecr 0>", packet);
    assert_null(wire_read(packet, size, &view));
    assert_false(flow_match(&flow, &ends_v4, &script->events->as.packet, &view, why));
    script_free(script);
}

static void test_no_text_breaks_the_parser(void **state)
{
    (void)state;
    static const char text[] =
        "--set=MIN_RTO=200\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, \"*:80\", ...) = 0 // x\n"
        "+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>\n"
        "+.1~+.2 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 2,sack 1:2,raw 00>\n"
        "+0 < icmp unreachable frag_needed mtu 1400 [1:2(1)]\n+0 %{ assert tcpi_state == ESTABLISHED }%\n"
        "+0...1 sendmsg(3, {msg_iov(1)=[{..., 5}]}, MSG_MORE|MSG_EOR) = -1 EPIPE (Broken pipe)\n";
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char broken[sizeof text], error[512];
        memcpy(broken, text, sizeof text);
        for (int i = 0; i < 1 + round % 3; i++) {
            random = random * 1664525 + 1013904223;
            size_t at = (random >> 8) % (sizeof text - 1);
            broken[at] = text[(random >> 16) % (sizeof text - 1)];
            if (random % 13 == 0)
                broken[at] = 0;
        }
        struct script *script = script_parse(broken, "test.pkt", error);
        if (script != NULL) {
            for (struct event *event = script->events; event != NULL; event = event->next) {
                char line[600];
                struct flow flow = some_flow();
                if (event->kind == EVENT_INBOUND)
                    flow_build_inbound(&flow, &ends_v4, &event->as.packet, packet);
                if (event->kind == EVENT_OUTBOUND)
                    flow_print_spec(&event->as.packet, line, sizeof line);
            }
            script_free(script);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_exact),
        cmocka_unit_test(test_a_call_is_read_with_its_arguments_and_its_error),
        cmocka_unit_test(test_what_is_wrong_in_a_script_is_said_with_its_line),
        cmocka_unit_test(test_options_of_the_whole_script_are_read),
        cmocka_unit_test(test_what_the_peer_sends_is_on_the_wire_as_it_is_written),
        cmocka_unit_test(test_a_window_that_is_not_said_is_the_last_one),
        cmocka_unit_test(test_a_spoiled_checksum_is_seen),
        cmocka_unit_test(test_what_is_sent_matches_what_says_the_same),
        cmocka_unit_test(test_each_difference_is_seen_and_named),
        cmocka_unit_test(test_wrong_bytes_of_payload_are_seen),
        cmocka_unit_test(test_offsets_are_learned_once_from_the_first_syn),
        cmocka_unit_test(test_no_text_breaks_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
