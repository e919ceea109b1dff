// SPDX-License-Identifier: MIT
/* gro.c: fuzzes merging: any packets in a batch come out whole, in fewer packets, and can be cut again.
 *
 * Input: packets, each a byte of kind (bit 0: IPv6, bit 1: the link verified it, bit 2: in two views), a byte of
 * length, and that many bytes. The version and the IPv4 header checksum are put right, or nothing would get far. */
#include "stack/gro.h"
#include "stack/gso.h"

#include <stdlib.h>
#include <string.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/tcp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

static void *world_alloc(void *ctx, size_t size, size_t align)
{
    (void)ctx;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void world_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx, (void)size;
    free(ptr);
}

static tcpip_ns world_now(void *ctx)
{
    (void)ctx;
    return 1;
}

static void world_random(void *ctx, void *out, size_t size)
{
    (void)ctx;
    memset(out, 7, size);
}

static struct tcpip_packet *make_packet(struct tcpip_stack *stack, uint8_t kind, const uint8_t *bytes, size_t length)
{
    uint8_t copy[256];
    struct tcpip_packet *packet = tcpip_packet_new(stack);
    REQUIRE(packet != NULL);
    memcpy(copy, bytes, length);
    if (length > 0 && (kind & 1) != 0)
        copy[0] = (uint8_t)(0x60 | (copy[0] & 15));
    if (length >= TCPIP_IPV4_HEADER_MIN && (kind & 1) == 0) {
        copy[0] = 0x45;
        tcpip_ipv4_checksum_set(copy);
    }
    size_t first = (kind & 4) != 0 ? length / 2 : length;
    REQUIRE(first == 0 || tcpip_packet_append(packet, copy, first) == TCPIP_OK);
    REQUIRE(first == length || tcpip_packet_append(packet, copy + first, length - first) == TCPIP_OK);
    packet->link_protocol = (kind & 1) != 0 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4;
    packet->checksum = (kind & 2) != 0 ? TCPIP_CHECKSUM_VERIFIED : TCPIP_CHECKSUM_NONE;
    return packet;
}

/* A merged packet says how it was made, and cutting makes as many. */
static void check_merged(struct tcpip_packet *packet)
{
    uint32_t network = packet->gso == TCPIP_GSO_TCPV4 ? 20 : 40;
    const uint8_t *front = tcpip_packet_pull(packet, 0, network + TCPIP_TCP_HEADER_MIN);
    REQUIRE(front != NULL);
    uint32_t headers = network + (uint32_t)tcpip_tcp_header_bytes(front + network);
    uint32_t payload = packet->length - headers, segments = packet->gso_segments;
    REQUIRE(packet->gso_size > 0 && segments == (payload + packet->gso_size - 1) / packet->gso_size);
    struct tcpip_packet_list cut = tcpip_packet_list_init();
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)network;
    packet->checksum_offset = TCPIP_TCP_CHECKSUM_OFFSET;
    tcpip__gso_segment(packet, &cut);
    REQUIRE(cut.count == segments);
    for (struct tcpip_packet *segment; (segment = tcpip_packet_list_pop(&cut)) != NULL;) {
        tcpip__packet_check(segment);
        tcpip__checksum_complete(segment);
        payload -= segment->length - headers;
        tcpip_packet_free(segment);
    }
    REQUIRE(payload == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcpip_env env = {
        .size = sizeof(env), .alloc = world_alloc, .free = world_free, .now = world_now, .random = world_random};
    struct tcpip_stack *stack;
    struct tcpip_packet_list batch = tcpip_packet_list_init();
    REQUIRE(tcpip_stack_new(&env, NULL, NULL, &stack) == TCPIP_OK);
    while (size >= 2) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        tcpip_packet_list_push(&batch, make_packet(stack, data[0], data + 2, length));
        data += 2 + length;
        size -= 2 + length;
    }
    uint32_t before = batch.count;
    uint32_t merged = tcpip__gro_batch(&batch);
    REQUIRE(batch.count + merged == before);
    uint32_t segments = 0;
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(&batch)) != NULL;) {
        tcpip__packet_check(packet);
        segments += packet->gso == TCPIP_GSO_NONE ? 1 : packet->gso_segments;
        if (packet->gso == TCPIP_GSO_NONE)
            tcpip_packet_free(packet);
        else
            check_merged(packet);
    }
    REQUIRE(segments == before);
    tcpip_stack_free(stack);
    return 0;
}
