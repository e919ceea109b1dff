// SPDX-License-Identifier: MIT
/* header_pcapng.c: fuzzes the writer of captures: whatever the packet and the comment, a block is what it says it is.
 *
 * Input: six bytes of how, then the packet; a comment is taken from its front. Nothing here reads captures. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/header/pcapng.h>

enum { HOW = 6, ROOM = 1 << 13 };

/* The length stands in front and behind, and is what was returned. In the byte order of the machine. */
static void block(const uint8_t *p, size_t bytes)
{
    uint32_t front, behind;
    REQUIRE(bytes % 4 == 0 && bytes >= 12);
    memcpy(&front, p + 4, 4);
    memcpy(&behind, p + bytes - 4, 4);
    REQUIRE(front == bytes && behind == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[ROOM], pieces[ROOM];
    char text[256] = "";
    if (size < HOW || size > ROOM / 2)
        return 0;
    size_t text_bytes = data[0] < size - HOW ? data[0] : size - HOW;
    uint8_t *p = fuzz_copy(data + HOW, size - HOW);
    memcpy(text, p, text_bytes);
    struct tcpip_pcapng_packet packet = {.interface = data[1],
                                         .direction = (enum tcpip_pcapng_direction)(data[2] % 3),
                                         .at = (int64_t)data[3] << data[4] % 56,
                                         .bytes = p,
                                         .captured_bytes = (uint32_t)(size - HOW),
                                         .original_bytes = (uint32_t)(size - HOW + data[5]),
                                         .comment = text[0] != 0 ? text : NULL};
    size_t bytes = tcpip_pcapng_packet_bytes(&packet);
    REQUIRE(tcpip_pcapng_packet_encode(out, bytes - 1, &packet) == 0);
    REQUIRE(tcpip_pcapng_packet_encode(out, sizeof(out), &packet) == bytes);
    block(out, bytes);
    REQUIRE(memcmp(out + TCPIP_PCAPNG_PACKET_HEAD_BYTES, p, packet.captured_bytes) == 0);
    tcpip_pcapng_packet_head(pieces, &packet);
    size_t at = TCPIP_PCAPNG_PACKET_HEAD_BYTES + packet.captured_bytes;
    memcpy(pieces + TCPIP_PCAPNG_PACKET_HEAD_BYTES, p, packet.captured_bytes);
    REQUIRE(at + tcpip_pcapng_packet_tail(pieces + at, sizeof(pieces) - at, &packet) == bytes);
    REQUIRE(memcmp(out, pieces, bytes) == 0);
    bytes = tcpip_pcapng_section_encode(out, sizeof(out), packet.comment);
    block(out, bytes);
    REQUIRE(tcpip_pcapng_section_encode(out, bytes - 1, packet.comment) == 0);
    bytes = tcpip_pcapng_interface_encode(out, sizeof(out), data[1], packet.original_bytes, packet.comment);
    block(out, bytes);
    free(p);
    return 0;
}
