// SPDX-License-Identifier: MIT
/* tcp_option_test.c: options written to the byte, read back, and read from liars. */
#include <tcpip/header/tcp.h>

#include "header/cursor.h"
#include "header_test.h"

/* A header with these option bytes (a multiple of 4), to be freed. */
static uint8_t *header_of(uint16_t flags, const uint8_t *options, size_t size)
{
    uint8_t bytes[TCPIP_TCP_HEADER_MAX];
    tcpip_tcp_encode(bytes, &(struct tcpip_tcp_fields){.flags = flags, .header_bytes = (uint8_t)(20 + size)});
    if (size > 0)
        memcpy(bytes + 20, options, size);
    return exact_copy(bytes, 20 + size);
}

static bool parse(uint16_t flags, const uint8_t *options, size_t size, struct tcpip_tcp_options *out)
{
    memset(out, 0xee, sizeof *out); /* nothing may hang on what was there */
    uint8_t *header = header_of(flags, options, size);
    bool ok = tcpip_tcp_options_parse(header, 20 + size, out);
    free(header);
    return ok;
}

static void emits(const struct tcpip_tcp_options *options, const uint8_t *expected, size_t size)
{
    uint8_t out[TCPIP_TCP_OPTIONS_MAX + 1];
    memset(out, 0xee, sizeof out);
    assert_int_equal(tcpip_tcp_options_emit(out, options), size);
    assert_memory_equal(out, expected, size);
    assert_int_equal(out[size], 0xee);
    assert_int_equal(tcpip_tcp_options_bytes(options), size);
}

static void test_syns_are_laid_out_as_linux_does(void **state)
{
    (void)state;
    struct tcpip_tcp_options options = {
        .present =
            TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_WINDOW_SCALE,
        .mss = 1460,
        .window_scale = 7,
        .ts_val = 1,
        .ts_ecr = 2,
    };
    static const uint8_t all[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
    emits(&options, all, sizeof all);
    static const uint8_t no_timestamps[] = {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};
    options.present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_WINDOW_SCALE;
    emits(&options, no_timestamps, sizeof no_timestamps);
    static const uint8_t no_sack[] = {2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
    options.present = TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_WINDOW_SCALE;
    emits(&options, no_sack, sizeof no_sack);
    static const uint8_t mss[] = {2, 4, 5, 0xb4};
    options.present = TCPIP_TCP_HAS_MSS;
    emits(&options, mss, sizeof mss);
    options.present = 0;
    emits(&options, mss, 0);
}

static void test_acks_are_laid_out_as_linux_does(void **state)
{
    (void)state;
    struct tcpip_tcp_options options = {
        .present = TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_SACK,
        .ts_val = 1,
        .ts_ecr = 2,
        .sack_count = 1,
        .sack = {{3, 4}},
    };
    static const uint8_t both[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4};
    uint8_t fast[TCPIP_TCP_TIMESTAMPS_BYTES];
    emits(&options, both, sizeof both);
    options.present = TCPIP_TCP_HAS_SACK;
    emits(&options, both + 12, 12);
    options.present = TCPIP_TCP_HAS_TIMESTAMPS;
    emits(&options, both, 12);
    tcpip_tcp_timestamps_emit(fast, 1, 2);
    assert_memory_equal(fast, both, 12);
}

static void test_what_has_no_room_is_left_out(void **state)
{
    (void)state;
    struct tcpip_tcp_options got, options = {
                                      .present = TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_SACK,
                                      .sack_count = 4,
                                      .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}},
                                  };
    uint8_t out[TCPIP_TCP_OPTIONS_MAX];
    size_t size = tcpip_tcp_options_emit(out, &options);
    assert_int_equal(size, 40);
    assert_true(parse(TCPIP_TCP_ACK, out, size, &got));
    assert_int_equal(got.sack_count, 3);
    assert_int_equal(got.sack[2].end, 6);
    options.present = TCPIP_TCP_HAS_SACK;
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 36); /* four without timestamps */
    options.present = TCPIP_TCP_HAS_SACK | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_MD5;
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 32); /* none beside a signature */

    assert_int_equal(tcpip_tcp_sack_room(0), 4);
    assert_int_equal(tcpip_tcp_sack_room(4), 4);
    assert_int_equal(tcpip_tcp_sack_room(12), 3);
    assert_int_equal(tcpip_tcp_sack_room(28), 1);
    assert_int_equal(tcpip_tcp_sack_room(32), 0);
    assert_int_equal(tcpip_tcp_sack_room(40), 0);

    options = (struct tcpip_tcp_options){
        .present = TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_SACK | TCPIP_TCP_HAS_ACCECN,
        .sack_count = 2,
        .accecn_count = 3,
        .accecn_kind = TCPIP_TCP_OPTION_ACCECN0,
        .accecn = {1, 2, 3},
    };
    size = tcpip_tcp_options_emit(out, &options); /* 12 + 20, and 8 for two counters */
    assert_int_equal(size, 40);
    assert_true(parse(TCPIP_TCP_ACK, out, size, &got));
    assert_int_equal(got.accecn_count, 2);
    assert_int_equal(got.accecn[1], 2);
}

