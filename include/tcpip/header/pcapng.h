// SPDX-License-Identifier: MIT
/* pcapng.h: writing capture files that Wireshark and tcpdump read (draft-ietf-opsawg-pcapng). Pure functions into the
 * caller's buffer; little-endian on every machine, so that equal captures are equal bytes.
 *
 * A file is one section header, then interfaces (numbered from 0 in order), then packets. */
#ifndef TCPIP_HEADER_PCAPNG_H
#define TCPIP_HEADER_PCAPNG_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

#define TCPIP_LINKTYPE_ETHERNET 1u
#define TCPIP_LINKTYPE_RAW 101u /* IPv4 or IPv6 without a link header */

#define TCPIP_PCAPNG_PACKET_HEAD_BYTES 28u
#define TCPIP_PCAPNG_TEXT_MAX 1024u /* names and comments are cut to this */

enum tcpip_pcapng_direction { TCPIP_PCAPNG_UNKNOWN = 0, TCPIP_PCAPNG_INBOUND = 1, TCPIP_PCAPNG_OUTBOUND = 2 };

struct tcpip_pcapng_packet {
    uint32_t interface;
    enum tcpip_pcapng_direction direction;
    int64_t at;           /* nanoseconds since 1970 */
    const uint8_t *bytes; /* what was captured */
    uint32_t captured_bytes;
    uint32_t original_bytes; /* the packet's true length */
    const char *comment;     /* or null */
};

/* Each writes one block and returns its size (a multiple of 4), or 0 when it doesn't fit in `size`; then nothing was
 * written. */

/* `application`: who writes, or null. */
TCPIP_API size_t tcpip_pcapng_section_encode(uint8_t *out, size_t size, const char *application);
/* `linktype`: TCPIP_LINKTYPE_*; `snap_bytes`: the most that is captured of a packet, 0: no limit; `name`: or null.
 * Times are in ns. */
TCPIP_API size_t tcpip_pcapng_interface_encode(uint8_t *out, size_t size, uint16_t linktype, uint32_t snap_bytes,
                                               const char *name);
TCPIP_API size_t tcpip_pcapng_packet_encode(uint8_t *out, size_t size, const struct tcpip_pcapng_packet *packet);

/* The size of the block that tcpip_pcapng_packet_encode writes. */
TCPIP_API size_t tcpip_pcapng_packet_bytes(const struct tcpip_pcapng_packet *packet);
/* The same block in pieces, for packets that aren't contiguous: the TCPIP_PCAPNG_PACKET_HEAD_BYTES before the captured
 * bytes, and (returning its size) all that comes behind them, padding first. packet->bytes isn't read. */
TCPIP_API void tcpip_pcapng_packet_head(uint8_t *out, const struct tcpip_pcapng_packet *packet);
TCPIP_API size_t tcpip_pcapng_packet_tail(uint8_t *out, size_t size, const struct tcpip_pcapng_packet *packet);

TCPIP_END_DECLS

#endif
