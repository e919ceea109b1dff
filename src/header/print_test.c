// SPDX-License-Identifier: MIT
/* print_test.c: packets and the lines they make, and any bytes at all, cut anywhere. */
#include <tcpip/header/print.h>

#include "header_test.h"

#include <tcpip/header/arp.h>
#include <tcpip/header/ethernet.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/igmp.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/mld.h>
#include <tcpip/header/ndp.h>
#include <tcpip/header/tcp.h>
#include <tcpip/header/udp.h>

static const uint8_t a4[4] = {10, 0, 0, 1}, b4[4] = {10, 0, 0, 2};
static const uint8_t a6[16] = {0xfe, 0x80, [15] = 1}, b6[16] = {0xfe, 0x80, [15] = 2};

struct packet {
    uint8_t bytes[400];
    size_t size;
};

static void prints_as(const struct packet *packet, uint32_t protocol, const char *expected)
{
    char text[TCPIP_PACKET_TEXT_MAX];
    uint8_t *exact = exact_copy(packet->bytes, packet->size);
    size_t length = tcpip_packet_print(text, sizeof text, exact, packet->size, protocol);
    free(exact);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

/* An IPv4 packet with `size` zero bytes behind its header; returns where they begin. */
static uint8_t *ipv4(struct packet *packet, uint8_t protocol, size_t size)
{
    memset(packet, 0, sizeof *packet);
    packet->size = 20 + size;
    tcpip_ipv4_encode(packet->bytes, &(struct tcpip_ipv4_fields){
                                         .ttl = 64,
                                         .protocol = protocol,
                                         .total_length = (uint16_t)packet->size,
                                         .id = 99,
                                         .source = a4,
                                         .destination = b4,
                                     });
    return packet->bytes + 20;
}

static uint8_t *ipv6(struct packet *packet, uint8_t protocol, size_t size)
{
    memset(packet, 0, sizeof *packet);
    packet->size = 40 + size;
    tcpip_ipv6_encode(packet->bytes, &(struct tcpip_ipv6_fields){
                                         .next_header = protocol,
                                         .hop_limit = 255,
                                         .payload_length = (uint16_t)size,
                                         .source = a6,
                                         .destination = b6,
                                     });
    return packet->bytes + 40;
}

static void tcp(uint8_t *p, uint16_t flags, size_t options_bytes)
{
    tcpip_tcp_encode(p, &(struct tcpip_tcp_fields){
                            .source_port = 1234,
                            .destination_port = 80,
                            .sequence = 1,
                            .acknowledgment = 7,
                            .flags = flags,
                            .header_bytes = (uint8_t)(20 + options_bytes),
                            .window = 65535,
                            .urgent = 3,
                        });
}

static void test_tcp_handshakes(void **state)
{
    (void)state;
    struct packet packet;
    struct tcpip_tcp_options options = {
        .present =
            TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_WINDOW_SCALE,
        .mss = 1460,
        .window_scale = 7,
        .ts_val = 1,
    };
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 40);
    tcp(p, TCPIP_TCP_SYN, 20);
    tcpip_tcp_options_emit(p + 20, &options);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1, win 65535, options [mss 1460,sackOK,TS val 1 ecr "
              "0,nop,wscale 7], length 0");
    tcp(p, TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_ECE, 20);
    tcpip_tcp_options_emit(p + 20, &options);
    prints_as(&packet, TCPIP_PRINT_IP,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S.E], seq 1, ack 7, win 65535, options [mss 1460,sackOK,TS val 1 "
              "ecr 0,nop,wscale 7], length 0");
}