static void test_the_last_of_the_room_is_used(void **state)
{
    (void)state;
    uint8_t out[TCPIP_TCP_OPTIONS_MAX];
    struct tcpip_tcp_options got, options = {
                                      .present = TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_TIMESTAMPS |
                                                 TCPIP_TCP_HAS_WINDOW_SCALE | TCPIP_TCP_HAS_SACK_PERMITTED,
                                      .mss = 1460,
                                      .window_scale = 7,
                                      .accecn_kind = TCPIP_TCP_OPTION_ACCECN1,
                                  };
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 40);
    assert_true(parse(TCPIP_TCP_SYN, out, 40, &got));
    assert_int_equal(got.present, options.present);
    options.present |= TCPIP_TCP_HAS_ACCECN | TCPIP_TCP_HAS_FAST_OPEN; /* nothing is left for these */
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 40);
    assert_true(parse(TCPIP_TCP_SYN, out, 40, &got));
    assert_int_equal(got.present & (TCPIP_TCP_HAS_ACCECN | TCPIP_TCP_HAS_FAST_OPEN), 0);

    options.present = TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_FAST_OPEN;
    options.fast_open_bytes = 14;
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 40);
    options.fast_open_bytes = 16; /* whole or not at all */
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 24);

    static const size_t sizes[] = {4, 8, 8, 12};
    options.present = TCPIP_TCP_HAS_ACCECN;
    for (uint8_t count = 0; count <= 3; count++) {
        options.accecn_count = count;
        assert_int_equal(tcpip_tcp_options_emit(out, &options), sizes[count]);
        assert_true(parse(TCPIP_TCP_ACK, out, sizes[count], &got));
        assert_int_equal(got.accecn_count, count);
        assert_int_equal(got.accecn_kind, TCPIP_TCP_OPTION_ACCECN1);
    }
}

static void test_fast_open_is_written_in_both_forms(void **state)
{
    (void)state;
    struct tcpip_tcp_options options = {.present = TCPIP_TCP_HAS_FAST_OPEN};
    static const uint8_t request[] = {34, 2, 1, 1};
    emits(&options, request, sizeof request);
    options.fast_open_bytes = 8;
    memcpy(options.fast_open, "abcdefgh", 8);
    static const uint8_t cookie[] = {34, 10, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 1, 1};
    emits(&options, cookie, sizeof cookie);
    options.present |= TCPIP_TCP_HAS_FAST_OPEN_EXP;
    static const uint8_t experiment[] = {254, 12, 0xf9, 0x89, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'};
    emits(&options, experiment, sizeof experiment);
}

static void random_options(uint64_t *seed, struct tcpip_tcp_options *options, bool syn)
{
    memset(options, 0, sizeof *options);
    options->present = syn ? (uint16_t)(random_u16(seed) &
                                        (TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_WINDOW_SCALE | TCPIP_TCP_HAS_SACK_PERMITTED |
                                         TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_FAST_OPEN))
                           : (uint16_t)(random_u16(seed) & (TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_SACK));
    options->mss = (uint16_t)(1 + random_below(seed, 0xffff));
    options->window_scale = (uint8_t)random_below(seed, 15);
    options->ts_val = random_u32(seed);
    options->ts_ecr = random_u32(seed);
    if (options->present & TCPIP_TCP_HAS_SACK)
        options->sack_count = (uint8_t)(1 + random_below(seed, 3));
    for (unsigned i = 0; i < options->sack_count; i++)
        options->sack[i] = (struct tcpip_tcp_sack_block){random_u32(seed), random_u32(seed)};
    if (options->present & TCPIP_TCP_HAS_FAST_OPEN) {
        options->fast_open_bytes = random_below(seed, 2) ? 8 : 0;
        random_fill(seed, options->fast_open, options->fast_open_bytes);
    }
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 10000; i++) {
        bool syn = i % 2 == 0;
        struct tcpip_tcp_options options, got;
        uint8_t out[TCPIP_TCP_OPTIONS_MAX];
        random_options(&seed, &options, syn);
        size_t size = tcpip_tcp_options_emit(out, &options);
        assert_int_equal(size % 4, 0);
        assert_true(parse(syn ? TCPIP_TCP_SYN : TCPIP_TCP_ACK, out, size, &got));
        assert_int_equal(got.present, options.present);
        if (got.present & TCPIP_TCP_HAS_MSS)
            assert_int_equal(got.mss, options.mss);
        if (got.present & TCPIP_TCP_HAS_WINDOW_SCALE)
            assert_int_equal(got.window_scale, options.window_scale);
        if (got.present & TCPIP_TCP_HAS_TIMESTAMPS)
            assert_true(got.ts_val == options.ts_val && got.ts_ecr == options.ts_ecr);
        assert_int_equal(got.sack_count, options.sack_count);
        assert_memory_equal(got.sack, options.sack, options.sack_count * sizeof got.sack[0]);
        assert_int_equal(got.fast_open_bytes, options.fast_open_bytes);
        assert_memory_equal(got.fast_open, options.fast_open, options.fast_open_bytes);
    }
}

