// SPDX-License-Identifier: MIT
/* capture.c: what passed each host's NIC, in one pcapng file: an interface per host, all by the world's clock.
 *
 * A sniffer writes a file of its own, so its section and interface are left out, and the head of each packet's block is
 * changed on its way.
 *
 * Owns:     the sniffers, while the world stands. */
#include "sim.h"

#include <string.h>
#include <tcpip/header/bytes.h>
#include <tcpip/header/pcapng.h>

enum { PCAPNG_PACKET = 6, CAPTURE_BLOCK = 512 };

static uint32_t load_le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_le(uint8_t *p, uint64_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void capture_write(void *ctx, const void *bytes, size_t size)
{
    struct sim_host *host = ctx;
    uint8_t head[TCPIP_PCAPNG_PACKET_HEAD_BYTES];
    if (host->captured_bytes == 0) { /* a block begins */
        uint32_t kind = load_le(bytes), length = load_le((const uint8_t *)bytes + 4);
        host->capturing = kind == PCAPNG_PACKET;
        host->captured_bytes = length;
        if (host->capturing && size == sizeof(head)) {
            memcpy(head, bytes, sizeof(head));
            store_le(head + 8, host->index);
            store_le(head + 12, (uint64_t)host->sim->now >> 32);
            store_le(head + 16, (uint64_t)host->sim->now);
            bytes = head;
        }
    }
    if (host->capturing)
        (void)fwrite(bytes, 1, size, host->sim->options.pcap);
    host->captured_bytes -= size < host->captured_bytes ? (uint32_t)size : host->captured_bytes;
}

void capture_begin(struct sim *sim)
{
    uint8_t block[CAPTURE_BLOCK];
    char name[] = "host a";
    FILE *file = sim->options.pcap;
    if (file == NULL)
        return;
    (void)fwrite(block, 1, tcpip_pcapng_section_encode(block, sizeof(block), "tcpip sim"), file);
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        name[5] = (char)('a' + (int)i);
        (void)fwrite(block, 1, tcpip_pcapng_interface_encode(block, sizeof(block), TCPIP_LINKTYPE_RAW, 0, name), file);
    }
}

struct tcpip_link *capture_link(struct sim *sim, struct sim_host *host)
{
    struct tcpip_sniffer_options options = {
        .size = sizeof(options), .name = "host", .write = capture_write, .ctx = host};
    (void)sim;
    return tcpip_sniffer_new(&host->world.env, host->top, &options);
}
