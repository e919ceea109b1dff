// SPDX-License-Identifier: MIT
/* fdbased_read.c: the way in of a link over a descriptor.
 *
 * How large the next packet is isn't known before it is read, and it should be read once, to where it stays. So a read
 * scatters over a small buffer and, where super-segments may come, a large one behind it; what was used is handed over,
 * what wasn't waits for the next read. A 60-byte ACK must not pin 2 KB, nor a 3 KB packet 64 KB: small packets are
 * copied into the packet's own room or a small class of buffer, and a short tail into one of its size; these copies are
 * cheaper than the cache misses of touching more memory.
 *
 * When the stack's memory is used up, packets are read into nowhere and counted: left in the descriptor they would keep
 * it readable, and the loop busy.
 *
 * Owns:        rx[].small and large, one reference each.
 * Not here:    what the virtio-net header says (vnet.c), software GRO (stack/gro).
 */
#include "platform/fdbased.h"

#include "base/math.h"
#include "platform/packet_ring.h"
#include "platform/vnet.h"

#include <errno.h>
#include <string.h>
#include <tcpip/stack.h>
#include <unistd.h>

enum {
    RX_ROOM_MAX = 128,    /* copied into the packet's room, some of it left for headers when it is forwarded */
    RX_COPY_MAX = 512,    /* copied into a buffer of this class */
    RX_TAIL_MAX = 16384,  /* copied into a buffer of this class; larger tails take the large buffer along */
    RX_NOWHERE_BYTES = 64 /* of a packet that is thrown away */
};

/* ---- buffers that wait for packets ---- */

void tcpip__fdbased_release(struct fdbased *fdbased)
{
    for (uint32_t i = 0; i < FDBASED_BATCH; i++) {
        if (fdbased->rx[i].small != NULL)
            tcpip_buffer_unref(fdbased->rx[i].small);
        fdbased->rx[i].small = NULL;
    }
    if (fdbased->large != NULL)
        tcpip_buffer_unref(fdbased->large);
    fdbased->large = NULL;
}

/* Points slot `index` at its buffers; false: memory is out. Without a large buffer it goes on with small packets: ACKs
 * are among them, and they free memory. */
static bool rx_prepare(struct fdbased *fdbased, uint32_t index)
{
    struct tcpip_stack *stack = fdbased->base.link.stack;
    struct fdbased_rx *rx = &fdbased->rx[index];
    size_t count = 0;
    if (rx->small == NULL && (rx->small = tcpip_buffer_new(stack, FDBASED_SMALL)) == NULL)
        return false;
    if (fdbased->wants_large && fdbased->large == NULL)
        fdbased->large = tcpip_buffer_new(stack, FDBASED_LARGE);
    if (fdbased->vnet_bytes > 0)
        rx->iov[count++] = (struct iovec){rx->vnet, fdbased->vnet_bytes};
    rx->iov[count++] = (struct iovec){rx->small->data, FDBASED_SMALL};
    if (fdbased->large != NULL)
        rx->iov[count++] = (struct iovec){fdbased->large->data, FDBASED_LARGE};
    struct msghdr *header = &fdbased->messages[index].msg_hdr;
    header->msg_iov = rx->iov;
    header->msg_iovlen = count;
    header->msg_flags = 0;
    return true;
}

/* ---- system calls; each returns how many packets came, or -1 and errno ---- */

static int rx_nowhere(struct fdbased *fdbased)
{
    uint8_t nowhere[RX_NOWHERE_BYTES];
    ssize_t size = read(fdbased->base.fd, nowhere, sizeof(nowhere));
    if (size < 0)
        return -1;
    if (size > 0)
        fdbased->counters.rx_no_memory++;
    fdbased->messages[0].msg_len = (unsigned)size;
    return 1;
}

static int rx_receive(struct fdbased *fdbased, uint32_t count)
{
    if (fdbased->is_socket)
        return recvmmsg(fdbased->base.fd, fdbased->messages, count, MSG_DONTWAIT, NULL);
    struct msghdr *header = &fdbased->messages[0].msg_hdr;
    ssize_t size = readv(fdbased->base.fd, header->msg_iov, (int)header->msg_iovlen);
    if (size < 0)
        return -1;
    /* A character device cuts what is too long without a word: a full scatter list counts as cut. */
    uint32_t capacity = fdbased->vnet_bytes + FDBASED_SMALL + (fdbased->large != NULL ? (uint32_t)FDBASED_LARGE : 0);
    fdbased->messages[0].msg_len = (unsigned)size;
    if ((uint32_t)size >= capacity)
        header->msg_flags |= MSG_TRUNC;
    return 1;
}

