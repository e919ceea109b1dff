// SPDX-License-Identifier: MIT
/* tcp_option.c: TCP options, both ways.
 *
 * Reading is liberal, in one pass: an unknown kind, or a known one of the wrong length, is stepped over; only a length
 * that can't be stepped over ends the walk. What is negotiated on a SYN is read on SYNs alone, so that no later segment
 * can change it; the segment of every day has a fast path.
 *
 * Writing follows Linux's layout to the byte: middleboxes have been trained on it, packet scripts assert it, and it
 * keeps the timestamps aligned.
 *
 *   SYN    mss:4  sackOK TS:12  nop wscale:4          without timestamps: mss:4  nop nop sackOK:4  nop wscale:4
 *   other  nop nop TS:12  nop nop SACK:4+8n (n <= 3 beside timestamps, else 4)
 *
 * Not here: what the options mean for a connection (transport/tcp); signatures (only their place is told). */
#include <tcpip/header/tcp.h>

#include "base/assert.h"
#include "header/cursor.h"

enum {
    TCP_OPTION_FAST_OPEN_MAGIC = 0xf989,
    TCP_OPTION_ACCECN_COUNTERS_MAX = 3,
    TCP_OPTION_AO_BODY_MIN = 2 /* key id, next key id; the MAC may have any length */
};

/* ---- Reading ---- */

static void tcp_option_fast_open(struct tcpip_tcp_options *out, struct cursor *body, uint16_t present)
{
    size_t cookie_bytes = body->left;
    if (cookie_bytes != 0 && (cookie_bytes < TCPIP_TCP_FAST_OPEN_COOKIE_MIN ||
                              cookie_bytes > TCPIP_TCP_FAST_OPEN_COOKIE_MAX || cookie_bytes % 2 != 0))
        return;
    out->present = (uint16_t)((out->present & ~TCPIP_TCP_HAS_FAST_OPEN_EXP) | present);
    out->fast_open_bytes = (uint8_t)cookie_bytes;
    if (cookie_bytes > 0)
        memcpy(out->fast_open, cursor_take(body, cookie_bytes), cookie_bytes);
}

static void tcp_option_on_syn(struct tcpip_tcp_options *out, uint8_t kind, struct cursor *body)
{
    size_t bytes = body->left;
    if (kind == TCPIP_TCP_OPTION_MSS && bytes == 2) {
        uint16_t mss = cursor_u16(body);
        if (mss != 0) {
            out->present |= TCPIP_TCP_HAS_MSS;
            out->mss = mss;
        }
    } else if (kind == TCPIP_TCP_OPTION_WINDOW_SCALE && bytes == 1) {
        uint8_t scale = cursor_u8(body);
        out->present |= TCPIP_TCP_HAS_WINDOW_SCALE;
        out->window_scale = scale < TCPIP_TCP_WINDOW_SCALE_MAX ? scale : (uint8_t)TCPIP_TCP_WINDOW_SCALE_MAX;
    } else if (kind == TCPIP_TCP_OPTION_SACK_PERMITTED && bytes == 0) {
        out->present |= TCPIP_TCP_HAS_SACK_PERMITTED;
    } else if (kind == TCPIP_TCP_OPTION_FAST_OPEN) {
        tcp_option_fast_open(out, body, TCPIP_TCP_HAS_FAST_OPEN);
    } else if (kind == TCPIP_TCP_OPTION_EXPERIMENT && bytes >= 2 && cursor_u16(body) == TCP_OPTION_FAST_OPEN_MAGIC) {
        tcp_option_fast_open(out, body, TCPIP_TCP_HAS_FAST_OPEN | TCPIP_TCP_HAS_FAST_OPEN_EXP);
    }
}

static void tcp_option_sack(struct tcpip_tcp_options *out, struct cursor *body)
{
    size_t bytes = body->left;
    if (bytes == 0 || bytes % 8 != 0 || bytes > 8 * TCPIP_TCP_SACK_BLOCKS_MAX)
        return;
    out->present |= TCPIP_TCP_HAS_SACK;
    out->sack_count = (uint8_t)(bytes / 8);
    for (unsigned i = 0; i < out->sack_count; i++) {
        out->sack[i].start = cursor_u32(body);
        out->sack[i].end = cursor_u32(body);
    }
}

static void tcp_option_accecn(struct tcpip_tcp_options *out, uint8_t kind, struct cursor *body)
{
    size_t bytes = body->left;
    if (bytes % 3 != 0 || bytes > 3 * TCP_OPTION_ACCECN_COUNTERS_MAX)
        return;
    out->present |= TCPIP_TCP_HAS_ACCECN;
    out->accecn_kind = kind;
    out->accecn_count = (uint8_t)(bytes / 3);
    for (unsigned i = 0; i < out->accecn_count; i++)
        out->accecn[i] = cursor_u24(body);
}

