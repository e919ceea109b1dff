// SPDX-License-Identifier: MIT
/* fdbased.h: links over file descriptors that keep packet boundaries: TUN, TAP, unix seqpacket and datagram sockets,
 * connected datagram sockets, packet sockets. Linux.
 *
 * A descriptor is read and written in whole packets, never blocking. Who drives the link (loop.h, or any other loop)
 * watches the descriptor: readable, tcpip_fdbased_read; writable, when tcpip_fdbased_wants_write says so,
 * tcpip_fdbased_write_ready; error or hang-up, tcpip_fdbased_hang_up after reading found nothing more.
 *
 * With a virtio-net header before each packet, both sides may leave checksums and segmentation to the other: 64 KB in
 * one system call. */
#ifndef TCPIP_FDBASED_H
#define TCPIP_FDBASED_H

#include <tcpip/link.h>

TCPIP_BEGIN_DECLS

struct tcpip_env;

/* What an operating system said no to, for people. */
struct tcpip_system_error {
    int number;     /* errno; 0: none */
    char text[256]; /* what failed, why, and what to do about it; zero-terminated */
};

/* ---- the link ---- */

struct tcpip_fdbased_options {
    size_t size;                /* sizeof(struct tcpip_fdbased_options) */
    int fd;                     /* made non-blocking */
    bool owns_fd;               /* closed with the link */
    bool ethernet;              /* carries Ethernet frames: put tcpip_ethernet_new on top; else bare IP packets */
    uint32_t mtu;               /* bytes of a network packet, without Ethernet header; 0: 1500 */
    uint32_t vnet_header_bytes; /* virtio-net header before each packet: 0 (none), 10 or 12 */
    /* What the other side takes: TCPIP_LINK_TX_CHECKSUM, _TSO4, _TSO6, _USO; needs vnet_header_bytes. Other flags are
     * said of the link as they are. */
    uint32_t flags;
    uint32_t gso_max_bytes; /* largest super-segment; 0: 65535 when flags has TSO or USO */
    bool no_gro;            /* no software GRO on what is received without virtio-net header */
    /* Of a packet socket: bytes of memory, each way, that it is to share with the kernel (TPACKET_V3) in place of a
     * call per batch; rounded up to blocks of 128 KB, two at least. For what comes in crowds: a packet that comes alone
     * may wait for a millisecond. 0: none. */
    uint32_t ring_bytes;
};

/* The descriptor stays the caller's on error. INVALID_ARGUMENT: it isn't open, or the options contradict each other or
 * the TUN (its virtio-net header, its packet information); NOT_SUPPORTED: it doesn't keep packet boundaries, or has no
 * rings; NO_BUFFER_SPACE: the kernel has no memory for them; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_fdbased_new(const struct tcpip_env *env, const struct tcpip_fdbased_options *options, struct tcpip_link **out);
/* When detached. */
TCPIP_API void tcpip_fdbased_free(struct tcpip_link *link);

/* Receives up to `budget` packets (at least one) and delivers them in one batch, in one turn. True: there may be more.
 * After a hang-up, an error or detach: nothing, false. An entry; the link may be gone afterwards if a callback of the
 * stack's frees it. */
TCPIP_API bool tcpip_fdbased_read(struct tcpip_link *link, uint32_t budget);
/* The descriptor; watch it with epoll, poll, io_uring, ... */
TCPIP_API int tcpip_fdbased_fd(const struct tcpip_link *link);
/* Should writability be watched? True after the descriptor pushed back, or while a TUN's interface is down. */
TCPIP_API bool tcpip_fdbased_wants_write(const struct tcpip_link *link);
/* The descriptor is writable again. An entry, as read. */
TCPIP_API void tcpip_fdbased_write_ready(struct tcpip_link *link);
/* The descriptor reports an error or a hang-up, and reading doesn't find it out: takes the link down for good unless
 * the error is one that passes. An entry, as read. */
TCPIP_API void tcpip_fdbased_hang_up(struct tcpip_link *link);
/* Nothing will come or go any more: hung up, or failed. */
TCPIP_API bool tcpip_fdbased_is_dead(const struct tcpip_link *link);

struct tcpip_fdbased_counters {
    uint64_t rx_packets, rx_bytes;
    uint64_t rx_malformed; /* virtio-net headers that lie, packets that are neither IPv4 nor IPv6 */
    uint64_t rx_too_big;   /* cut short by the descriptor, lost */
    uint64_t rx_no_memory; /* lost because the stack's memory was used up */
    uint64_t rx_ring_full; /* lost because they weren't taken from the ring in time */
    uint64_t tx_packets, tx_bytes;
    uint64_t tx_too_big;     /* larger than the link or the descriptor carries */
    uint64_t tx_errors;      /* the descriptor refused the packet */
    uint64_t tx_short;       /* the descriptor took part of the packet only */
    uint64_t tx_would_block; /* EAGAIN: pushed back */
    uint64_t tx_no_buffers;  /* ENOBUFS: tried again a little later */
};
/* A snapshot, since the link was made. */
TCPIP_API void tcpip_fdbased_get_counters(const struct tcpip_link *link, struct tcpip_fdbased_counters *out);

