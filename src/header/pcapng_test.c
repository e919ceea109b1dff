// SPDX-License-Identifier: MIT
/* pcapng_test.c: a whole file's bytes, blocks in pieces, and buffers too small. */
#include <tcpip/header/pcapng.h>

#include "header_test.h"

static const uint8_t data[] = {0x45, 1, 2, 3, 4};

static const struct tcpip_pcapng_packet sample = {
    .interface = 2,
    .direction = TCPIP_PCAPNG_OUTBOUND,
    .at = 0x0102030405060708,
    .bytes = data,
    .captured_bytes = 5,
    .original_bytes = 1500,
    .comment = "drop",
};

static void test_a_section_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x0a, 0x0d, 0x0d, 0x0a, 40,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a, 1, 0,
                                       0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 4,    0,    2, 0,
                                       'm',  'e',  0,    0,    0,    0,    0,    0,    40,   0,    0,    0};
    uint8_t out[40];
    assert_int_equal(tcpip_pcapng_section_encode(out, sizeof out, "me"), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
    assert_int_equal(tcpip_pcapng_section_encode(out, sizeof out, NULL), 32);
}

static void test_an_interface_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {1,   0,   0,   0, 40, 0, 0, 0, 101, 0, 0, 0, 0, 1, 0, 0, 2,  0, 3, 0,
                                       'e', 't', 'h', 0, 9,  0, 1, 0, 9,   0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0};
    uint8_t out[40];
    assert_int_equal(tcpip_pcapng_interface_encode(out, sizeof out, TCPIP_LINKTYPE_RAW, 256, "eth"), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_a_packet_has_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {6, 0, 0, 0, 60,   0, 0, 0, 2,    0,   0,   0,   4, 3, 2, 1, 8,  7, 6, 5,
                                       5, 0, 0, 0, 0xdc, 5, 0, 0, 0x45, 1,   2,   3,   4, 0, 0, 0, 2,  0, 4, 0,
                                       2, 0, 0, 0, 1,    0, 4, 0, 'd',  'r', 'o', 'p', 0, 0, 0, 0, 60, 0, 0, 0};
    uint8_t out[60];
    assert_int_equal(tcpip_pcapng_packet_bytes(&sample), sizeof expected);
    assert_int_equal(tcpip_pcapng_packet_encode(out, sizeof out, &sample), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void test_a_packet_without_options_is_the_smallest_block(void **state)
{
    (void)state;
    uint8_t out[64];
    struct tcpip_pcapng_packet packet = sample;
    packet.direction = TCPIP_PCAPNG_UNKNOWN;
    packet.comment = NULL;
    assert_int_equal(tcpip_pcapng_packet_encode(out, sizeof out, &packet), 28 + 8 + 4);
    packet.comment = "";
    assert_int_equal(tcpip_pcapng_packet_encode(out, sizeof out, &packet), 28 + 8 + 4);
    packet.captured_bytes = 0;
    packet.bytes = NULL;
    assert_int_equal(tcpip_pcapng_packet_encode(out, sizeof out, &packet), 28 + 4);
}

static void test_pieces_make_the_same_block(void **state)
{
    (void)state;
    uint8_t whole[64], pieces[64];
    for (uint32_t captured = 0; captured <= 5; captured++) {
        struct tcpip_pcapng_packet packet = sample;
        packet.captured_bytes = captured;
        size_t size = tcpip_pcapng_packet_encode(whole, sizeof whole, &packet);
        tcpip_pcapng_packet_head(pieces, &packet);
        memcpy(pieces + 28, data, captured);
        size_t tail = tcpip_pcapng_packet_tail(pieces + 28 + captured, sizeof pieces - 28 - captured, &packet);
        assert_int_equal(28 + captured + tail, size);
        assert_memory_equal(whole, pieces, size);
    }
}

static void test_nothing_is_written_where_it_doesnt_fit(void **state)
{
    (void)state;
    for (size_t size = 0; size < 60; size++) {
        uint8_t *out = malloc(size + 1);
        assert_non_null(out);
        memset(out, 0xee, size + 1);
        assert_int_equal(tcpip_pcapng_packet_encode(out, size, &sample), 0);
        assert_int_equal(tcpip_pcapng_section_encode(out, size < 39 ? size : 39, "me"), 0);
        assert_int_equal(tcpip_pcapng_interface_encode(out, size < 39 ? size : 39, 1, 0, "eth"), 0);
        assert_int_equal(tcpip_pcapng_packet_tail(out, size < 26 ? size : 26, &sample), 0);
        for (size_t i = 0; i <= size; i++)
            assert_int_equal(out[i], 0xee);
        free(out);
    }
}

static void test_long_comments_are_cut(void **state)
{
    (void)state;
    char *comment = malloc(3000);
    uint8_t *out = malloc(4000);
    assert_true(comment && out);
    memset(comment, 'x', 2999);
    comment[2999] = '\0';
    struct tcpip_pcapng_packet packet = sample;
    packet.comment = comment;
    assert_int_equal(tcpip_pcapng_packet_encode(out, 4000, &packet), 56 + TCPIP_PCAPNG_TEXT_MAX);
    free(comment);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_section_has_these_bytes),
        cmocka_unit_test(test_an_interface_has_these_bytes),
        cmocka_unit_test(test_a_packet_has_these_bytes),
        cmocka_unit_test(test_a_packet_without_options_is_the_smallest_block),
        cmocka_unit_test(test_pieces_make_the_same_block),
        cmocka_unit_test(test_nothing_is_written_where_it_doesnt_fit),
        cmocka_unit_test(test_long_comments_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