static void test_what_is_negotiated_on_a_syn_counts_on_a_syn_only(void **state)
{
    (void)state;
    static const uint8_t on_syn[] = {2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 34, 2};
    static const uint8_t sack[] = {1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4};
    struct tcpip_tcp_options got;
    assert_true(parse(TCPIP_TCP_SYN | TCPIP_TCP_ACK, on_syn, sizeof on_syn, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_WINDOW_SCALE | TCPIP_TCP_HAS_SACK_PERMITTED |
                                      TCPIP_TCP_HAS_FAST_OPEN);
    assert_true(parse(TCPIP_TCP_ACK, on_syn, sizeof on_syn, &got));
    assert_int_equal(got.present, 0);
    assert_int_equal(got.mss, 0);
    assert_true(parse(TCPIP_TCP_SYN, sack, sizeof sack, &got));
    assert_int_equal(got.present, 0);
    assert_int_equal(got.sack_count, 0);
}

static void test_wrong_lengths_are_stepped_over(void **state)
{
    (void)state;
    struct tcpip_tcp_options got;
    static const uint8_t kinds[] = {2, 3, 4, 5, 8, 19, 34, 77, 172};
    for (size_t k = 0; k < sizeof kinds; k++)
        for (uint8_t length = 2; length <= 36; length++) {
            uint8_t options[40];
            memset(options, 1, sizeof options);
            options[0] = kinds[k];
            options[1] = length;
            options[length] = 2; /* an MSS behind it is still found */
            options[length + 1] = 4;
            options[length + 2] = 0x12;
            options[length + 3] = 0x34;
            assert_true(parse(TCPIP_TCP_SYN, options, sizeof options, &got));
            assert_int_equal(got.mss, 0x1234);
            uint16_t rest = (uint16_t)(got.present & ~TCPIP_TCP_HAS_MSS);
            uint8_t kind = kinds[k];
            bool right = (kind == 3 && length == 3) || (kind == 4 && length == 2) || (kind == 8 && length == 10) ||
                         (kind == 19 && length == 18) ||
                         (kind == 34 && (length == 2 || (length >= 6 && length <= 18 && length % 2 == 0))) ||
                         (kind == 172 && (length == 2 || length == 5 || length == 8 || length == 11));
            assert_int_equal(rest != 0, right || kind == 19); /* of which it is told (BAD_SIGNATURE) */
            assert_int_equal((rest & TCPIP_TCP_BAD_SIGNATURE) != 0, kind == 19 && length != 18);
        }
}

static void test_sack_lengths_are_whole_blocks(void **state)
{
    (void)state;
    for (uint8_t length = 2; length <= 40; length++) {
        struct tcpip_tcp_options got;
        uint8_t options[40] = {5, length};
        assert_true(parse(TCPIP_TCP_ACK, options, sizeof options, &got));
        unsigned expected = (length - 2) % 8 == 0 && length > 2 ? (length - 2u) / 8 : 0;
        assert_int_equal(got.sack_count, expected);
        assert_int_equal(got.present != 0, expected > 0);
    }
}

static void test_a_length_that_lies_ends_the_walk_but_not_what_was_read(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 256; length++) {
        struct tcpip_tcp_options got;
        uint8_t options[12] = {2, 4, 0x12, 0x34, 77, (uint8_t)length, 0, 0, 0, 0, 0, 0};
        bool good = length >= 2 && length <= 8;
        assert_int_equal(parse(TCPIP_TCP_SYN, options, sizeof options, &got), good);
        assert_int_equal(got.mss, 0x1234);
    }
    struct tcpip_tcp_options got;
    static const uint8_t lone_kind[] = {1, 1, 1, 8};
    assert_false(parse(TCPIP_TCP_ACK, lone_kind, sizeof lone_kind, &got));
}

