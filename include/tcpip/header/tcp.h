// SPDX-License-Identifier: MIT
/* tcp.h: the TCP header and its options (RFC 9293, 7323, 2018, 7413, 2385, 5925, 9768). Pure functions. */
#ifndef TCPIP_HEADER_TCP_H
#define TCPIP_HEADER_TCP_H

#include <tcpip/header/bytes.h>

TCPIP_BEGIN_DECLS

#define TCPIP_TCP_HEADER_MIN 20u
#define TCPIP_TCP_HEADER_MAX 60u
#define TCPIP_TCP_OPTIONS_MAX 40u
#define TCPIP_TCP_CHECKSUM_OFFSET 16u

enum tcpip_tcp_flag {
    TCPIP_TCP_FIN = 0x001,
    TCPIP_TCP_SYN = 0x002,
    TCPIP_TCP_RST = 0x004,
    TCPIP_TCP_PSH = 0x008,
    TCPIP_TCP_ACK = 0x010,
    TCPIP_TCP_URG = 0x020,
    TCPIP_TCP_ECE = 0x040,
    TCPIP_TCP_CWR = 0x080,
    TCPIP_TCP_AE = 0x100,
    TCPIP_TCP_FLAGS = 0x1ff
};

struct tcpip_tcp_fields {
    uint16_t source_port, destination_port;
    uint32_t sequence, acknowledgment;
    uint16_t flags;       /* TCPIP_TCP_* */
    uint8_t header_bytes; /* with options: 20 to 60, a multiple of 4 */
    uint16_t window;      /* as on the wire, not scaled */
    uint16_t checksum;
    uint16_t urgent;
};

/* True if the header with its options lies in `front_bytes`; then *header_bytes is its size. Catches a data offset
 * below 5 or past the front. Combinations of flags are the state machine's business. */
TCPIP_API bool tcpip_tcp_header_check(const uint8_t *p, size_t front_bytes, size_t *header_bytes);

static inline uint16_t tcpip_tcp_source_port(const uint8_t *p)
{
    return tcpip_load_u16(p);
}

static inline uint16_t tcpip_tcp_destination_port(const uint8_t *p)
{
    return tcpip_load_u16(p + 2);
}

static inline uint32_t tcpip_tcp_sequence(const uint8_t *p)
{
    return tcpip_load_u32(p + 4);
}

static inline uint32_t tcpip_tcp_acknowledgment(const uint8_t *p)
{
    return tcpip_load_u32(p + 8);
}

static inline size_t tcpip_tcp_header_bytes(const uint8_t *p)
{
    return (size_t)(p[12] >> 4) * 4;
}

static inline uint16_t tcpip_tcp_flags(const uint8_t *p)
{
    return (uint16_t)(tcpip_load_u16(p + 12) & TCPIP_TCP_FLAGS);
}

static inline uint16_t tcpip_tcp_window(const uint8_t *p)
{
    return tcpip_load_u16(p + 14);
}

static inline uint16_t tcpip_tcp_checksum(const uint8_t *p)
{
    return tcpip_load_u16(p + 16);
}

static inline uint16_t tcpip_tcp_urgent(const uint8_t *p)
{
    return tcpip_load_u16(p + 18);
}

static inline void tcpip_tcp_set_source_port(uint8_t *p, uint16_t port)
{
    tcpip_store_u16(p, port);
}

static inline void tcpip_tcp_set_destination_port(uint8_t *p, uint16_t port)
{
    tcpip_store_u16(p + 2, port);
}

static inline void tcpip_tcp_set_sequence(uint8_t *p, uint32_t sequence)
{
    tcpip_store_u32(p + 4, sequence);
}

static inline void tcpip_tcp_set_acknowledgment(uint8_t *p, uint32_t acknowledgment)
{
    tcpip_store_u32(p + 8, acknowledgment);
}

static inline void tcpip_tcp_set_flags(uint8_t *p, uint16_t flags)
{
    p[12] = (uint8_t)((p[12] & 0xf0) | flags >> 8);
    p[13] = (uint8_t)flags;
}

static inline void tcpip_tcp_set_window(uint8_t *p, uint16_t window)
{
    tcpip_store_u16(p + 14, window);
}