/* ---- from slot to packet ---- */

/* The bytes of slot `index` into an empty packet, copied or with their buffers. False: memory is out. */
static bool rx_fill(struct fdbased *fdbased, uint32_t index, struct tcpip_packet *packet, uint32_t size)
{
    struct fdbased_rx *rx = &fdbased->rx[index];
    if (size <= RX_ROOM_MAX) {
        memcpy(tcpip_packet_push(packet, size), rx->small->data, size);
        return true;
    }
    if (size <= RX_COPY_MAX)
        return tcpip_packet_append(packet, rx->small->data, size) == TCPIP_OK;
    uint32_t front = min_u32(size, FDBASED_SMALL), tail = size - front;
    (void)tcpip_packet_append_view(packet, (struct tcpip_view){rx->small, 0, front}); /* an empty packet has room */
    rx->small = NULL;
    if (tail == 0)
        return true;
    if (tail <= RX_TAIL_MAX)
        return tcpip_packet_append(packet, fdbased->large->data, tail) == TCPIP_OK;
    (void)tcpip_packet_append_view(packet, (struct tcpip_view){fdbased->large, 0, tail});
    fdbased->large = NULL;
    return true;
}

/* What is said of the packet beside its bytes. False: malformed. */
static bool rx_describe(const struct fdbased *fdbased, const uint8_t *vnet, struct tcpip_packet *packet)
{
    if (fdbased->vnet_bytes > 0 && !tcpip__vnet_decode(packet, vnet, fdbased->vnet_bytes, fdbased->link_header_bytes))
        return false;
    if (fdbased->link_header_bytes > 0) /* the Ethernet link above reads the frame */
        return true;
    packet->link_protocol = tcpip_link_protocol_of(*tcpip_packet_pull(packet, 0, 1));
    return packet->link_protocol != 0;
}

/* A packet that is filled in to the end of the list, unless it is malformed. */
static void rx_finish(struct fdbased *fdbased, const uint8_t *vnet, struct tcpip_packet *packet,
                      struct tcpip_packet_list *list)
{
    if (!rx_describe(fdbased, vnet, packet)) {
        fdbased->counters.rx_malformed++;
        tcpip_packet_drop(packet, TCPIP_DROP_LINK_MALFORMED);
        return;
    }
    fdbased->counters.rx_packets++;
    fdbased->counters.rx_bytes += packet->length;
    tcpip_packet_list_push(list, packet);
}

static void rx_lose(struct tcpip_packet *packet, uint64_t *counter, enum tcpip_drop reason)
{
    (*counter)++;
    tcpip_packet_drop(packet, reason);
}