/* ---- TUN and TAP ---- */

struct tcpip_tun_options {
    size_t size;                /* sizeof(struct tcpip_tun_options) */
    const char *name;           /* an existing or a new interface, or a pattern ("tun%d"); NULL: "tun%d" or "tap%d" */
    bool tap;                   /* Ethernet frames */
    bool vnet;                  /* virtio-net headers: checksum and segmentation offload as far as the kernel goes */
    bool udp_segmentation;      /* with vnet: UDP super-segments too, in both directions */
    bool multi_queue;           /* one of several descriptors of the interface: open it again with the same name */
    uint32_t vnet_header_bytes; /* with vnet: 10 or 12; 0: 10 */
};

struct tcpip_tun {
    int fd;        /* close-on-exec, non-blocking; the caller's */
    char name[16]; /* as the kernel has it */
    bool tap;
    uint32_t mtu;               /* of the interface */
    uint32_t vnet_header_bytes; /* 0, 10 or 12 */
    uint32_t flags;             /* for struct tcpip_fdbased_options */
    uint32_t kernel_features;   /* TUNGETFEATURES: IFF_* of the kernel */
};

/* Opens /dev/net/tun and makes the interface, or attaches to it. NOT_PERMITTED: no privilege; NOT_SUPPORTED: no
 * /dev/net/tun, or the kernel lacks what is asked for; PORT_IN_USE: another program holds the interface;
 * INVALID_ARGUMENT. `why` (or NULL) says more. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tun_open(const struct tcpip_tun_options *options, struct tcpip_tun *out,
                                                         struct tcpip_system_error *why);
/* The options of the link over a TUN or TAP just opened; change what should differ. */
TCPIP_API struct tcpip_fdbased_options tcpip_tun_link_options(const struct tcpip_tun *tun);
/* The MTU of an interface of the calling thread's network namespace. UNKNOWN_NIC_ID: there is none of that name. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_interface_mtu(const char *name, uint32_t *out,
                                                              struct tcpip_system_error *why);

/* ---- packet sockets ---- */

struct tcpip_packet_socket_options {
    size_t size;      /* sizeof(struct tcpip_packet_socket_options) */
    const char *name; /* an Ethernet interface of the calling thread's network namespace: a card, a veth, a bridge */
    /* Virtio-net headers: super-segments and unfinished checksums both ways. Without them what another machine sends is
     * whole, but what this one does is not (through a veth or a bridge): it looks as if its checksums were wrong. */
    bool vnet;
    bool promiscuous; /* frames to other addresses than the interface's, too: for a NIC with an address of its own */
    bool fanout;      /* share what comes, by flow, with all sockets of this group on the interface */
    uint16_t fanout_group;
};

struct tcpip_packet_socket {
    int fd;                            /* close-on-exec, non-blocking; the caller's */
    char name[16];                     /* the interface */
    struct tcpip_link_address address; /* the interface's: give it to tcpip_ethernet_new, unless promiscuous */
    uint32_t mtu;                      /* of the interface */
    uint32_t vnet_header_bytes;        /* 0 or 10 */
    uint32_t flags;                    /* for struct tcpip_fdbased_options */
};

/* Opens a packet socket (AF_PACKET) on an interface that exists, and is up or will be. The kernel's own stack goes on
 * seeing all that comes: the interface should have no address that is ours too, or the kernel answers beside us (with
 * resets). Not seen: what this machine sends through the interface, and frames of VLANs. NOT_PERMITTED: no privilege
 * (CAP_NET_RAW); UNKNOWN_NIC_ID: no such interface; NOT_SUPPORTED: not Ethernet, or the kernel lacks what is asked for;
 * INVALID_ARGUMENT. `why` (or NULL) says more. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_packet_socket_open(const struct tcpip_packet_socket_options *options,
                                                                   struct tcpip_packet_socket *out,
                                                                   struct tcpip_system_error *why);
/* The options of the link over a packet socket just opened (below tcpip_ethernet_new); change what should differ. */
TCPIP_API struct tcpip_fdbased_options tcpip_packet_socket_link_options(const struct tcpip_packet_socket *opened);

TCPIP_END_DECLS

#endif
