// SPDX-License-Identifier: MIT
/* link.h: the contract between a stack and what carries its packets.
 *
 * A driver embeds struct tcpip_link and fills in `ops`. Links that wrap links (ethernet, sniffer, fault) attach to the
 * lower link as its upper side, and offer themselves as a link to what is above; so a link never knows who is above it:
 * it speaks through tcpip_link_deliver, _tx_ready and _set_state.
 *
 *   ownership      who is given a packet owns it, also on failure; a transmitted packet is freed at completion
 *   back-pressure  transmit takes what it can from the front of the list and leaves the rest there; when it can take
 *                  more, the link calls tcpip_link_tx_ready
 *   callbacks      transmit runs inside a turn and must not enter the stack, but may call tcpip_link_deliver (it is
 *                  queued for the turn), tcpip_packet_*, tcpip_buffer_* and tcpip_timer_*
 *   offload        a link without the capability never sees a super-segment; one without checksum offload only
 *                  complete sums
 *   detach         packets still held by the link are freed by it, before detach returns
 *
 * docs/links.md says more, and which tests a new link should pass. */
#ifndef TCPIP_LINK_H
#define TCPIP_LINK_H

#include <tcpip/address.h>
#include <tcpip/packet.h>
#include <tcpip/timer.h>

TCPIP_BEGIN_DECLS

enum tcpip_link_flags {
    TCPIP_LINK_TX_CHECKSUM = 1 << 0, /* completes PARTIAL checksums */
    TCPIP_LINK_RX_CHECKSUM = 1 << 1, /* sets VERIFIED or PARTIAL on what it delivers */
    TCPIP_LINK_TSO4 = 1 << 2,
    TCPIP_LINK_TSO6 = 1 << 3,
    TCPIP_LINK_USO = 1 << 4,
    TCPIP_LINK_LOOPBACK = 1 << 5,     /* what is sent comes back; 127/8 and ::1 live here */
    TCPIP_LINK_RESOLUTION = 1 << 6,   /* needs link addresses: ARP and NDP run */
    TCPIP_LINK_MULTICAST = 1 << 7,    /* can carry multicast */
    TCPIP_LINK_LENT_BUFFERS = 1 << 8, /* delivers its own memory: give it back soon */
    TCPIP_LINK_GRO = 1 << 9,          /* software GRO is wanted on what it delivers */
    /* Whoever reads what is sent may keep it for long: the memory of zero-copy writes (TCPIP_WRITE_ZERO_COPY) is copied
     * rather than waited for. */
    TCPIP_LINK_KEEPS_PACKETS = 1 << 10,
};

struct tcpip_link_capabilities {
    uint32_t mtu;                      /* bytes of a network packet, without link headers */
    uint32_t gso_max_bytes;            /* largest super-segment with its headers; 0: none */
    uint32_t flags;                    /* enum tcpip_link_flags */
    uint16_t header_room;              /* bytes the link pushes in front */
    struct tcpip_link_address address; /* len 0: none */
};

struct tcpip_link;
struct tcpip_stack;

/* The side above a link: a NIC or a wrapping link. */
struct tcpip_link_upper {
    void (*deliver)(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets); /* takes all */
    void (*tx_ready)(struct tcpip_link_upper *upper);
    /* The link went up or down; `error` says why it went down (LINK_DOWN, ...). */
    void (*state)(struct tcpip_link_upper *upper, bool up, enum tcpip_error error);
};

struct tcpip_link_ops {
    const char *name;
    void (*capabilities)(struct tcpip_link *link, struct tcpip_link_capabilities *out);
    /* Called once; sets link->stack and link->upper on success. */
    enum tcpip_error (*attach)(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper);
    void (*detach)(struct tcpip_link *link);
    /* Takes packets from the front of the list; what is left is offered again after tx_ready. Returns how many it took.
     */
    size_t (*transmit)(struct tcpip_link *link, struct tcpip_packet_list *packets);
};

struct tcpip_link {
    const struct tcpip_link_ops *ops;
    struct tcpip_stack *stack; /* NULL while detached */
    struct tcpip_link_upper *upper;
};

