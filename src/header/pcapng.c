// SPDX-License-Identifier: MIT
/* pcapng.c: blocks of a capture file.
 *
 *   block:  type:32 | size:32 | body, padded to 4 | size:32       all sizes count the whole block
 *   option: code:16 | size:16 | value, padded to 4                ended by one of code 0
 *
 * A packet's block is head (28 bytes), captured bytes, tail: written in one piece or, around scattered bytes, in three.
 *
 * Not here: files, and the old pcap format. */
#include <tcpip/header/pcapng.h>

#include "header/cursor.h"

enum {
    PCAPNG_SECTION = 0x0a0d0d0a,
    PCAPNG_INTERFACE = 1,
    PCAPNG_PACKET = 6,
    PCAPNG_MAGIC = 0x1a2b3c4d, /* its byte order is the file's */
    PCAPNG_OPTION_END = 0,
    PCAPNG_OPTION_COMMENT = 1,
    PCAPNG_OPTION_USER_APPLICATION = 4, /* of a section */
    PCAPNG_OPTION_NAME = 2,             /* of an interface */
    PCAPNG_OPTION_TIME_RESOLUTION = 9,
    PCAPNG_TIME_NANOSECONDS = 9,   /* 10^-9 */
    PCAPNG_OPTION_PACKET_FLAGS = 2 /* of a packet: the lowest two bits are its direction */
};

static size_t pcapng_padded(size_t size_bytes)
{
    return (size_bytes + 3) & ~(size_t)3;
}

static size_t pcapng_text_bytes(const char *text)
{
    size_t n = 0;
    while (text && n < TCPIP_PCAPNG_TEXT_MAX && text[n] != '\0')
        n++;
    return n;
}

/* The size of an option with a value of `value_bytes`. */
static size_t pcapng_option_bytes(size_t value_bytes)
{
    return 4 + pcapng_padded(value_bytes);
}

static void pcapng_option(struct pen *pen, uint16_t code, const void *value, size_t value_bytes)
{
    pen_le16(pen, code);
    pen_le16(pen, (uint16_t)value_bytes);
    pen_bytes(pen, value, value_bytes);
    pen_fill(pen, 0, pcapng_padded(value_bytes) - value_bytes);
}

static void pcapng_text_option(struct pen *pen, uint16_t code, const char *text)
{
    if (text && text[0] != '\0')
        pcapng_option(pen, code, text, pcapng_text_bytes(text));
}

static size_t pcapng_text_option_bytes(const char *text)
{
    return text && text[0] != '\0' ? pcapng_option_bytes(pcapng_text_bytes(text)) : 0;
}

size_t tcpip_pcapng_section_encode(uint8_t *out, size_t size, const char *application)
{
    size_t bytes = 28 + pcapng_text_option_bytes(application) + pcapng_option_bytes(0);
    if (bytes > size)
        return 0;
    struct pen pen = pen_of(out, bytes);
    pen_le32(&pen, PCAPNG_SECTION);
    pen_le32(&pen, (uint32_t)bytes);
    pen_le32(&pen, PCAPNG_MAGIC);
    pen_le16(&pen, 1); /* version 1.0 */
    pen_le16(&pen, 0);
    pen_fill(&pen, 0xff, 8); /* the section's size: not known */
    pcapng_text_option(&pen, PCAPNG_OPTION_USER_APPLICATION, application);
    pcapng_option(&pen, PCAPNG_OPTION_END, NULL, 0);
    pen_le32(&pen, (uint32_t)bytes);
    return bytes;
}