static void test_values_out_of_range_are_brought_in(void **state)
{
    (void)state;
    struct tcpip_tcp_options got;
    static const uint8_t options[] = {2, 4, 0, 0, 3, 3, 15, 0};
    assert_true(parse(TCPIP_TCP_SYN, options, sizeof options, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_WINDOW_SCALE);
    assert_int_equal(got.window_scale, 14);
    assert_int_equal(got.mss, 0);
}

static void test_nothing_is_read_behind_an_end_of_options(void **state)
{
    (void)state;
    struct tcpip_tcp_options got;
    static const uint8_t options[] = {1, 0, 2, 4, 5, 0xb4, 9, 99};
    assert_true(parse(TCPIP_TCP_SYN, options, sizeof options, &got));
    assert_int_equal(got.present, 0);
}

static void test_the_fast_path_is_the_slow_path(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 5000; i++) {
        uint8_t options[12];
        struct tcpip_tcp_options got;
        uint32_t ts_val = 0, ts_ecr = 0;
        tcpip_tcp_timestamps_emit(options, random_u32(&seed), random_u32(&seed));
        if (i % 2)
            options[random_below(&seed, 4)] ^= (uint8_t)(1 << random_below(&seed, 8));
        uint8_t *header = header_of(TCPIP_TCP_ACK, options, 12);
        bool fast = tcpip_tcp_timestamps_fast(header, 32, &ts_val, &ts_ecr);
        free(header);
        assert_int_equal(fast, i % 2 == 0);
        bool ok = parse(TCPIP_TCP_ACK, options, 12, &got);
        if (fast) {
            assert_true(ok && got.present == TCPIP_TCP_HAS_TIMESTAMPS);
            assert_true(got.ts_val == ts_val && got.ts_ecr == ts_ecr);
            assert_int_equal(got.sack_count, 0);
        }
    }
    /* Timestamps elsewhere are found the slow way. */
    static const uint8_t late[] = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1};
    struct tcpip_tcp_options got;
    assert_true(parse(TCPIP_TCP_ACK, late, 12, &got));
    assert_true(got.ts_val == 1 && got.ts_ecr == 2 && got.present == TCPIP_TCP_HAS_TIMESTAMPS);
}