static void test_tcp_segments(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 120);
    tcp(p, TCPIP_TCP_ACK | TCPIP_TCP_PSH, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [P.], seq 1:101, ack 7, win 65535, length 100");
    tcp(p, TCPIP_TCP_FLAGS, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [FSRP.UEWe], seq 1:101, ack 7, win 65535, urg 3, length 100");
    p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 20);
    tcp(p, TCPIP_TCP_ACK, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], ack 7, win 65535, length 0");
    tcp(p, 0, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [none], win 65535, length 0");
    p = ipv6(&packet, TCPIP_PROTOCOL_TCP, 20);
    tcp(p, TCPIP_TCP_RST, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6, "IP6 fe80::1.1234 > fe80::2.80: Flags [R], seq 1, win 65535, length 0");
}

static void test_tcp_options(void **state)
{
    (void)state;
    struct packet packet;
    static const uint8_t options[] = {5,  18, 0,    0,    0, 1, 0,   0, 0, 2, 0, 0,  0, 3, 0, 0, 0, 4, 34, 2,
                                      34, 6,  0xab, 0xcd, 1, 2, 172, 5, 0, 0, 9, 77, 3, 5, 0, 0, 0, 0, 0,  0};
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 60);
    tcp(p, TCPIP_TCP_ACK, 40);
    memcpy(p + 20, options, 40);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], ack 7, win 65535, options [sack 2 {1:2}{3:4},tfo  "
              "cookiereq,tfo  cookie abcd0102,accecn0 9,unknown-77 0x05,eol], length 0");
    p[21] = 200;
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], ack 7, win 65535, options [[bad opt]], length 0");
    p[12] = 0x40;
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], bad hdr length 16");
}

static void test_udp(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_UDP, 20);
    tcpip_udp_encode(p, &(struct tcpip_udp_fields){53, 1234, 20, 0});
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.53 > 10.0.0.2.1234: UDP, length 12");
    tcpip_udp_set_length(p, 30);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.53 > 10.0.0.2.1234: UDP, bad length 22 > 12");
    tcpip_udp_set_length(p, 7);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.53 > 10.0.0.2.1234: UDP, bad length 7");
}

static void test_arp(void **state)
{
    (void)state;
    struct packet packet = {.size = TCPIP_ARP_BYTES};
    static const uint8_t station[6] = {2, 0, 0, 0, 0, 1};
    struct tcpip_arp_fields fields = {TCPIP_ARP_REQUEST, station, NULL, a4, b4};
    tcpip_arp_encode(packet.bytes, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_ARP, "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28");
    fields.operation = TCPIP_ARP_REPLY;
    tcpip_arp_encode(packet.bytes, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_ARP, "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28");
}

static void test_ethernet(void **state)
{
    (void)state;
    struct packet packet, frame = {.size = 14 + 28};
    static const uint8_t stations[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    tcpip_ethernet_encode(frame.bytes, &(struct tcpip_ethernet_fields){stations, stations + 6, TCPIP_PROTOCOL_IPV4});
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_UDP, 8);
    tcpip_udp_encode(p, &(struct tcpip_udp_fields){53, 1234, 8, 0});
    memcpy(frame.bytes + 14, packet.bytes, 28);
    prints_as(&frame, TCPIP_PRINT_ETHERNET,
              "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 42: 10.0.0.1.53 > "
              "10.0.0.2.1234: UDP, length 0");
    tcpip_store_u16(frame.bytes + 12, TCPIP_ETHERNET_TYPE_VLAN);
    tcpip_store_u32(frame.bytes + 14, 0x20070800);
    memcpy(frame.bytes + 18, packet.bytes, 28);
    frame.size += 4;
    prints_as(&frame, TCPIP_PRINT_ETHERNET,
              "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 46: vlan 7, IP 10.0.0.1.53 > "
              "10.0.0.2.1234: UDP, length 0");
}

static void test_icmpv4(void **state)
{
    (void)state;
    struct packet packet, cause;
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_ICMPV4, 64);
    tcpip_icmpv4_encode(p, &(struct tcpip_icmpv4_fields){.type = TCPIP_ICMPV4_ECHO_REQUEST, .id = 1, .sequence = 2});
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 64");
    uint8_t *udp = ipv4(&cause, TCPIP_PROTOCOL_UDP, 8);
    tcpip_udp_encode(udp, &(struct tcpip_udp_fields){53, 33434, 8, 0});
    p = ipv4(&packet, TCPIP_PROTOCOL_ICMPV4, 36);
    struct tcpip_icmpv4_fields fields = {.type = TCPIP_ICMPV4_UNREACHABLE, .code = 3, .mtu = 1400, .gateway = a4};
    tcpip_icmpv4_encode(p, &fields);
    memcpy(p + 8, cause.bytes, 28);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 udp port 33434 unreachable, length 36");
    fields.code = 4;
    tcpip_icmpv4_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 36");
    fields.code = 1;
    tcpip_icmpv4_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.2 unreachable, length 36");
    fields.type = TCPIP_ICMPV4_REDIRECT;
    tcpip_icmpv4_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4,
              "IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.2 to host 10.0.0.1, length 36");
    fields.type = TCPIP_ICMPV4_TIME_EXCEEDED;
    fields.code = 0;
    tcpip_icmpv4_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded in-transit, length 36");
}