static inline void tcpip_tcp_set_checksum(uint8_t *p, uint16_t checksum)
{
    tcpip_store_u16(p + 16, checksum);
}

/* Writes the TCPIP_TCP_HEADER_MIN bytes before the options. */
TCPIP_API void tcpip_tcp_encode(uint8_t *out, const struct tcpip_tcp_fields *fields);
TCPIP_API void tcpip_tcp_decode(const uint8_t *p, struct tcpip_tcp_fields *out);

/* What differs between the segments of one burst. */
struct tcpip_tcp_partial {
    uint32_t sequence, acknowledgment;
    uint16_t flags;
    uint16_t window;
};

/* Updates sequence, acknowledgment, flags, window and checksum of a header prepared by tcpip_tcp_encode. `rest_sum` is
 * the sum over all that is checksummed besides: pseudo-header, ports, urgent pointer, options and data. */
TCPIP_API void tcpip_tcp_encode_partial(uint8_t *header, const struct tcpip_tcp_partial *fields, uint16_t rest_sum);

/* ---- Options ---- */

enum tcpip_tcp_option_kind {
    TCPIP_TCP_OPTION_EOL = 0,
    TCPIP_TCP_OPTION_NOP = 1,
    TCPIP_TCP_OPTION_MSS = 2,
    TCPIP_TCP_OPTION_WINDOW_SCALE = 3,
    TCPIP_TCP_OPTION_SACK_PERMITTED = 4,
    TCPIP_TCP_OPTION_SACK = 5,
    TCPIP_TCP_OPTION_TIMESTAMPS = 8,
    TCPIP_TCP_OPTION_MD5 = 19,
    TCPIP_TCP_OPTION_AO = 29,
    TCPIP_TCP_OPTION_FAST_OPEN = 34,
    TCPIP_TCP_OPTION_ACCECN0 = 172,
    TCPIP_TCP_OPTION_ACCECN1 = 174,
    TCPIP_TCP_OPTION_EXPERIMENT = 254 /* with 0xf989: Fast Open as it was before its number (RFC 7413 2) */
};

#define TCPIP_TCP_WINDOW_SCALE_MAX 14u /* RFC 7323 2.3 */
#define TCPIP_TCP_SACK_BLOCKS_MAX 4u
#define TCPIP_TCP_FAST_OPEN_COOKIE_MIN 4u
#define TCPIP_TCP_FAST_OPEN_COOKIE_MAX 16u
#define TCPIP_TCP_MD5_BYTES 18u
#define TCPIP_TCP_TIMESTAMPS_BYTES 12u /* nop nop TS: what each segment carries once negotiated */

/* Bits of tcpip_tcp_options.present. */
enum tcpip_tcp_option_bit {
    TCPIP_TCP_HAS_MSS = 1 << 0,
    TCPIP_TCP_HAS_WINDOW_SCALE = 1 << 1,
    TCPIP_TCP_HAS_SACK_PERMITTED = 1 << 2,
    TCPIP_TCP_HAS_SACK = 1 << 3,
    TCPIP_TCP_HAS_TIMESTAMPS = 1 << 4,
    TCPIP_TCP_HAS_FAST_OPEN = 1 << 5,     /* a request for a cookie when fast_open_bytes is 0 */
    TCPIP_TCP_HAS_FAST_OPEN_EXP = 1 << 6, /* beside HAS_FAST_OPEN: in the experimental form; answer alike */
    TCPIP_TCP_HAS_MD5 = 1 << 7,
    TCPIP_TCP_HAS_AO = 1 << 8,
    TCPIP_TCP_HAS_ACCECN = 1 << 9,
    TCPIP_TCP_BAD_SIGNATURE = 1 << 10 /* MD5 or AO: of an impossible length, both, or one of them twice */
};

struct tcpip_tcp_sack_block {
    uint32_t start, end; /* first sequence number of the block, first beyond it */
};

/* The options of one segment. Only members whose bit is in `present` mean anything (after a parse the others are 0
 * where a reader might forget to ask: mss, sack_count, fast_open_bytes). */