/* Nobody sends two, and which one counts would be anybody's guess: what guesses wrong takes a forgery for signed. */
static void tcp_option_signature(struct tcpip_tcp_options *out, uint8_t kind, size_t bytes, uint8_t offset)
{
    bool md5 = kind == TCPIP_TCP_OPTION_MD5;
    if ((out->present & (TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_AO)) != 0 ||
        (md5 ? bytes != TCPIP_TCP_MD5_BYTES - 2 : bytes < TCP_OPTION_AO_BODY_MIN)) {
        out->present |= TCPIP_TCP_BAD_SIGNATURE;
    } else if (md5) {
        out->present |= TCPIP_TCP_HAS_MD5;
        out->md5_offset = offset;
    } else {
        out->present |= TCPIP_TCP_HAS_AO;
        out->ao_offset = offset;
        out->ao_bytes = (uint8_t)(bytes + 2);
    }
}

/* One option of a kind that isn't bound to SYNs. `offset`: of its kind byte in the header. */
static void tcp_option_on_any(struct tcpip_tcp_options *out, uint8_t kind, struct cursor *body, uint8_t offset)
{
    size_t bytes = body->left;
    if (kind == TCPIP_TCP_OPTION_TIMESTAMPS && bytes == 8) {
        out->present |= TCPIP_TCP_HAS_TIMESTAMPS;
        out->ts_val = cursor_u32(body);
        out->ts_ecr = cursor_u32(body);
    } else if (kind == TCPIP_TCP_OPTION_MD5 || kind == TCPIP_TCP_OPTION_AO) {
        tcp_option_signature(out, kind, bytes, offset);
    } else if (kind == TCPIP_TCP_OPTION_ACCECN0 || kind == TCPIP_TCP_OPTION_ACCECN1) {
        tcp_option_accecn(out, kind, body);
    }
}

static void tcp_option_clear(struct tcpip_tcp_options *out)
{
    out->present = 0;
    out->mss = 0;
    out->window_scale = out->sack_count = out->fast_open_bytes = out->accecn_count = 0;
}

bool tcpip_tcp_options_parse(const uint8_t *header, size_t header_bytes, struct tcpip_tcp_options *out)
{
    ASSERT(header_bytes >= TCPIP_TCP_HEADER_MIN && header_bytes <= TCPIP_TCP_HEADER_MAX);
    tcp_option_clear(out);
    bool syn = (tcpip_tcp_flags(header) & TCPIP_TCP_SYN) != 0;
    if (tcpip_tcp_timestamps_fast(header, header_bytes, &out->ts_val, &out->ts_ecr)) {
        out->present = TCPIP_TCP_HAS_TIMESTAMPS;
        return true;
    }
    struct cursor c = cursor_of(header + TCPIP_TCP_HEADER_MIN, header_bytes - TCPIP_TCP_HEADER_MIN);
    while (c.left > 0) {
        uint8_t offset = (uint8_t)(c.at - header);
        uint8_t kind = cursor_u8(&c);
        if (kind == TCPIP_TCP_OPTION_EOL)
            break;
        if (kind == TCPIP_TCP_OPTION_NOP)
            continue;
        struct cursor body = cursor_option_body(&c);
        if (c.failed)
            return false;
        if (syn)
            tcp_option_on_syn(out, kind, &body);
        else if (kind == TCPIP_TCP_OPTION_SACK)
            tcp_option_sack(out, &body);
        tcp_option_on_any(out, kind, &body, offset);
    }
    return true;
}

/* ---- Writing ---- */

static void tcp_option_write_pair(struct pen *pen, uint8_t kind, uint8_t bytes)
{
    pen_u16(pen, (uint16_t)((unsigned)kind << 8 | bytes));
}

static void tcp_option_write_nops(struct pen *pen, size_t count)
{
    pen_fill(pen, TCPIP_TCP_OPTION_NOP, count);
}

/* Timestamps and SACK-permitted share a word where both are sent. */
static void tcp_option_write_timestamps(struct pen *pen, const struct tcpip_tcp_options *options)
{
    bool sack_permitted = (options->present & TCPIP_TCP_HAS_SACK_PERMITTED) != 0;
    if (options->present & TCPIP_TCP_HAS_TIMESTAMPS && pen->room >= TCPIP_TCP_TIMESTAMPS_BYTES) {
        if (sack_permitted)
            tcp_option_write_pair(pen, TCPIP_TCP_OPTION_SACK_PERMITTED, 2);
        else
            tcp_option_write_nops(pen, 2);
        tcp_option_write_pair(pen, TCPIP_TCP_OPTION_TIMESTAMPS, 10);
        pen_u32(pen, options->ts_val);
        pen_u32(pen, options->ts_ecr);
    } else if (sack_permitted && pen->room >= 4) {
        tcp_option_write_nops(pen, 2);
        tcp_option_write_pair(pen, TCPIP_TCP_OPTION_SACK_PERMITTED, 2);
    }
}

