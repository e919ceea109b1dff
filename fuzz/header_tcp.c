// SPDX-License-Identifier: MIT
/* header_tcp.c: fuzzes the TCP header and its options: what was understood is written, and read, the same again.
 *
 * Input: a segment without its IP header. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/checksum.h>
#include <tcpip/header/tcp.h>

enum { SIGNATURES = TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_AO | TCPIP_TCP_BAD_SIGNATURE };

static void bounds(const uint8_t *p, size_t header_bytes, const struct tcpip_tcp_options *options)
{
    bool syn = (tcpip_tcp_flags(p) & TCPIP_TCP_SYN) != 0;
    const unsigned only_syn =
        TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_WINDOW_SCALE | TCPIP_TCP_HAS_SACK_PERMITTED | TCPIP_TCP_HAS_FAST_OPEN;
    REQUIRE(options->sack_count <= TCPIP_TCP_SACK_BLOCKS_MAX && options->accecn_count <= 3);
    REQUIRE((options->present & (syn ? (unsigned)TCPIP_TCP_HAS_SACK : only_syn)) == 0);
    if ((options->present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0)
        REQUIRE(options->window_scale <= TCPIP_TCP_WINDOW_SCALE_MAX);
    if ((options->present & TCPIP_TCP_HAS_MSS) != 0)
        REQUIRE(options->mss != 0);
    REQUIRE(options->fast_open_bytes <= TCPIP_TCP_FAST_OPEN_COOKIE_MAX);
    if ((options->present & TCPIP_TCP_HAS_MD5) != 0)
        REQUIRE(options->md5_offset >= TCPIP_TCP_HEADER_MIN &&
                options->md5_offset + TCPIP_TCP_MD5_BYTES <= header_bytes);
    if ((options->present & TCPIP_TCP_HAS_AO) != 0)
        REQUIRE(options->ao_offset >= TCPIP_TCP_HEADER_MIN && options->ao_offset + options->ao_bytes <= header_bytes);
}

/* What has no room is left out, once: then nothing changes any more. */
static void options_again(const uint8_t *p, struct tcpip_tcp_options *options)
{
    uint8_t first[TCPIP_TCP_HEADER_MAX] = {0}, second[TCPIP_TCP_HEADER_MAX] = {0};
    struct tcpip_tcp_options read, again;
    options->present &= (uint16_t)~SIGNATURES; /* a code isn't written without its key */
    memcpy(first, p, TCPIP_TCP_HEADER_MIN);
    memcpy(second, p, TCPIP_TCP_HEADER_MIN);
    size_t bytes = tcpip_tcp_options_emit(first + TCPIP_TCP_HEADER_MIN, options);
    REQUIRE(bytes % 4 == 0 && bytes <= TCPIP_TCP_OPTIONS_MAX && bytes == tcpip_tcp_options_bytes(options));
    REQUIRE(tcpip_tcp_options_parse(first, TCPIP_TCP_HEADER_MIN + bytes, &read));
    REQUIRE((read.present & ~options->present) == 0);
    REQUIRE(tcpip_tcp_options_emit(second + TCPIP_TCP_HEADER_MIN, &read) == bytes);
    REQUIRE(memcmp(first, second, TCPIP_TCP_HEADER_MIN + bytes) == 0);
    REQUIRE(tcpip_tcp_options_parse(second, TCPIP_TCP_HEADER_MIN + bytes, &again) && again.present == read.present);
    if ((read.present & TCPIP_TCP_HAS_TIMESTAMPS) != 0)
        REQUIRE(read.ts_val == options->ts_val && read.ts_ecr == options->ts_ecr);
    if ((read.present & TCPIP_TCP_HAS_MSS) != 0)
        REQUIRE(read.mss == options->mss);
    if ((read.present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0)
        REQUIRE(read.window_scale == options->window_scale);
    if ((read.present & TCPIP_TCP_HAS_SACK) != 0)
        REQUIRE(read.sack_count <= options->sack_count &&
                memcmp(read.sack, options->sack, read.sack_count * sizeof(read.sack[0])) == 0);
    if ((read.present & TCPIP_TCP_HAS_FAST_OPEN) != 0)
        REQUIRE(read.fast_open_bytes == options->fast_open_bytes &&
                memcmp(read.fast_open, options->fast_open, read.fast_open_bytes) == 0);
    if ((read.present & TCPIP_TCP_HAS_ACCECN) != 0)
        REQUIRE(read.accecn_count <= options->accecn_count &&
                memcmp(read.accecn, options->accecn, read.accecn_count * sizeof(read.accecn[0])) == 0);
}

/* One header and then only what differs: the sum must be that of the whole. */
static void partial(const uint8_t *p, size_t size, const struct tcpip_tcp_fields *fields)
{
    uint8_t *segment = fuzz_copy(p, size);
    struct tcpip_tcp_partial next = {.sequence = fields->sequence + 1448,
                                     .acknowledgment = fields->acknowledgment + 1,
                                     .flags = fields->flags ^ TCPIP_TCP_PSH,
                                     .window = (uint16_t)(fields->window ^ fields->urgent)};
    memset(segment + 4, 0, 8);
    tcpip_store_u16(segment + 12, 0);
    tcpip_store_u16(segment + 14, 0);
    tcpip_store_u16(segment + 16, 0);
    uint16_t rest = tcpip_checksum(segment, size, 0);
    tcpip_tcp_encode(segment, fields);
    tcpip_tcp_encode_partial(segment, &next, rest);
    REQUIRE(tcpip_checksum_finish(tcpip_checksum(segment, size, 0)) == 0);
    REQUIRE(tcpip_tcp_sequence(segment) == next.sequence && tcpip_tcp_flags(segment) == next.flags);
    REQUIRE(tcpip_tcp_acknowledgment(segment) == next.acknowledgment && tcpip_tcp_window(segment) == next.window);
    free(segment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *p = fuzz_copy(data, size), out[TCPIP_TCP_HEADER_MIN];
    size_t header_bytes;
    uint32_t ts_val, ts_ecr;
    struct tcpip_tcp_fields fields;
    struct tcpip_tcp_options options;
    if (tcpip_tcp_header_check(p, size, &header_bytes)) {
        REQUIRE(header_bytes >= TCPIP_TCP_HEADER_MIN && header_bytes <= size && header_bytes <= TCPIP_TCP_HEADER_MAX);
        tcpip_tcp_decode(p, &fields);
        tcpip_tcp_encode(out, &fields);
        out[12] = (uint8_t)(out[12] | (p[12] & 0x0e)); /* reserved: neither read nor written */
        memcpy(out + 16, p + 16, 2);
        REQUIRE(memcmp(p, out, sizeof(out)) == 0);
        bool well = tcpip_tcp_options_parse(p, header_bytes, &options);
        bounds(p, header_bytes, &options);
        if (tcpip_tcp_timestamps_fast(p, header_bytes, &ts_val, &ts_ecr))
            REQUIRE(well && options.present == TCPIP_TCP_HAS_TIMESTAMPS && options.ts_val == ts_val &&
                    options.ts_ecr == ts_ecr);
        options_again(p, &options);
        partial(p, size, &fields);
    }
    free(p);
    return 0;
}