struct tcpip_tcp_options {
    uint16_t present;
    uint16_t mss;
    uint8_t window_scale;
    uint8_t sack_count;
    uint8_t fast_open_bytes;
    uint8_t accecn_count; /* how many of the counters came, 0 to 3, in wire order */
    uint32_t ts_val, ts_ecr;
    struct tcpip_tcp_sack_block sack[TCPIP_TCP_SACK_BLOCKS_MAX];
    uint8_t fast_open[TCPIP_TCP_FAST_OPEN_COOKIE_MAX];
    uint32_t accecn[3];  /* 24 bits each: ECT(0), CE, ECT(1) bytes for kind 172; ECT(1), CE, ECT(0) for 174 */
    uint8_t accecn_kind; /* TCPIP_TCP_OPTION_ACCECN0 or 1 */
    uint8_t md5_offset;  /* of the option, from the header's start */
    uint8_t ao_offset, ao_bytes;
};

/* Reads the options of a checked header of `header_bytes`. MSS, window scale, SACK-permitted and Fast Open count only
 * on a SYN, SACK blocks only on others. The last of a repeated option counts, but for signatures. A known kind with a
 * wrong length is skipped as unknown ones are, but for signatures (BAD_SIGNATURE); window scales over 14 are taken as
 * 14; an MSS of 0 is none. Returns false when a length is below 2 or runs past the header: what came before it is in
 * *out, and RFC 9293 3.1 (MUST-7) lets the caller go on with that. */
TCPIP_API bool tcpip_tcp_options_parse(const uint8_t *header, size_t header_bytes, struct tcpip_tcp_options *out);

/* The segment that a connection sees all day: exactly nop, nop, timestamps (or, in `header_bytes` 20, nothing). True if
 * it is that; then *ts_val and *ts_ecr are set. For fast paths that skip tcpip_tcp_options_parse. */
static inline bool tcpip_tcp_timestamps_fast(const uint8_t *header, size_t header_bytes, uint32_t *ts_val,
                                             uint32_t *ts_ecr)
{
    if (header_bytes != TCPIP_TCP_HEADER_MIN + TCPIP_TCP_TIMESTAMPS_BYTES ||
        tcpip_load_u32(header + TCPIP_TCP_HEADER_MIN) != 0x0101080au)
        return false;
    *ts_val = tcpip_load_u32(header + TCPIP_TCP_HEADER_MIN + 4);
    *ts_ecr = tcpip_load_u32(header + TCPIP_TCP_HEADER_MIN + 8);
    return true;
}

/* Writes nop, nop, timestamps: TCPIP_TCP_TIMESTAMPS_BYTES. */
static inline void tcpip_tcp_timestamps_emit(uint8_t *out, uint32_t ts_val, uint32_t ts_ecr)
{
    tcpip_store_u32(out, 0x0101080au);
    tcpip_store_u32(out + 4, ts_val);
    tcpip_store_u32(out + 8, ts_ecr);
}

/* How many SACK blocks fit behind `options_bytes` of other options. */
static inline unsigned tcpip_tcp_sack_room(size_t options_bytes)
{
    size_t room = options_bytes + 4 <= TCPIP_TCP_OPTIONS_MAX ? (TCPIP_TCP_OPTIONS_MAX - 4 - options_bytes) / 8 : 0;
    return room < TCPIP_TCP_SACK_BLOCKS_MAX ? (unsigned)room : TCPIP_TCP_SACK_BLOCKS_MAX;
}

/* Writes the options that `options->present` names into out[TCPIP_TCP_OPTIONS_MAX], padded by nops to a multiple of 4;
 * returns their size, at most 40. Laid out as Linux does, in this order:
 *
 *   nop nop MD5, or AO (zeroed: sign after) | mss | sackOK TS, or nop nop TS, or nop nop sackOK | nop wscale |
 *   nop nop SACK | Fast Open | AccECN
 *
 * AO: `ao_bytes` of it, padded. What no longer fits is left out: SACK loses its last blocks, AccECN its last counters,
 * the others go whole. */
TCPIP_API size_t tcpip_tcp_options_emit(uint8_t *out, const struct tcpip_tcp_options *options);
/* What tcpip_tcp_options_emit would return. */
TCPIP_API size_t tcpip_tcp_options_bytes(const struct tcpip_tcp_options *options);

TCPIP_END_DECLS

#endif
