// SPDX-License-Identifier: MIT
/* fdbased.c: a link over a descriptor that keeps packet boundaries: life, and the way out.
 *
 * A packet goes out in one system call, gathered from where its pieces lie: virtio-net header, header room, views.
 * Nothing is copied on this side of the kernel. A TUN takes one packet per call (the call is 0.2 us of the 2 us; what
 * makes it cheap is 64 KB per packet); sockets take a batch per sendmmsg. There is no queue here: what the descriptor
 * doesn't take stays with the NIC. Where there is a ring, packets are copied to its slots, and one call sends a batch.
 *
 * Owns:        through fd_link the descriptor, if given away.
 * Invariants:  messages[i] speaks of tx[i] while sending and of rx[i] while receiving.
 * Not here:    the way in (fdbased_read.c), the ring (packet_ring.c), what becomes of a refusal (fd_link.c), the
 * virtio-net header (vnet.c).
 */
#include "platform/fdbased.h"

#include "base/assert.h"
#include "base/math.h"
#include "link/wrap.h"
#include "platform/packet_ring.h"
#include "platform/vnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FDBASED_MTU = 1500,
    FDBASED_GSO_MAX = 65535,       /* IPv4's total length */
    FDBASED_GSO_RING = 65536 - 64, /* of which two lie in a block of a ring, with what stands before them */
    ETHERNET_BYTES = 14,
    OFFLOADS = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_USO,
    SEGMENTS = TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_USO,
};

static void fdbased_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    const struct fdbased *fdbased = fdbased_of(link);
    *out = (struct tcpip_link_capabilities){
        .mtu = fdbased->mtu,
        .gso_max_bytes = fdbased->gso_max_bytes,
        .flags = fdbased->flags,
    };
}

static void fdbased_detach(struct tcpip_link *link)
{
    tcpip__fdbased_release(fdbased_of(link));
    tcpip__fd_link_detach(link);
}

/* ---- out ---- */

static void fdbased_lose(struct fdbased *fdbased, struct tcpip_packet_list *packets, enum tcpip_drop reason,
                         uint64_t *counter)
{
    (void)fdbased;
    (*counter)++;
    tcpip_packet_drop(tcpip_packet_list_pop(packets), reason);
}

/* Is the packet one that this link was said to carry? */
static bool fdbased_fits(const struct fdbased *fdbased, const struct tcpip_packet *packet)
{
    if (packet->gso == TCPIP_GSO_NONE)
        return packet->length <= fdbased->mtu + fdbased->link_header_bytes;
    return tcpip__link_can_carry(fdbased->flags, packet) && packet->length <= fdbased->gso_max_bytes;
}

/* The packet into slot `index` of the ring. False: its offload state makes no sense. */
static bool fdbased_place(struct fdbased *fdbased, uint32_t index, struct tcpip_packet *packet)
{
    uint8_t *to = tcpip__packet_ring_slot(fdbased->ring, index, fdbased->vnet_bytes + packet->length);
    if (fdbased->vnet_bytes > 0 && !tcpip__vnet_encode(packet, to, fdbased->vnet_bytes))
        return false;
    fdbased->messages[index].msg_len = fdbased->vnet_bytes + packet->length;
    return tcpip_packet_copy_out(packet, 0, to + fdbased->vnet_bytes, packet->length) == packet->length;
}

/* The packet's pieces into slot `index`. False: its offload state makes no sense. */
static bool fdbased_gather(struct fdbased *fdbased, uint32_t index, struct tcpip_packet *packet)
{
    struct fdbased_tx *tx = &fdbased->tx[index];
    size_t count = 0;
    if (fdbased->ring != NULL)
        return fdbased_place(fdbased, index, packet);
    if (fdbased->vnet_bytes > 0) {
        if (!tcpip__vnet_encode(packet, tx->vnet, fdbased->vnet_bytes))
            return false;
        tx->iov[count++] = (struct iovec){tx->vnet, fdbased->vnet_bytes};
    }
    if (packet->tail > packet->head)
        tx->iov[count++] = (struct iovec){packet->room + packet->head, (size_t)(packet->tail - packet->head)};
    for (uint32_t i = 0; i < packet->view_count; i++)
        tx->iov[count++] = (struct iovec){tcpip_view_data(&packet->views[i]), packet->views[i].length};
    struct msghdr *header = &fdbased->messages[index].msg_hdr;
    header->msg_iov = tx->iov;
    header->msg_iovlen = count;
    return true;
}

