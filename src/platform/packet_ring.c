// SPDX-License-Identifier: MIT
/* packet_ring.c: memory that a packet socket shares with the kernel, one ring each way (packet(7), TPACKET_V3).
 *
 *     in     blocks of 128 KB. The kernel puts packets into one after the other and gives the whole block to us, when
 * it is full or a millisecond old: no system call takes a packet, but one that comes alone waits for that long. out
 * slots, each for the largest packet there can be. One system call sends all that were filled; the kernel sends from
 * where they lie, and gives a slot back when the packet has left.
 *
 * A block or a slot is ours or the kernel's by the word of its status. That word is the only lock: it is read before
 * all else (acquire) and written after all else (release). In the ring in, nothing that the kernel wrote is believed
 * beyond the block's end, though whoever can lie there could do worse.
 *
 * What the kernel doesn't take at once (the socket's send buffer, a line that is down) is taken back out of the slots:
 * it is the sender's again, and nothing stale leaves when the line is up again.
 *
 * Owns:        the mapping; the rings live as long as the socket.
 * Invariants:  slots from tx_next on are ours or on their way out; a block is taken in whole before it is given back.
 * Not here:    opening the socket (packet_socket.c), packets (fdbased.c, fdbased_read.c). */
#include "platform/packet_ring.h"

#include "base/math.h"
#include "link/wrap.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
    RING_BLOCK_BYTES = 1 << 17, /* a super-segment and what stands before it; whole pages */
    RING_BLOCKS_MIN = 2,
    RING_BLOCKS_MAX = 1 << 13,      /* a gigabyte */
    RING_RETIRE_MS = 1,             /* the least there is */
    RING_ALIGN = TPACKET_ALIGNMENT, /* of slots, and of what follows the header of one */
    RING_TX_HEADER = (sizeof(struct tpacket3_hdr) + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN,
    /* The kernel counts what is under way against the send buffer: the rings shouldn't be smaller than they are. */
    RING_SEND_BUFFER_MAX = 1 << 30,
};

struct packet_ring {
    int fd;
    uint32_t vnet_bytes;
    uint8_t *memory;
    size_t mapped;
    /* In. */
    uint32_t rx_blocks, rx_block; /* how many; the one that is being read or will be next */
    uint32_t rx_left;             /* packets of it that weren't taken; 0: it is to be looked at anew */
    uint32_t rx_offset;           /* of the next one in its block */
    bool rx_losing;               /* a block said so, and nobody has been told yet */
    /* Out. */
    uint8_t *tx;
    uint32_t tx_slots, tx_slot_bytes, tx_slots_per_block;
    uint32_t tx_next; /* the slot after the last one that went */
};

/* ---- in ---- */

static struct tpacket_block_desc *ring_block(const struct packet_ring *ring)
{
    return (struct tpacket_block_desc *)(void *)(ring->memory + (size_t)ring->rx_block * RING_BLOCK_BYTES);
}

static void ring_block_done(struct packet_ring *ring)
{
    __atomic_store_n(&ring_block(ring)->hdr.bh1.block_status, (uint32_t)TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->rx_block = (ring->rx_block + 1) % ring->rx_blocks;
    ring->rx_left = 0;
}

/* The header of the next packet, within its block with all that it tells of; NULL: it isn't. */
static const struct tpacket3_hdr *ring_header(const struct packet_ring *ring)
{
    uint32_t offset = ring->rx_offset;
    if (offset > RING_BLOCK_BYTES - sizeof(struct tpacket3_hdr))
        return NULL;
    const uint8_t *at = (const uint8_t *)ring_block(ring) + offset;
    const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)(const void *)at;
    uint32_t room = RING_BLOCK_BYTES - offset;
    bool within = header->tp_mac <= room && header->tp_snaplen <= room - header->tp_mac &&
                  header->tp_mac >= sizeof(*header) + ring->vnet_bytes;
    return within ? header : NULL;
}