size_t tcpip_pcapng_interface_encode(uint8_t *out, size_t size, uint16_t linktype, uint32_t snap_bytes,
                                     const char *name)
{
    static const uint8_t resolution = PCAPNG_TIME_NANOSECONDS;
    size_t bytes = 20 + pcapng_text_option_bytes(name) + pcapng_option_bytes(1) + pcapng_option_bytes(0);
    if (bytes > size)
        return 0;
    struct pen pen = pen_of(out, bytes);
    pen_le32(&pen, PCAPNG_INTERFACE);
    pen_le32(&pen, (uint32_t)bytes);
    pen_le16(&pen, linktype);
    pen_le16(&pen, 0);
    pen_le32(&pen, snap_bytes);
    pcapng_text_option(&pen, PCAPNG_OPTION_NAME, name);
    pcapng_option(&pen, PCAPNG_OPTION_TIME_RESOLUTION, &resolution, 1);
    pcapng_option(&pen, PCAPNG_OPTION_END, NULL, 0);
    pen_le32(&pen, (uint32_t)bytes);
    return bytes;
}

static bool pcapng_has_direction(const struct tcpip_pcapng_packet *packet)
{
    return packet->direction != TCPIP_PCAPNG_UNKNOWN;
}

static size_t pcapng_packet_options_bytes(const struct tcpip_pcapng_packet *packet)
{
    size_t bytes =
        (pcapng_has_direction(packet) ? pcapng_option_bytes(4) : 0) + pcapng_text_option_bytes(packet->comment);
    return bytes > 0 ? bytes + pcapng_option_bytes(0) : 0;
}

size_t tcpip_pcapng_packet_bytes(const struct tcpip_pcapng_packet *packet)
{
    return TCPIP_PCAPNG_PACKET_HEAD_BYTES + pcapng_padded(packet->captured_bytes) +
           pcapng_packet_options_bytes(packet) + 4;
}

void tcpip_pcapng_packet_head(uint8_t *out, const struct tcpip_pcapng_packet *packet)
{
    uint64_t at = (uint64_t)packet->at;
    struct pen pen = pen_of(out, TCPIP_PCAPNG_PACKET_HEAD_BYTES);
    pen_le32(&pen, PCAPNG_PACKET);
    pen_le32(&pen, (uint32_t)tcpip_pcapng_packet_bytes(packet));
    pen_le32(&pen, packet->interface);
    pen_le32(&pen, (uint32_t)(at >> 32));
    pen_le32(&pen, (uint32_t)at);
    pen_le32(&pen, packet->captured_bytes);
    pen_le32(&pen, packet->original_bytes);
}

size_t tcpip_pcapng_packet_tail(uint8_t *out, size_t size, const struct tcpip_pcapng_packet *packet)
{
    size_t bytes = tcpip_pcapng_packet_bytes(packet) - TCPIP_PCAPNG_PACKET_HEAD_BYTES - packet->captured_bytes;
    if (bytes > size)
        return 0;
    struct pen pen = pen_of(out, bytes);
    pen_fill(&pen, 0, pcapng_padded(packet->captured_bytes) - packet->captured_bytes);
    if (pcapng_has_direction(packet)) {
        uint8_t flags[4];
        tcpip_store_le32(flags, (uint32_t)packet->direction);
        pcapng_option(&pen, PCAPNG_OPTION_PACKET_FLAGS, flags, 4);
    }
    pcapng_text_option(&pen, PCAPNG_OPTION_COMMENT, packet->comment);
    if (pcapng_packet_options_bytes(packet) > 0)
        pcapng_option(&pen, PCAPNG_OPTION_END, NULL, 0);
    pen_le32(&pen, (uint32_t)tcpip_pcapng_packet_bytes(packet));
    return bytes;
}

size_t tcpip_pcapng_packet_encode(uint8_t *out, size_t size, const struct tcpip_pcapng_packet *packet)
{
    size_t bytes = tcpip_pcapng_packet_bytes(packet);
    if (bytes > size)
        return 0;
    tcpip_pcapng_packet_head(out, packet);
    out += TCPIP_PCAPNG_PACKET_HEAD_BYTES;
    if (packet->captured_bytes > 0)
        memcpy(out, packet->bytes, packet->captured_bytes);
    out += packet->captured_bytes;
    (void)tcpip_pcapng_packet_tail(out, bytes - TCPIP_PCAPNG_PACKET_HEAD_BYTES - packet->captured_bytes, packet);
    return bytes;
}