/* Gives inbound packets up, in order; takes all of them. link_protocol must be set (raw links: by the first nibble).
 * Outside a turn it is an entry of its own. */
static inline void tcpip_link_deliver(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    link->upper->deliver(link->upper, packets);
}

/* Room again after a transmit that left packets. Outside a turn it is an entry of its own. */
static inline void tcpip_link_tx_ready(struct tcpip_link *link)
{
    link->upper->tx_ready(link->upper);
}

/* The link went up or down, and why down. From anywhere, inside transmit too; what follows waits for the turn's end. */
static inline void tcpip_link_set_state(struct tcpip_link *link, bool up, enum tcpip_error error)
{
    link->upper->state(link->upper, up, error);
}

/* The EtherType of a bare IP packet by its first nibble; 0 if it is neither IPv4 nor IPv6. */
static inline uint16_t tcpip_link_protocol_of(uint8_t first_byte)
{
    return (first_byte >> 4) == 4 ? 0x0800 : (first_byte >> 4) == 6 ? 0x86dd : 0;
}

/* ---- Links that need no operating system. Each _new takes its memory from the env given; free it when detached. ----
 */

struct tcpip_env;

/* Everything sent is delivered again, MTU 65,535 (or `mtu` if not 0), no checksums to compute. NULL: out of memory. */
TCPIP_API struct tcpip_link *tcpip_loopback_new(const struct tcpip_env *env, uint32_t mtu);
/* When detached. */
TCPIP_API void tcpip_loopback_free(struct tcpip_link *link);

/* A link whose other side is the program: tests, simulators, foreign transports. */
struct tcpip_channel_options {
    size_t size;    /* sizeof(struct tcpip_channel_options) */
    uint32_t mtu;   /* 0: 1500 */
    uint32_t flags; /* enum tcpip_link_flags */
    uint32_t gso_max_bytes;
    uint32_t queue_packets; /* packets sent and not collected before back-pressure; 0: 512 */
    struct tcpip_link_address address;
    void (*on_output)(void *ctx); /* packets were queued; inside a turn: note it and collect later; may be NULL */
    void *ctx;
};
/* options may be NULL. NULL: out of memory. */
TCPIP_API struct tcpip_link *tcpip_channel_new(const struct tcpip_env *env,
                                               const struct tcpip_channel_options *options);
/* When detached. */
TCPIP_API void tcpip_channel_free(struct tcpip_link *link);
/* Gives a packet in, as if received; takes it. Sets link_protocol from the first nibble if it is 0. On a detached
 * channel the packet is lost. */
TCPIP_API void tcpip_channel_inject(struct tcpip_link *link, struct tcpip_packet *packet);
/* The same from bytes. NO_MEMORY; MESSAGE_TOO_LONG; LINK_DOWN: not attached. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_channel_inject_bytes(struct tcpip_link *link, const void *bytes,
                                                                     size_t size);
/* The oldest packet sent, now the caller's; NULL: none. Resumes a link that had pushed back. */
TCPIP_API struct tcpip_packet *tcpip_channel_collect(struct tcpip_link *link);
/* Packets sent and not collected. */
TCPIP_API uint32_t tcpip_channel_pending(const struct tcpip_link *link);

/* Two links joined back to back, of one stack or of two (then packets are copied). The ends are freed together. */
struct tcpip_pipe_options {
    size_t size;
    uint32_t mtu; /* 0: 1500 */
    uint32_t flags;
    uint32_t gso_max_bytes;
    uint32_t queue_packets; /* 0: 1024 */
    bool copy;              /* always one wire copy, also inside one stack */
    struct tcpip_link_address address[2];
    /* Packets wait for end i: call tcpip_pipe_pump, but not from here: this is inside the sender's turn. NULL: within
     * one stack packets are delivered as they are sent; between two, call tcpip_pipe_pump now and then. */
    void (*on_ready[2])(void *ctx);
    void *ctx;
};
/* options may be NULL. NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_pipe_new(const struct tcpip_env *env, const struct tcpip_pipe_options *options, struct tcpip_link *ends[2]);
/* Both ends, when both are detached. */
TCPIP_API void tcpip_pipe_free(struct tcpip_link *ends[2]);
/* Delivers up to `budget` packets that wait for this end; returns how many. An entry of this end's stack. */
TCPIP_API uint32_t tcpip_pipe_pump(struct tcpip_link *end, uint32_t budget);

