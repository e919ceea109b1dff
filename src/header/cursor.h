// SPDX-License-Identifier: MIT
/* cursor.h: the only pointer that walks through somebody else's bytes.
 *
 * A cursor stands in a range and never leaves it. A read that asks for more than is left gives zeroes, moves to the end
 * and sets `failed`, which stays: a parser reads a whole structure and asks once. A pen is the same for writing: what
 * doesn't fit isn't written, not even in part.
 *
 * Invariants: at..at+left lies in the range given at the start; a pen's used + room never change. */
#ifndef TCPIP_SRC_HEADER_CURSOR_H
#define TCPIP_SRC_HEADER_CURSOR_H

#include <string.h>

#include <tcpip/header/bytes.h>

struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct cursor cursor_of(const uint8_t *p, size_t size_bytes)
{
    return (struct cursor){.at = p, .left = size_bytes, .failed = false};
}

/* The next `n` bytes, or null (and failed) when there aren't as many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (n > c->left) {
        c->at += c->left;
        c->left = 0;
        c->failed = true;
        return NULL;
    }
    const uint8_t *p = c->at;
    c->at += n;
    c->left -= n;
    return p;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? tcpip_load_u16(p) : 0;
}

static inline uint32_t cursor_u24(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 3);
    return p ? tcpip_load_u24(p) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? tcpip_load_u32(p) : 0;
}

/* A cursor over the next `n` bytes, which this one steps over; a failed empty one when there aren't as many. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
    const uint8_t *p = cursor_take(c, n);
    struct cursor sub = cursor_of(p ? p : c->at, p ? n : 0);
    sub.failed = !p;
    return sub;
}

/* One option of the families that say type, then length with both bytes counted (IPv4, TCP): gives a cursor over what
 * is behind the length byte. Called behind the type byte; fails when the length is below 2 or runs past the end. */
static inline struct cursor cursor_option_body(struct cursor *c)
{
    uint8_t length = cursor_u8(c);
    if (length < 2)
        c->failed = true;
    return cursor_sub(c, length < 2 ? c->left : length - 2u);
}

struct pen {
    uint8_t *out;
    size_t used, room;
    bool failed;
};

static inline struct pen pen_of(uint8_t *p, size_t size_bytes)
{
    return (struct pen){.out = p, .used = 0, .room = size_bytes, .failed = false};
}

/* True if `n` more bytes fit; else the pen has failed and writes nothing more. (A bool, not a null pointer from
 * pen_step: gcc 12 warns of writes to null on paths where it has seen such a test.) */
static inline bool pen_fits(struct pen *pen, size_t n)
{
    if (n > pen->room)
        pen->failed = true;
    return !pen->failed;
}

/* Where the next `n` bytes go; they fit. */
static inline uint8_t *pen_step(struct pen *pen, size_t n)
{
    uint8_t *p = pen->out + pen->used;
    pen->used += n;
    pen->room -= n;
    return p;
}

static inline void pen_u8(struct pen *pen, uint8_t v)
{
    if (pen_fits(pen, 1))
        *pen_step(pen, 1) = v;
}

static inline void pen_u16(struct pen *pen, uint16_t v)
{
    if (pen_fits(pen, 2))
        tcpip_store_u16(pen_step(pen, 2), v);
}

static inline void pen_u24(struct pen *pen, uint32_t v)
{
    if (pen_fits(pen, 3))
        tcpip_store_u24(pen_step(pen, 3), v);
}

static inline void pen_u32(struct pen *pen, uint32_t v)
{
    if (pen_fits(pen, 4))
        tcpip_store_u32(pen_step(pen, 4), v);
}

static inline void pen_le16(struct pen *pen, uint16_t v)
{
    if (pen_fits(pen, 2))
        tcpip_store_le16(pen_step(pen, 2), v);
}

static inline void pen_le32(struct pen *pen, uint32_t v)
{
    if (pen_fits(pen, 4))
        tcpip_store_le32(pen_step(pen, 4), v);
}

static inline void pen_bytes(struct pen *pen, const void *from, size_t n)
{
    if (n > 0 && pen_fits(pen, n))
        memcpy(pen_step(pen, n), from, n);
}

static inline void pen_fill(struct pen *pen, uint8_t v, size_t n)
{
    if (n > 0 && pen_fits(pen, n))
        memset(pen_step(pen, n), v, n);
}

#endif