static void test_icmpv6(void **state)
{
    (void)state;
    struct packet packet, cause;
    uint8_t *p = ipv6(&packet, TCPIP_PROTOCOL_ICMPV6, 12);
    struct tcpip_icmpv6_fields fields = {.type = TCPIP_ICMPV6_ECHO_REPLY, .id = 1, .sequence = 2};
    tcpip_icmpv6_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6, "IP6 fe80::1 > fe80::2: ICMP6, echo reply, id 1, seq 2, length 12");
    uint8_t *udp = ipv6(&cause, TCPIP_PROTOCOL_UDP, 8);
    tcpip_udp_encode(udp, &(struct tcpip_udp_fields){53, 99, 8, 0});
    p = ipv6(&packet, TCPIP_PROTOCOL_ICMPV6, 56);
    fields = (struct tcpip_icmpv6_fields){.type = TCPIP_ICMPV6_UNREACHABLE, .code = 4, .mtu = 1280, .pointer = 40};
    tcpip_icmpv6_encode(p, &fields);
    memcpy(p + 8, cause.bytes, 48);
    prints_as(
        &packet, TCPIP_PROTOCOL_IPV6,
        "IP6 fe80::1 > fe80::2: ICMP6, destination unreachable, unreachable port, fe80::2 udp port 99, length 56");
    fields.type = TCPIP_ICMPV6_PACKET_TOO_BIG;
    tcpip_icmpv6_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6, "IP6 fe80::1 > fe80::2: ICMP6, packet too big, mtu 1280, length 56");
    fields.type = TCPIP_ICMPV6_PARAMETER_PROBLEM;
    fields.code = 1;
    tcpip_icmpv6_encode(p, &fields);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6,
              "IP6 fe80::1 > fe80::2: ICMP6, parameter problem, next header - octet 40, length 56");
}

static void test_neighbor_discovery_and_groups(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t *p = ipv6(&packet, TCPIP_PROTOCOL_ICMPV6, 24);
    tcpip_ndp_neighbor_solicitation_encode(p, b6);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6,
              "IP6 fe80::1 > fe80::2: ICMP6, neighbor solicitation, who has fe80::2, length 24");
    tcpip_ndp_neighbor_advertisement_encode(p, a6, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6,
              "IP6 fe80::1 > fe80::2: ICMP6, neighbor advertisement, tgt is fe80::1, length 24");
    p = ipv6(&packet, TCPIP_IPV6_HOP_BY_HOP, 16);
    tcpip_ipv6_router_alert_encode(p, TCPIP_PROTOCOL_ICMPV6);
    tcpip_mld2_report_encode(p + 8, 1);
    prints_as(&packet, TCPIP_PROTOCOL_IPV6,
              "IP6 fe80::1 > fe80::2: HBH ICMP6, multicast listener report v2, 1 group record(s), length 8");
    p = ipv4(&packet, TCPIP_PROTOCOL_IGMP, 8);
    tcpip_igmp_encode(p, TCPIP_IGMP2_REPORT, b4);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1 > 10.0.0.2: igmp v2 report 10.0.0.2");
}

static void test_fragments(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_UDP, 16);
    tcpip_udp_encode(p, &(struct tcpip_udp_fields){53, 1234, 16, 0});
    tcpip_ipv4_set_fragment(packet.bytes, TCPIP_IPV4_MORE_FRAGMENTS, 0);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1.53 > 10.0.0.2.1234: UDP, length 8 frag 99:16@0+");
    tcpip_ipv4_set_fragment(packet.bytes, 0, 1480);
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP 10.0.0.1 > 10.0.0.2: frag 99:16@1480");
    p = ipv6(&packet, TCPIP_IPV6_FRAGMENT, 24);
    tcpip_ipv6_fragment_encode(p, &(struct tcpip_ipv6_fragment_fields){TCPIP_PROTOCOL_UDP, true, 8, 5});
    prints_as(&packet, TCPIP_PROTOCOL_IPV6, "IP6 fe80::1 > fe80::2: frag 5:16@8+");
}