/* How many packets may go in one call; 0: the ring is full. */
static uint32_t fdbased_batch(const struct fdbased *fdbased)
{
    if (fdbased->ring != NULL)
        return tcpip__packet_ring_room(fdbased->ring, FDBASED_BATCH);
    return fdbased->is_socket ? FDBASED_BATCH : 1;
}

/* Gathers from the front of the list what can go in one call; loses what can't go at all. */
static uint32_t fdbased_gather_batch(struct fdbased *fdbased, struct tcpip_packet_list *packets, uint32_t most,
                                     size_t *taken)
{
    uint32_t count = 0;
    for (struct tcpip_packet *packet = packets->head; packet != NULL && count < most;) {
        struct tcpip_packet *next = packet->next;
        bool fits = fdbased_fits(fdbased, packet);
        if (fits && packet->length > 0 && fdbased_gather(fdbased, count, packet)) {
            count++;
        } else if (count > 0) {
            break; /* its turn comes when it is the first */
        } else {
            *taken += 1;
            fdbased_lose(fdbased, packets, fits ? TCPIP_DROP_LINK_ERROR : TCPIP_DROP_LINK_TOO_BIG,
                         fits ? &fdbased->counters.tx_errors : &fdbased->counters.tx_too_big);
        }
        packet = next;
    }
    return count;
}

/* Returns how many packets went, their sizes in messages[].msg_len; -1 and errno. */
static int fdbased_send(struct fdbased *fdbased, uint32_t count)
{
    if (fdbased->ring != NULL)
        return tcpip__packet_ring_send(fdbased->ring, count);
    if (fdbased->is_socket)
        return sendmmsg(fdbased->base.fd, fdbased->messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    const struct msghdr *header = &fdbased->messages[0].msg_hdr;
    ssize_t size = writev(fdbased->base.fd, header->msg_iov, (int)header->msg_iovlen);
    if (size < 0)
        return -1;
    fdbased->messages[0].msg_len = (unsigned)size;
    return 1;
}

/* The first `count` packets of the list went. */
static void fdbased_complete(struct fdbased *fdbased, struct tcpip_packet_list *packets, uint32_t count)
{
    fdbased->base.stalls = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = packets->head->length;
        if (fdbased->messages[i].msg_len != length + fdbased->vnet_bytes) {
            fdbased_lose(fdbased, packets, TCPIP_DROP_LINK_ERROR, &fdbased->counters.tx_short);
            continue;
        }
        fdbased->counters.tx_packets++;
        fdbased->counters.tx_bytes += length;
        tcpip_packet_free(tcpip_packet_list_pop(packets));
    }
}

/* The first packet of the list was refused with this errno. Returns true when it was lost. */
static bool fdbased_refused(struct fdbased *fdbased, struct tcpip_packet_list *packets, int number)
{
    struct tcpip_fdbased_counters *counters = &fdbased->counters;
    switch (tcpip__fd_link_judge(&fdbased->base, number)) {
    case FD_LINK_AGAIN:
        return false;
    case FD_LINK_BLOCK:
        counters->tx_would_block++;
        tcpip__fd_link_block(&fdbased->base);
        return false;
    case FD_LINK_STALL:
        counters->tx_no_buffers++;
        if (tcpip__fd_link_stall(&fdbased->base))
            return false;
        fdbased_lose(fdbased, packets, TCPIP_DROP_LINK_ERROR, &counters->tx_errors);
        return true;
    case FD_LINK_BIG:
        fdbased_lose(fdbased, packets, TCPIP_DROP_LINK_TOO_BIG, &counters->tx_too_big);
        return true;
    case FD_LINK_LOST:
        tcpip__fd_link_down(&fdbased->base);
        return false;
    case FD_LINK_HUNG_UP:
        tcpip__fd_link_die(&fdbased->base);
        return false;
    case FD_LINK_LOSE:
        break;
    }
    fdbased_lose(fdbased, packets, TCPIP_DROP_LINK_ERROR, &counters->tx_errors);
    return true;
}