/* Ethernet II framing around a link that carries frames (TAP, AF_PACKET, a channel). Filters by destination unless
 * promiscuous. The lower link stays the caller's and must outlive it. NULL: out of memory. */
TCPIP_API struct tcpip_link *tcpip_ethernet_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                                struct tcpip_link_address address);
/* When detached. */
TCPIP_API void tcpip_ethernet_free(struct tcpip_link *link);
/* Whether frames for other stations go up too, as packets of type OTHER_HOST. */
TCPIP_API void tcpip_ethernet_set_promiscuous(struct tcpip_link *link, bool on);

/* Copies what passes to a writer, as pcapng (interface and packet blocks, comments) or as text lines. A checksum that
 * is left to the lower link is shown as it will be. */
struct tcpip_sniffer_options {
    size_t size;
    bool ethernet;       /* the lower link carries Ethernet frames; else bare IP */
    bool text;           /* one-line text instead of pcapng */
    uint32_t snap_bytes; /* 0: whole packets */
    const char *name;    /* interface name in the file; may be NULL */
    /* Called inside a turn with bytes to append to the file, several times a packet; must not enter. */
    void (*write)(void *ctx, const void *bytes, size_t size);
    void *ctx;
};
/* `write` must be given. `lower` stays the caller's and must outlive it. NULL: out of memory. */
TCPIP_API struct tcpip_link *tcpip_sniffer_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                               const struct tcpip_sniffer_options *options);
/* When detached. */
TCPIP_API void tcpip_sniffer_free(struct tcpip_link *link);
/* The next captured packet gets this comment (a drop reason, a test's remark); copied, cut to 200 bytes. */
TCPIP_API void tcpip_sniffer_comment(struct tcpip_link *link, const char *text);

/* Faults, seeded: the same seed and the same packets give the same faults. Probabilities in parts per million. The link
 * offers neither segmentation nor checksum offload, so that each fault hits one real packet; what was corrupted is
 * delivered as not verified. */
struct tcpip_fault_profile {
    uint32_t loss_ppm;
    uint32_t burst_enter_ppm, burst_leave_ppm; /* Gilbert: in a burst everything is lost */
    uint32_t duplicate_ppm, corrupt_ppm;
    uint32_t reorder_ppm; /* delayed by reorder_ns more than the others */
    tcpip_ns reorder_ns;
    tcpip_ns delay_ns, jitter_ns; /* jitter: uniform in [0, jitter], order is kept */
    uint64_t rate_bps;            /* bits per second; 0: no limit */
    uint32_t queue_bytes;         /* of the rate limit; tail drop; 0: 1 MB */
    bool down;                    /* everything is lost */
    uint32_t mark_ppm;            /* of packets that are ECN-capable (RFC 3168): marked, CE */
    uint32_t mark_queue_bytes;    /* so are all that find more than this in the queue; 0: off */
    uint32_t mtu;                 /* longer packets are lost without a word (a black hole); 0: off */
};
struct tcpip_fault_options {
    size_t size;
    uint64_t seed;
    struct tcpip_fault_profile out, in;
};
struct tcpip_fault_counters {
    uint64_t passed, lost, duplicated, corrupted, reordered, queue_dropped, marked;
};
/* `lower` stays the caller's and must outlive it. NULL: out of memory. */
TCPIP_API struct tcpip_link *tcpip_fault_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                             const struct tcpip_fault_options *options);
/* When detached. */
TCPIP_API void tcpip_fault_free(struct tcpip_link *link);
/* Changes the profiles from the next packet on. */
TCPIP_API void tcpip_fault_set(struct tcpip_link *link, const struct tcpip_fault_profile *out,
                               const struct tcpip_fault_profile *in);
/* Of both directions, since the link was made; either may be NULL. */
TCPIP_API void tcpip_fault_get_counters(const struct tcpip_link *link, struct tcpip_fault_counters *out,
                                        struct tcpip_fault_counters *in);

TCPIP_END_DECLS

#endif