static void test_what_isnt_there_is_said(void **state)
{
    (void)state;
    struct packet packet;
    char text[200];
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 40);
    tcp(p, TCPIP_TCP_ACK, 12);
    tcpip_packet_print_front(text, sizeof text, packet.bytes, 45, 60, TCPIP_PROTOCOL_IPV4);
    assert_string_equal(text, "IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [.], seq 1:9, ack 7, win 65535, options [|tcp], "
                              "length 8");
    tcpip_packet_print_front(text, sizeof text, packet.bytes, 30, 60, TCPIP_PROTOCOL_IPV4);
    assert_string_equal(text, "IP 10.0.0.1.1234 > 10.0.0.2.80: [|tcp]");
    tcpip_packet_print_front(text, sizeof text, packet.bytes, 10, 60, TCPIP_PROTOCOL_IPV4);
    assert_string_equal(text, "IP [|ip]");
    tcpip_packet_print(text, sizeof text, packet.bytes, 50, TCPIP_PROTOCOL_IPV4);
    assert_int_equal(strncmp(text, "IP truncated-ip - 10 bytes missing! 10.0.0.1.1234", 48), 0);
    packet.bytes[0] = 0x44;
    prints_as(&packet, TCPIP_PROTOCOL_IPV4, "IP bad-hlen 16");
    prints_as(&packet, 0x1234, "unknown protocol 0x1234, length 60");
}

static void test_text_is_cut_where_the_buffer_ends(void **state)
{
    (void)state;
    struct packet packet;
    char whole[TCPIP_PACKET_TEXT_MAX];
    uint8_t *p = ipv4(&packet, TCPIP_PROTOCOL_TCP, 20);
    tcp(p, TCPIP_TCP_ACK, 0);
    size_t length = tcpip_packet_print(whole, sizeof whole, packet.bytes, packet.size, TCPIP_PROTOCOL_IPV4);
    for (size_t size = 1; size < length + 4; size++) {
        char *text = malloc(size);
        assert_non_null(text);
        size_t expected = size - 1 < length ? size - 1 : length;
        assert_int_equal(tcpip_packet_print(text, size, packet.bytes, packet.size, TCPIP_PROTOCOL_IPV4), expected);
        assert_int_equal(strlen(text), expected);
        assert_memory_equal(text, whole, expected);
        free(text);
    }
    assert_int_equal(tcpip_packet_print(NULL, 0, packet.bytes, packet.size, TCPIP_PROTOCOL_IPV4), 0);
}

static void test_any_bytes_print_in_ascii(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const uint32_t protocols[] = {TCPIP_PRINT_IP, TCPIP_PRINT_ETHERNET, TCPIP_PROTOCOL_IPV4, TCPIP_PROTOCOL_IPV6,
                                         TCPIP_PROTOCOL_ARP};
    static const uint8_t uppers[] = {0, 1, 2, 6, 17, 43, 44, 58, 59, 60};
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[120];
        char text[TCPIP_PACKET_TEXT_MAX];
        size_t size = random_below(&seed, sizeof bytes);
        random_fill(&seed, bytes, size);
        bool six = i % 2 == 0;
        if (size > 40) { /* mostly sane, so that it gets far */
            bytes[0] = six ? 0x60 : 0x45;
            bytes[six ? 6 : 9] = uppers[random_below(&seed, sizeof uppers)];
            tcpip_store_u16(bytes + (six ? 4 : 2), (uint16_t)(six ? size - 40 : size));
            if (!six)
                tcpip_store_u16(bytes + 6, 0);
            bytes[six ? 40 : 20] = (uint8_t)random_below(&seed, 140);
        }
        uint8_t *exact = exact_copy(bytes, size);
        size_t length = tcpip_packet_print(text, sizeof text, exact, size, protocols[random_below(&seed, 5)]);
        assert_int_equal(strlen(text), length);
        for (size_t j = 0; j < length; j++)
            assert_in_range(text[j], ' ', '~');
        tcpip_packet_print_front(text, sizeof text, exact, size, size + 500, TCPIP_PRINT_IP);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_handshakes),
        cmocka_unit_test(test_tcp_segments),
        cmocka_unit_test(test_tcp_options),
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_arp),
        cmocka_unit_test(test_ethernet),
        cmocka_unit_test(test_icmpv4),
        cmocka_unit_test(test_icmpv6),
        cmocka_unit_test(test_neighbor_discovery_and_groups),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_what_isnt_there_is_said),
        cmocka_unit_test(test_text_is_cut_where_the_buffer_ends),
        cmocka_unit_test(test_any_bytes_print_in_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