static void tcp_option_write_sack(struct pen *pen, const struct tcpip_tcp_options *options)
{
    ASSERT(options->sack_count <= TCPIP_TCP_SACK_BLOCKS_MAX);
    unsigned count = tcpip_tcp_sack_room(pen->used);
    if (count > options->sack_count)
        count = options->sack_count;
    if (count == 0)
        return;
    tcp_option_write_nops(pen, 2);
    tcp_option_write_pair(pen, TCPIP_TCP_OPTION_SACK, (uint8_t)(2 + 8 * count));
    for (unsigned i = 0; i < count; i++) {
        pen_u32(pen, options->sack[i].start);
        pen_u32(pen, options->sack[i].end);
    }
}

static void tcp_option_write_fast_open(struct pen *pen, const struct tcpip_tcp_options *options)
{
    ASSERT(options->fast_open_bytes <= TCPIP_TCP_FAST_OPEN_COOKIE_MAX);
    bool experiment = (options->present & TCPIP_TCP_HAS_FAST_OPEN_EXP) != 0;
    size_t bytes = (experiment ? 4u : 2u) + options->fast_open_bytes;
    size_t padding = (4 - bytes % 4) % 4;
    if (bytes + padding > pen->room)
        return;
    if (experiment) {
        tcp_option_write_pair(pen, TCPIP_TCP_OPTION_EXPERIMENT, (uint8_t)bytes);
        pen_u16(pen, TCP_OPTION_FAST_OPEN_MAGIC);
    } else {
        tcp_option_write_pair(pen, TCPIP_TCP_OPTION_FAST_OPEN, (uint8_t)bytes);
    }
    pen_bytes(pen, options->fast_open, options->fast_open_bytes);
    tcp_option_write_nops(pen, padding);
}

static void tcp_option_write_accecn(struct pen *pen, const struct tcpip_tcp_options *options)
{
    ASSERT(options->accecn_count <= TCP_OPTION_ACCECN_COUNTERS_MAX);
    if (pen->room < 4)
        return;
    unsigned count = options->accecn_count;
    while (2 + 3 * count > pen->room) /* fewer counters are a shorter option, not a wrong one (RFC 9768 3.2.3) */
        count--;
    size_t bytes = 2 + 3 * (size_t)count;
    tcp_option_write_pair(pen, options->accecn_kind, (uint8_t)bytes);
    for (unsigned i = 0; i < count; i++)
        pen_u24(pen, options->accecn[i]);
    tcp_option_write_nops(pen, (4 - bytes % 4) % 4);
}

size_t tcpip_tcp_options_emit(uint8_t *out, const struct tcpip_tcp_options *options)
{
    struct pen pen = pen_of(out, TCPIP_TCP_OPTIONS_MAX);
    if (options->present & TCPIP_TCP_HAS_MD5) {
        tcp_option_write_nops(&pen, 2);
        tcp_option_write_pair(&pen, TCPIP_TCP_OPTION_MD5, TCPIP_TCP_MD5_BYTES);
        pen_fill(&pen, 0, TCPIP_TCP_MD5_BYTES - 2);
    } else if (options->present & TCPIP_TCP_HAS_AO) {
        ASSERT(options->ao_bytes >= 2 + TCP_OPTION_AO_BODY_MIN && options->ao_bytes <= TCPIP_TCP_OPTIONS_MAX);
        tcp_option_write_pair(&pen, TCPIP_TCP_OPTION_AO, options->ao_bytes);
        pen_fill(&pen, 0, options->ao_bytes - 2u);
        tcp_option_write_nops(&pen, (4 - options->ao_bytes % 4u) % 4);
    }
    if (options->present & TCPIP_TCP_HAS_MSS) {
        tcp_option_write_pair(&pen, TCPIP_TCP_OPTION_MSS, 4);
        pen_u16(&pen, options->mss);
    }
    tcp_option_write_timestamps(&pen, options);
    if (options->present & TCPIP_TCP_HAS_WINDOW_SCALE && pen.room >= 4) {
        tcp_option_write_nops(&pen, 1);
        tcp_option_write_pair(&pen, TCPIP_TCP_OPTION_WINDOW_SCALE, 3);
        pen_u8(&pen, options->window_scale);
    }
    if (options->present & TCPIP_TCP_HAS_SACK)
        tcp_option_write_sack(&pen, options);
    if (options->present & TCPIP_TCP_HAS_FAST_OPEN)
        tcp_option_write_fast_open(&pen, options);
    if (options->present & TCPIP_TCP_HAS_ACCECN)
        tcp_option_write_accecn(&pen, options);
    return pen.used;
}

size_t tcpip_tcp_options_bytes(const struct tcpip_tcp_options *options)
{
    uint8_t scratch[TCPIP_TCP_OPTIONS_MAX];
    return tcpip_tcp_options_emit(scratch, options);
}
