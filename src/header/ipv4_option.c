// SPDX-License-Identifier: MIT
/* ipv4_option.c: walking the options of an IPv4 header, and the two that a router writes into.
 *
 * Record route and timestamp carry a one-based pointer to their next free slot. It is the sender's word: each use
 * compares it with the option's length, which the iterator has compared with the header's.
 *
 *   record route   type length pointer(>= 4)  slot slot ...          slots of 4: address
 *   timestamp      type length pointer(>= 5)  overflow:4 flags:4     slots of 4: time, or of 8: address, time
 *
 * Invariants: the iterator's at <= end <= 60; a given option lies whole inside the header. */
#include <tcpip/header/ipv4.h>

#include "header/cursor.h"

enum {
    RECORD_ROUTE_POINTER_MIN = 4,
    TIMESTAMP_POINTER_MIN = 5,
    TIMESTAMP_ONLY = 0,         /* flags: times alone */
    TIMESTAMP_WITH_ADDRESS = 1, /* each time with the address of who wrote it */
    TIMESTAMP_PRESPECIFIED = 3, /* addresses are given; each fills in its time */
    TIMESTAMP_OVERFLOW_MAX = 15
};

void tcpip_ipv4_options_begin(struct tcpip_ipv4_option_iterator *it, const uint8_t *header)
{
    *it = (struct tcpip_ipv4_option_iterator){
        .header = header,
        .at = TCPIP_IPV4_HEADER_MIN,
        .end = (uint8_t)tcpip_ipv4_header_bytes(header),
    };
}

bool tcpip_ipv4_options_next(struct tcpip_ipv4_option_iterator *it, struct tcpip_ipv4_option *out)
{
    if (it->at >= it->end)
        return false;
    const uint8_t *start = it->header + it->at;
    struct cursor c = cursor_of(start, (size_t)(it->end - it->at));
    uint8_t type = cursor_u8(&c);
    if (type == TCPIP_IPV4_OPTION_EOL) {
        it->at = it->end;
        return false;
    }
    if (type != TCPIP_IPV4_OPTION_NOP)
        (void)cursor_option_body(&c);
    if (c.failed) {
        it->malformed = true;
        /* The length byte lies; if there is none, the type stands where it can't. */
        it->problem_offset = (uint8_t)(it->at + (it->end - it->at > 1 ? 1 : 0));
        it->at = it->end;
        return false;
    }
    *out = (struct tcpip_ipv4_option){
        .type = type,
        .bytes = (uint8_t)(c.at - start),
        .offset = it->at,
        .data = start,
    };
    it->at = (uint8_t)(it->at + out->bytes);
    return true;
}

static enum tcpip_ipv4_option_result ipv4_option_malformed(uint8_t *problem, uint8_t offset)
{
    *problem = offset;
    return TCPIP_IPV4_OPTION_MALFORMED;
}

enum tcpip_ipv4_option_result tcpip_ipv4_record_route(uint8_t *option, const uint8_t *address, uint8_t *problem)
{
    uint8_t length = option[1];
    if (length < 3)
        return ipv4_option_malformed(problem, 1);
    uint8_t pointer = option[2];
    if (pointer < RECORD_ROUTE_POINTER_MIN)
        return ipv4_option_malformed(problem, 2);
    if (pointer > length)
        return TCPIP_IPV4_OPTION_UNCHANGED;
    if (pointer + 3 > length) /* room, but not for a whole address: in error (RFC 791 3.1) */
        return ipv4_option_malformed(problem, 2);
    memcpy(option + pointer - 1, address, 4);
    option[2] = (uint8_t)(pointer + 4);
    return TCPIP_IPV4_OPTION_RECORDED;
}

static enum tcpip_ipv4_option_result ipv4_timestamp_overflow(uint8_t *option, uint8_t *problem)
{
    if (option[3] >> 4 == TIMESTAMP_OVERFLOW_MAX)
        return ipv4_option_malformed(problem, 3);
    option[3] = (uint8_t)(option[3] + 0x10);
    return TCPIP_IPV4_OPTION_RECORDED;
}

enum tcpip_ipv4_option_result tcpip_ipv4_record_timestamp(uint8_t *option, const uint8_t *address,
                                                          uint32_t milliseconds, uint8_t *problem)
{
    uint8_t length = option[1];
    if (length < 4)
        return ipv4_option_malformed(problem, 1);
    uint8_t pointer = option[2], flags = option[3] & 15;
    if (pointer < TIMESTAMP_POINTER_MIN)
        return ipv4_option_malformed(problem, 2);
    if (flags != TIMESTAMP_ONLY && flags != TIMESTAMP_WITH_ADDRESS && flags != TIMESTAMP_PRESPECIFIED)
        return ipv4_option_malformed(problem, 3);
    if (pointer > length)
        return ipv4_timestamp_overflow(option, problem);
    uint8_t slot_bytes = flags == TIMESTAMP_ONLY ? 4 : 8;
    if (pointer - 1 + slot_bytes > length)
        return ipv4_option_malformed(problem, 2);
    uint8_t *slot = option + pointer - 1;
    if (flags == TIMESTAMP_PRESPECIFIED && memcmp(slot, address, 4) != 0)
        return TCPIP_IPV4_OPTION_UNCHANGED; /* another's turn */
    if (flags == TIMESTAMP_WITH_ADDRESS)
        memcpy(slot, address, 4);
    tcpip_store_u32(slot + slot_bytes - 4, milliseconds);
    option[2] = (uint8_t)(pointer + slot_bytes);
    return TCPIP_IPV4_OPTION_RECORDED;
}

void tcpip_ipv4_router_alert_encode(uint8_t *out)
{
    out[0] = TCPIP_IPV4_OPTION_ROUTER_ALERT;
    out[1] = TCPIP_IPV4_ROUTER_ALERT_BYTES;
    tcpip_store_u16(out + 2, 0);
}

size_t tcpip_ipv4_options_for_fragment(uint8_t *out, const uint8_t *header)
{
    struct tcpip_ipv4_option_iterator it;
    struct tcpip_ipv4_option option;
    struct pen pen = pen_of(out, TCPIP_IPV4_OPTIONS_MAX);
    tcpip_ipv4_options_begin(&it, header);
    while (tcpip_ipv4_options_next(&it, &option))
        if (option.type & TCPIP_IPV4_OPTION_COPIED)
            pen_bytes(&pen, option.data, option.bytes);
    pen_fill(&pen, TCPIP_IPV4_OPTION_EOL, pen.room % 4);
    return pen.used;
}
