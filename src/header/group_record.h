// SPDX-License-Identifier: MIT
/* group_record.h: what IGMPv3 and MLDv2 share: group records and floating-point times. */
#ifndef TCPIP_SRC_HEADER_GROUP_RECORD_H
#define TCPIP_SRC_HEADER_GROUP_RECORD_H

#include <tcpip/header/igmp.h>

/* A report's records, `count` of them with addresses of `address_bytes`, lie in the `records_bytes` at `p`. */
bool tcpip__group_records_ok(const uint8_t *p, size_t records_bytes, uint16_t count, uint8_t address_bytes);
/* Writes a record; returns its size, 0 when it doesn't fit in `room`. */
size_t tcpip__group_record_encode(uint8_t *out, size_t room, const struct tcpip_group_record *record,
                                  uint8_t address_bytes);

/* 8-bit codes: below 128 the value itself, else 4 bits of mantissa and 3 of exponent (RFC 3376 4.1.1). Encoding rounds
 * down. */
uint32_t tcpip__group_code8_decode(uint8_t code);
uint8_t tcpip__group_code8_encode(uint32_t value);
/* 16-bit codes: below 32768 the value itself, else 12 bits of mantissa and 3 of exponent (RFC 3810 5.1.3). */
uint32_t tcpip__group_code16_decode(uint16_t code);
uint16_t tcpip__group_code16_encode(uint32_t value);

#endif