static size_t fdbased_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct fdbased *fdbased = fdbased_of(link);
    size_t taken = 0;
    while (packets->head != NULL && fd_link_open(&fdbased->base)) {
        uint32_t most = fdbased_batch(fdbased);
        if (most == 0) {
            (void)fdbased_refused(fdbased, packets, EAGAIN);
            break;
        }
        uint32_t count = fdbased_gather_batch(fdbased, packets, most, &taken);
        if (count == 0)
            continue;
        int sent = fdbased_send(fdbased, count);
        if (sent > 0) {
            fdbased_complete(fdbased, packets, (uint32_t)sent);
            taken += (uint32_t)sent;
        } else if (fdbased_refused(fdbased, packets, errno)) {
            taken++;
        }
    }
    if (fd_link_is_down(&fdbased->base)) {
        taken += packets->count;
        tcpip__link_drop_all(packets, TCPIP_DROP_LINK_DOWN);
    }
    return taken;
}

static const struct fd_link_ops fdbased_ops = {
    .link =
        {
            .name = "fdbased",
            .capabilities = fdbased_capabilities,
            .attach = tcpip__fd_link_attach,
            .detach = fdbased_detach,
            .transmit = fdbased_transmit,
        },
    .read = tcpip__fdbased_read,
};

/* ---- life ---- */

/* A stream has no packets; a socket that isn't a stream has. */
static enum tcpip_error fdbased_probe_socket(struct fdbased *fdbased, int fd)
{
    int type = 0, domain = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    size = sizeof(domain);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    fdbased->is_socket = true;
    fdbased->is_packet_socket = domain == AF_PACKET;
    fdbased->hang_up_is_empty = type == SOCK_SEQPACKET;
    fdbased->base.datagram_errors = domain != AF_UNIX;
    return type == SOCK_STREAM ? TCPIP_ERR_NOT_SUPPORTED : TCPIP_OK;
}

