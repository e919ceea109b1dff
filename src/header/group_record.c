// SPDX-License-Identifier: MIT
/* group_record.c: group records and floating-point times, shared by IGMPv3 and MLDv2, which differ only in the size of
 * an address.
 *
 *   record: type, auxiliary size in 4 bytes, number of sources:16, group, sources, auxiliary data (skipped) */
#include "header/group_record.h"

#include "header/cursor.h"

static bool group_record_take(struct cursor *c, uint8_t address_bytes, struct tcpip_group_record *out)
{
    out->type = cursor_u8(c);
    size_t auxiliary_bytes = (size_t)cursor_u8(c) * 4;
    out->source_count = cursor_u16(c);
    out->group = cursor_take(c, address_bytes);
    out->sources = cursor_take(c, (size_t)out->source_count * address_bytes);
    cursor_skip(c, auxiliary_bytes);
    return !c->failed;
}

bool tcpip__group_records_ok(const uint8_t *p, size_t records_bytes, uint16_t count, uint8_t address_bytes)
{
    struct cursor c = cursor_of(p, records_bytes);
    struct tcpip_group_record record;
    for (; count > 0; count--)
        if (!group_record_take(&c, address_bytes, &record))
            return false;
    return true;
}

bool tcpip_group_records_next(struct tcpip_group_record_iterator *it, struct tcpip_group_record *out)
{
    if (it->left_records == 0)
        return false;
    struct cursor c = cursor_of(it->at, it->left_bytes);
    if (!group_record_take(&c, it->address_bytes, out)) { /* an unchecked message */
        it->left_records = 0;
        return false;
    }
    it->at = c.at;
    it->left_bytes = c.left;
    it->left_records--;
    return true;
}

size_t tcpip__group_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record,
                                  uint8_t address_bytes)
{
    size_t bytes = 4u + address_bytes + (size_t)record->source_count * address_bytes;
    if (bytes > room)
        return 0;
    struct pen pen = pen_of(out, bytes);
    pen_u8(&pen, record->type);
    pen_u8(&pen, 0);
    pen_u16(&pen, record->source_count);
    pen_bytes(&pen, record->group, address_bytes);
    pen_bytes(&pen, record->sources, (size_t)record->source_count * address_bytes);
    return pen.used;
}

static uint32_t group_code_decode(uint32_t code, unsigned mantissa_bits)
{
    uint32_t limit = 1u << (mantissa_bits + 3); /* codes below are the value */
    if (code < limit)
        return code;
    uint32_t mantissa = (code & ((1u << mantissa_bits) - 1)) | 1u << mantissa_bits;
    return mantissa << ((code >> mantissa_bits & 7) + 3);
}

static uint32_t group_code_encode(uint32_t value, unsigned mantissa_bits)
{
    uint32_t limit = 1u << (mantissa_bits + 3);
    if (value < limit)
        return value;
    uint32_t exponent = 0;
    while (exponent < 7 && value >> (exponent + 3) >= 2u << mantissa_bits)
        exponent++;
    uint32_t mantissa = value >> (exponent + 3);
    if (mantissa >= 2u << mantissa_bits) /* more than any code says */
        mantissa = (2u << mantissa_bits) - 1;
    return limit | exponent << mantissa_bits | (mantissa & ((1u << mantissa_bits) - 1));
}

uint32_t tcpip__group_code8_decode(uint8_t code)
{
    return group_code_decode(code, 4);
}

uint8_t tcpip__group_code8_encode(uint32_t value)
{
    return (uint8_t)group_code_encode(value, 4);
}

uint32_t tcpip__group_code16_decode(uint16_t code)
{
    return group_code_decode(code, 12);
}

uint16_t tcpip__group_code16_encode(uint32_t value)
{
    return (uint16_t)group_code_encode(value, 12);
}