bool tcpip__packet_ring_next(struct packet_ring *ring, struct packet_ring_frame *out)
{
    /* A block that the timer closed may be empty. Each is looked at once, or an eager kernel would keep us here. */
    for (uint32_t i = 0; i <= ring->rx_blocks; i++) {
        if (ring->rx_left == 0) {
            const struct tpacket_hdr_v1 *block = &ring_block(ring)->hdr.bh1;
            uint32_t status = __atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE);
            if ((status & TP_STATUS_USER) == 0)
                return false;
            ring->rx_losing |= (status & TP_STATUS_LOSING) != 0;
            ring->rx_left = block->num_pkts;
            ring->rx_offset = block->offset_to_first_pkt;
        }
        const struct tpacket3_hdr *header = ring->rx_left > 0 ? ring_header(ring) : NULL;
        if (header != NULL) {
            const uint8_t *data = (const uint8_t *)header + header->tp_mac;
            *out = (struct packet_ring_frame){
                .vnet = data - ring->vnet_bytes,
                .data = data,
                .size = header->tp_snaplen,
                .cut = header->tp_snaplen < header->tp_len,
                .losing = ring->rx_losing,
            };
            ring->rx_losing = false;
            return true;
        }
        ring_block_done(ring);
    }
    return false;
}

void tcpip__packet_ring_taken(struct packet_ring *ring)
{
    const struct tpacket3_hdr *header = ring_header(ring);
    uint32_t next = header != NULL ? header->tp_next_offset : 0;
    ring->rx_left--;
    if (ring->rx_left == 0 || next == 0)
        ring_block_done(ring);
    else
        ring->rx_offset += min_u32(next, RING_BLOCK_BYTES - ring->rx_offset);
}

uint32_t tcpip__packet_ring_lost(const struct packet_ring *ring)
{
    struct tpacket_stats_v3 stats = {0};
    socklen_t size = sizeof(stats);
    return getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 ? stats.tp_drops : 0;
}

/* ---- out ---- */

static struct tpacket3_hdr *ring_tx(const struct packet_ring *ring, uint32_t index)
{
    uint32_t slot = (ring->tx_next + index) % ring->tx_slots;
    size_t at = (size_t)(slot / ring->tx_slots_per_block) * RING_BLOCK_BYTES +
                (size_t)(slot % ring->tx_slots_per_block) * ring->tx_slot_bytes;
    return (struct tpacket3_hdr *)(void *)(ring->tx + at);
}

static uint32_t ring_tx_status(const struct tpacket3_hdr *slot)
{
    return __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
}

uint32_t tcpip__packet_ring_room(const struct packet_ring *ring, uint32_t most)
{
    uint32_t room = 0;
    while (room < min_u32(most, ring->tx_slots) && ring_tx_status(ring_tx(ring, room)) == TP_STATUS_AVAILABLE)
        room++;
    return room;
}

uint8_t *tcpip__packet_ring_slot(struct packet_ring *ring, uint32_t index, uint32_t size)
{
    struct tpacket3_hdr *slot = ring_tx(ring, index);
    slot->tp_next_offset = 0;
    slot->tp_len = slot->tp_snaplen = size;
    return (uint8_t *)slot + RING_TX_HEADER;
}