/* A TUN knows what comes before its packets; a difference would show as garbage much later. */
static enum tcpip_error fdbased_probe_tun(const struct fdbased *fdbased, int fd)
{
    struct ifreq request;
    int vnet_bytes = 0;
    memset(&request, 0, sizeof(request));
    if (ioctl(fd, TUNGETIFF, &request) != 0)
        return TCPIP_OK; /* another device; nothing to compare */
    bool tap = (request.ifr_flags & IFF_TAP) != 0;
    if ((request.ifr_flags & IFF_NO_PI) == 0 || tap != (fdbased->link_header_bytes != 0))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if ((request.ifr_flags & IFF_VNET_HDR) != 0 && ioctl(fd, TUNGETVNETHDRSZ, &vnet_bytes) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    return (uint32_t)vnet_bytes == fdbased->vnet_bytes ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT;
}

static enum tcpip_error fdbased_probe(struct fdbased *fdbased, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    enum tcpip_error error = TCPIP_ERR_NOT_SUPPORTED;
    if (S_ISSOCK(status.st_mode))
        error = fdbased_probe_socket(fdbased, fd);
    else if (S_ISCHR(status.st_mode))
        error = fdbased_probe_tun(fdbased, fd);
    if (error != TCPIP_OK)
        return error;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return TCPIP_ERR_INVALID_ARGUMENT;
    return TCPIP_OK;
}

/* The options as they will be said of the link. INVALID_ARGUMENT: they contradict each other. */
static enum tcpip_error fdbased_configure(struct fdbased *fdbased, const struct tcpip_fdbased_options *options)
{
    uint32_t vnet = options->vnet_header_bytes;
    fdbased->mtu = options->mtu != 0 ? options->mtu : FDBASED_MTU;
    fdbased->vnet_bytes = vnet;
    fdbased->link_header_bytes = options->ethernet ? ETHERNET_BYTES : 0;
    fdbased->flags = options->flags | TCPIP_LINK_MULTICAST;
    if (vnet != 0)
        fdbased->flags |= TCPIP_LINK_RX_CHECKSUM;
    else if (!options->no_gro)
        fdbased->flags |= TCPIP_LINK_GRO;
    if ((options->flags & SEGMENTS) != 0)
        fdbased->gso_max_bytes = options->gso_max_bytes != 0 ? options->gso_max_bytes : FDBASED_GSO_MAX;
    bool valid = vnet == 0 || vnet == TCPIP_VIRTIO_NET_BYTES || vnet == TCPIP_VIRTIO_NET_MRG_BYTES;
    valid &= (options->flags & OFFLOADS) == 0 || vnet != 0;
    /* What a segment's checksum is isn't known before it is cut. */
    valid &= (options->flags & SEGMENTS) == 0 || (options->flags & TCPIP_LINK_TX_CHECKSUM) != 0;
    valid &= fdbased->mtu >= 68 && fdbased->mtu + fdbased->link_header_bytes <= TCPIP_PACKET_BYTES_MAX;
    valid &= fdbased->gso_max_bytes <= TCPIP_PACKET_BYTES_MAX;
    if (options->ring_bytes != 0 && options->gso_max_bytes == 0)
        fdbased->gso_max_bytes = min_u32(fdbased->gso_max_bytes, FDBASED_GSO_RING);
    fdbased->wants_large = vnet != 0 || fdbased->mtu + ETHERNET_BYTES + 4 > FDBASED_SMALL;
    return valid ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT;
}

static enum tcpip_error fdbased_make_ring(struct fdbased *fdbased, const struct tcpip_env *env, int fd, uint32_t bytes)
{
    struct packet_ring_options options = {
        .bytes = bytes,
        .vnet_bytes = fdbased->vnet_bytes,
        .frame_bytes = max_u32(fdbased->mtu + fdbased->link_header_bytes, fdbased->gso_max_bytes),
    };
    if (!fdbased->is_packet_socket)
        return TCPIP_ERR_NOT_SUPPORTED;
    return tcpip__packet_ring_new(env, fd, &options, &fdbased->ring);
}

enum tcpip_error tcpip_fdbased_new(const struct tcpip_env *env, const struct tcpip_fdbased_options *given,
                                   struct tcpip_link **out)
{
    struct tcpip_fdbased_options options = {0};
    tcpip__link_options(env, &options, sizeof(options), given);
    struct fdbased *fdbased = tcpip__link_alloc(env, sizeof(*fdbased));
    if (fdbased == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = fdbased_configure(fdbased, &options);
    if (error == TCPIP_OK)
        error = fdbased_probe(fdbased, options.fd);
    if (error == TCPIP_OK && options.ring_bytes != 0)
        error = fdbased_make_ring(fdbased, env, options.fd, options.ring_bytes);
    if (error != TCPIP_OK) {
        tcpip__link_free(env, fdbased, sizeof(*fdbased));
        return error;
    }
    fdbased->rx_slots = fdbased->is_socket && !fdbased->wants_large ? FDBASED_BATCH : 1;
    tcpip__fd_link_init(&fdbased->base, env, &fdbased_ops, options.fd, options.owns_fd);
    *out = &fdbased->base.link;
    return TCPIP_OK;
}

void tcpip_fdbased_free(struct tcpip_link *link)
{
    struct fdbased *fdbased = fdbased_of(link);
    struct tcpip_env env = fdbased->base.env;
    if (fdbased->ring != NULL)
        tcpip__packet_ring_free(&env, fdbased->ring);
    tcpip__fd_link_fini(&fdbased->base);
    tcpip__link_free(&env, fdbased, sizeof(*fdbased));
}

/* ---- for whoever drives it ---- */

bool tcpip_fdbased_read(struct tcpip_link *link, uint32_t budget)
{
    return tcpip__fd_link_read(&fdbased_of(link)->base, budget);
}

int tcpip_fdbased_fd(const struct tcpip_link *link)
{
    return fdbased_of(link)->base.fd;
}

bool tcpip_fdbased_wants_write(const struct tcpip_link *link)
{
    return fd_link_wants_write(&fdbased_of(link)->base);
}

void tcpip_fdbased_write_ready(struct tcpip_link *link)
{
    tcpip__fd_link_write_ready(&fdbased_of(link)->base);
}

void tcpip_fdbased_hang_up(struct tcpip_link *link)
{
    tcpip__fd_link_trouble(&fdbased_of(link)->base);
}

bool tcpip_fdbased_is_dead(const struct tcpip_link *link)
{
    return fdbased_of(link)->base.dead;
}

void tcpip_fdbased_get_counters(const struct tcpip_link *link, struct tcpip_fdbased_counters *out)
{
    *out = fdbased_of(link)->counters;
}