/* The packet of slot `index` to the end of the list, or lost for a reason. */
static void rx_take(struct fdbased *fdbased, uint32_t index, struct tcpip_packet_list *list)
{
    struct tcpip_fdbased_counters *counters = &fdbased->counters;
    uint32_t size = fdbased->messages[index].msg_len;
    struct tcpip_packet *packet = tcpip_packet_new(fdbased->base.link.stack);
    if (packet == NULL) {
        counters->rx_no_memory++;
    } else if (size <= fdbased->vnet_bytes) {
        rx_lose(packet, &counters->rx_malformed, TCPIP_DROP_LINK_MALFORMED);
    } else if ((fdbased->messages[index].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
               size - fdbased->vnet_bytes > TCPIP_PACKET_BYTES_MAX) {
        bool no_memory = fdbased->wants_large && fdbased->large == NULL;
        rx_lose(packet, no_memory ? &counters->rx_no_memory : &counters->rx_too_big,
                no_memory ? TCPIP_DROP_NO_MEMORY : TCPIP_DROP_LINK_TOO_BIG);
    } else if (!rx_fill(fdbased, index, packet, size - fdbased->vnet_bytes)) {
        rx_lose(packet, &counters->rx_no_memory, TCPIP_DROP_NO_MEMORY);
    } else {
        rx_finish(fdbased, fdbased->rx[index].vnet, packet, list);
    }
}

/* Reading failed; true: try again at once. */
static bool rx_failed(struct fdbased *fdbased, int number)
{
    switch (tcpip__fd_link_judge(&fdbased->base, number)) {
    case FD_LINK_AGAIN:
        return true;
    case FD_LINK_LOST: /* a TUN whose interface is down doesn't fail to read: this is a device that does */
    case FD_LINK_HUNG_UP:
        tcpip__fd_link_die(&fdbased->base);
        return false;
    case FD_LINK_BLOCK:
    case FD_LINK_STALL:
    case FD_LINK_LOSE: /* an error of an earlier write, told once */
    case FD_LINK_BIG:
        break;
    }
    return false;
}

/* One system call. Returns how many packets came; less than *asked: nothing more is there now. */
static uint32_t rx_batch(struct fdbased *fdbased, uint32_t budget, uint32_t *asked, struct tcpip_packet_list *list)
{
    uint32_t ready = 0, most = min_u32(budget, fdbased->rx_slots);
    while (ready < most && rx_prepare(fdbased, ready))
        ready++;
    *asked = ready > 0 ? ready : 1;
    int count;
    do
        count = ready > 0 ? rx_receive(fdbased, ready) : rx_nowhere(fdbased);
    while (count < 0 && rx_failed(fdbased, errno));
    for (int i = 0; i < count; i++) {
        if (fdbased->messages[i].msg_len == 0 && fdbased->hang_up_is_empty) {
            tcpip__fd_link_die(&fdbased->base);
            return (uint32_t)i;
        }
        if (ready > 0)
            rx_take(fdbased, (uint32_t)i, list);
    }
    return count > 0 ? (uint32_t)count : 0;
}

/* ---- from a ring ---- */

static bool rx_copy(struct tcpip_packet *packet, const struct packet_ring_frame *frame)
{
    uint8_t *room = frame->size <= RX_ROOM_MAX ? tcpip_packet_push(packet, frame->size) : NULL;
    if (room == NULL)
        return tcpip_packet_append(packet, frame->data, frame->size) == TCPIP_OK;
    memcpy(room, frame->data, frame->size);
    return true;
}

static void rx_take_frame(struct fdbased *fdbased, const struct packet_ring_frame *frame,
                          struct tcpip_packet_list *list)
{
    struct tcpip_fdbased_counters *counters = &fdbased->counters;
    struct tcpip_packet *packet = tcpip_packet_new(fdbased->base.link.stack);
    if (packet == NULL)
        counters->rx_no_memory++;
    else if (frame->size == 0)
        rx_lose(packet, &counters->rx_malformed, TCPIP_DROP_LINK_MALFORMED);
    else if (frame->cut || frame->size > TCPIP_PACKET_BYTES_MAX)
        rx_lose(packet, &counters->rx_too_big, TCPIP_DROP_LINK_TOO_BIG);
    else if (!rx_copy(packet, frame))
        rx_lose(packet, &counters->rx_no_memory, TCPIP_DROP_NO_MEMORY);
    else
        rx_finish(fdbased, frame->vnet, packet, list);
}

/* Where packets are lost because nobody took those before, it is counted, and nothing else can be done. */
static bool rx_ring(struct fdbased *fdbased, uint32_t budget)
{
    struct tcpip_packet_list list = tcpip_packet_list_init();
    struct packet_ring_frame frame;
    uint32_t received = 0;
    while (received < budget && tcpip__packet_ring_next(fdbased->ring, &frame)) {
        if (frame.losing)
            fdbased->counters.rx_ring_full += tcpip__packet_ring_lost(fdbased->ring);
        rx_take_frame(fdbased, &frame, &list);
        tcpip__packet_ring_taken(fdbased->ring);
        received++;
    }
    if (list.count > 0)
        tcpip_link_deliver(&fdbased->base.link, &list);
    return received == budget;
}

bool tcpip__fdbased_read(struct fd_link *fd_link, uint32_t budget)
{
    struct fdbased *fdbased = container_of(fd_link, struct fdbased, base);
    struct tcpip_packet_list list = tcpip_packet_list_init();
    uint32_t received = 0, count, asked;
    if (fdbased->ring != NULL)
        return rx_ring(fdbased, budget);
    do {
        count = rx_batch(fdbased, budget - received, &asked, &list);
        received += count;
    } while (count == asked && received < budget);
    if (list.count > 0)
        tcpip_link_deliver(&fd_link->link, &list);
    return count == asked;
}