int tcpip__packet_ring_send(struct packet_ring *ring, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        __atomic_store_n(&ring_tx(ring, i)->tp_status, (uint32_t)TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
    ssize_t sent;
    do
        sent = send(ring->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    int number = sent < 0 ? errno : EAGAIN;
    uint32_t went = 0;
    while (went < count) {
        uint32_t status = ring_tx_status(ring_tx(ring, went));
        if ((status & TP_STATUS_WRONG_FORMAT) != 0)
            number = EINVAL;
        if ((status & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT)) != 0)
            break;
        went++;
    }
    /* The kernel stopped at this one, and goes on from here: what we write there next. */
    for (uint32_t i = went; i < count; i++)
        __atomic_store_n(&ring_tx(ring, i)->tp_status, (uint32_t)TP_STATUS_AVAILABLE, __ATOMIC_RELEASE);
    ring->tx_next = (ring->tx_next + went) % ring->tx_slots;
    errno = number == EAGAIN ? ENOBUFS : number; /* there are free slots: polling would say that it is writable */
    return went > 0 ? (int)went : -1;
}

/* ---- life ---- */

/* Returns 0 or errno. */
static int ring_ask(const struct packet_ring *ring, int option, uint32_t blocks, uint32_t frame_bytes)
{
    struct tpacket_req3 request = {
        .tp_block_size = RING_BLOCK_BYTES,
        .tp_block_nr = blocks,
        .tp_frame_size = frame_bytes,
        .tp_frame_nr = RING_BLOCK_BYTES / frame_bytes * blocks,
        .tp_retire_blk_tov = option == PACKET_RX_RING ? (unsigned)RING_RETIRE_MS : 0,
    };
    return setsockopt(ring->fd, SOL_PACKET, option, &request, sizeof(request)) == 0 ? 0 : errno;
}

/* Returns 0 or errno. */
static int ring_map(struct packet_ring *ring, const struct packet_ring_options *options)
{
    int version = TPACKET_V3;
    uint32_t wanted = options->bytes / RING_BLOCK_BYTES + (options->bytes % RING_BLOCK_BYTES != 0);
    uint32_t blocks = min_u32(max_u32(wanted, RING_BLOCKS_MIN), RING_BLOCKS_MAX);
    ring->rx_blocks = blocks;
    uint32_t slot_bytes = RING_TX_HEADER + ring->vnet_bytes + options->frame_bytes;
    ring->tx_slot_bytes = (slot_bytes + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
    if (ring->tx_slot_bytes > RING_BLOCK_BYTES)
        return EINVAL;
    ring->tx_slots_per_block = RING_BLOCK_BYTES / ring->tx_slot_bytes;
    ring->tx_slots = ring->tx_slots_per_block * blocks;
    if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0)
        return errno;
    int number = ring_ask(ring, PACKET_RX_RING, blocks, RING_BLOCK_BYTES);
    if (number == 0)
        number = ring_ask(ring, PACKET_TX_RING, blocks, ring->tx_slot_bytes);
    if (number != 0)
        return number;
    int room = (int)min_u64((uint64_t)blocks * RING_BLOCK_BYTES * 2, RING_SEND_BUFFER_MAX);
    if (setsockopt(ring->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0)
        (void)setsockopt(ring->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)); /* then as much as everybody may */
    ring->mapped = (size_t)blocks * RING_BLOCK_BYTES * 2;
    void *memory = mmap(NULL, ring->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (memory == MAP_FAILED)
        return errno;
    ring->memory = memory;
    ring->tx = ring->memory + (size_t)blocks * RING_BLOCK_BYTES;
    return 0;
}

/* The rings would hold what was received and isn't ours any more. */
static void ring_undo(const struct packet_ring *ring)
{
    struct tpacket_req3 none = {0};
    (void)setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none));
    (void)setsockopt(ring->fd, SOL_PACKET, PACKET_TX_RING, &none, sizeof(none));
}

enum tcpip_error tcpip__packet_ring_new(const struct tcpip_env *env, int fd, const struct packet_ring_options *options,
                                        struct packet_ring **out)
{
    struct packet_ring *ring = tcpip__link_alloc(env, sizeof(*ring));
    if (ring == NULL)
        return TCPIP_ERR_NO_MEMORY;
    ring->fd = fd;
    ring->vnet_bytes = options->vnet_bytes;
    int number = ring_map(ring, options);
    if (number == 0) {
        *out = ring;
        return TCPIP_OK;
    }
    ring_undo(ring);
    tcpip__link_free(env, ring, sizeof(*ring));
    return number == ENOMEM ? TCPIP_ERR_NO_BUFFER_SPACE : TCPIP_ERR_NOT_SUPPORTED;
}

void tcpip__packet_ring_free(const struct tcpip_env *env, struct packet_ring *ring)
{
    munmap(ring->memory, ring->mapped);
    ring_undo(ring);
    tcpip__link_free(env, ring, sizeof(*ring));
}