static void test_signatures_are_told_by_their_place(void **state)
{
    (void)state;
    struct tcpip_tcp_options got;
    uint8_t options[40] = {1, 1, 19, 18, [20] = 29, 16, 1, 2};
    assert_true(parse(TCPIP_TCP_ACK, options, 36, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_MD5 | TCPIP_TCP_BAD_SIGNATURE); /* nobody sends both */
    assert_int_equal(got.md5_offset, 22);
    assert_true(parse(TCPIP_TCP_ACK, options + 20, 16, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_AO);
    assert_int_equal(got.ao_offset, 20);
    assert_int_equal(got.ao_bytes, 16);
    static const uint8_t smallest[] = {29, 4, 1, 2};
    assert_true(parse(TCPIP_TCP_ACK, smallest, 4, &got));
    assert_int_equal(got.ao_bytes, 4);
    options[21] = 3; /* too short to name its keys */
    options[23] = 0;
    assert_true(parse(TCPIP_TCP_ACK, options + 20, 4, &got));
    assert_int_equal(got.present, TCPIP_TCP_BAD_SIGNATURE);
    uint8_t twice[40] = {19, 18, [18] = 19, 18};
    assert_true(parse(TCPIP_TCP_ACK, twice, 36, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_MD5 | TCPIP_TCP_BAD_SIGNATURE);
    static const uint8_t shorter[20] = {19, 17, [17] = 1, 1, 1};
    assert_true(parse(TCPIP_TCP_ACK, shorter, 20, &got));
    assert_int_equal(got.present, TCPIP_TCP_BAD_SIGNATURE);
}

static void test_room_for_a_signature_comes_first(void **state)
{
    (void)state;
    uint8_t out[TCPIP_TCP_OPTIONS_MAX];
    struct tcpip_tcp_options options = {.present = TCPIP_TCP_HAS_AO | TCPIP_TCP_HAS_MSS, .ao_bytes = 14, .mss = 1460};
    static const uint8_t unaligned[20] = {29, 14, [14] = 1, 1, 2, 4, 5, 0xb4};
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 20);
    assert_memory_equal(out, unaligned, 20);
    /* The largest set of a SYN beside the usual code; window scale is the last that fits. */
    options.present |= TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_TIMESTAMPS | TCPIP_TCP_HAS_WINDOW_SCALE;
    options.ao_bytes = 16;
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 36);
    options.ao_bytes = 20;
    assert_int_equal(tcpip_tcp_options_emit(out, &options), 40);
}

static void test_the_experimental_fast_open_is_told_apart(void **state)
{
    (void)state;
    struct tcpip_tcp_options got;
    static const uint8_t request[] = {254, 4, 0xf9, 0x89};
    assert_true(parse(TCPIP_TCP_SYN, request, 4, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_FAST_OPEN | TCPIP_TCP_HAS_FAST_OPEN_EXP);
    assert_int_equal(got.fast_open_bytes, 0);
    static const uint8_t foreign[] = {254, 4, 0xf9, 0x88};
    assert_true(parse(TCPIP_TCP_SYN, foreign, 4, &got));
    assert_int_equal(got.present, 0);
    static const uint8_t plain_last[] = {254, 4, 0xf9, 0x89, 34, 6, 1, 2, 3, 4, 1, 1};
    assert_true(parse(TCPIP_TCP_SYN, plain_last, 12, &got));
    assert_int_equal(got.present, TCPIP_TCP_HAS_FAST_OPEN);
    assert_int_equal(got.fast_open_bytes, 4);
}

static void test_random_options_never_run_off_the_header(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 10, 19, 29, 34, 172, 174, 254};
    uint64_t seed = 3;
    for (int i = 0; i < 50000; i++) {
        uint8_t options[TCPIP_TCP_OPTIONS_MAX];
        struct tcpip_tcp_options got;
        size_t size = 4 * random_below(&seed, 11);
        for (size_t j = 0; j < size; j++)
            options[j] = random_below(&seed, 4) ? kinds[random_below(&seed, sizeof kinds)] : random_u8(&seed);
        (void)parse(random_below(&seed, 2) ? TCPIP_TCP_SYN : TCPIP_TCP_ACK, options, size, &got);
        assert_true(got.sack_count <= TCPIP_TCP_SACK_BLOCKS_MAX);
        assert_true(got.fast_open_bytes <= TCPIP_TCP_FAST_OPEN_COOKIE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syns_are_laid_out_as_linux_does),
        cmocka_unit_test(test_acks_are_laid_out_as_linux_does),
        cmocka_unit_test(test_what_has_no_room_is_left_out),
        cmocka_unit_test(test_the_last_of_the_room_is_used),
        cmocka_unit_test(test_fast_open_is_written_in_both_forms),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_what_is_negotiated_on_a_syn_counts_on_a_syn_only),
        cmocka_unit_test(test_wrong_lengths_are_stepped_over),
        cmocka_unit_test(test_sack_lengths_are_whole_blocks),
        cmocka_unit_test(test_a_length_that_lies_ends_the_walk_but_not_what_was_read),
        cmocka_unit_test(test_values_out_of_range_are_brought_in),
        cmocka_unit_test(test_nothing_is_read_behind_an_end_of_options),
        cmocka_unit_test(test_the_fast_path_is_the_slow_path),
        cmocka_unit_test(test_signatures_are_told_by_their_place),
        cmocka_unit_test(test_room_for_a_signature_comes_first),
        cmocka_unit_test(test_the_experimental_fast_open_is_told_apart),
        cmocka_unit_test(test_random_options_never_run_off_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
