// SPDX-License-Identifier: MIT
/* text.h: a line of text in a caller's buffer: always terminated, cut off where the buffer ends.
 *
 * Invariants: used < size, out[used] is the terminating zero; with a size of 0 nothing is ever written. */
#ifndef TCPIP_SRC_HEADER_TEXT_H
#define TCPIP_SRC_HEADER_TEXT_H

#include <tcpip/address.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

struct text {
    char *out;
    size_t size, used;
    size_t wanted; /* what `used` would be had there been room for all */
};

static inline struct text text_of(char *out, size_t size)
{
    if (size > 0)
        out[0] = '\0';
    return (struct text){.out = out, .size = size, .used = 0, .wanted = 0};
}

static inline void text_char(struct text *text, char ch)
{
    text->wanted++;
    if (text->used + 1 < text->size) {
        text->out[text->used++] = ch;
        text->out[text->used] = '\0';
    }
}

static inline void text_string(struct text *text, const char *string)
{
    for (; *string != '\0'; string++)
        text_char(text, *string);
}

static inline void text_number(struct text *text, uint64_t number)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n < sizeof digits)
        text_char(text, digits[n++]);
}

/* Lower-case hexadecimal of exactly `digits` digits. */
static inline void text_hex(struct text *text, uint32_t number, unsigned digits)
{
    while (digits-- > 0)
        text_char(text, "0123456789abcdef"[number >> 4 * digits & 15]);
}

static inline void text_hex_bytes(struct text *text, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_hex(text, bytes[i], 2);
}

static inline void text_address(struct text *text, const struct tcpip_address *address)
{
    char buffer[TCPIP_ADDRESS_TEXT_MAX];
    (void)tcpip_address_format(address, buffer);
    text_string(text, buffer);
}

static inline void text_ipv4(struct text *text, const uint8_t *four_bytes)
{
    struct tcpip_address address = tcpip_ipv4_address(four_bytes);
    text_address(text, &address);
}

static inline void text_ipv6(struct text *text, const uint8_t *sixteen_bytes)
{
    struct tcpip_address address = tcpip_ipv6_address(sixteen_bytes);
    text_address(text, &address);
}

static inline void text_ethernet(struct text *text, const uint8_t *six_bytes)
{
    for (size_t i = 0; i < 6; i++) {
        if (i > 0)
            text_char(text, ':');
        text_hex(text, six_bytes[i], 2);
    }
}

/* ", name value". */
static inline void text_field(struct text *text, const char *name, uint64_t value)
{
    text_string(text, ", ");
    text_string(text, name);
    text_char(text, ' ');
    text_number(text, value);
}

#endif
