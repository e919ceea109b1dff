// SPDX-License-Identifier: MIT
/* nic.h: a NIC: link, addresses, groups, transmit queue, per-protocol state. */
#ifndef TCPIP_SRC_STACK_NIC_H
#define TCPIP_SRC_STACK_NIC_H

#include "stack/stack.h"

#include <string.h>

/* An assigned address, 16 bytes (IPv4 mapped). On the NIC's list in order of assignment. */
struct nic_address {
    struct tcpip_list_node node;        /* nic->addresses */
    struct hash_node hash;              /* stack-wide, by address: address.c */
    struct hash_node broadcast_hash;    /* stack-wide, by directed broadcast address; once per NIC and broadcast */
    struct tcpip_list_node subnet_node; /* of prefixes that are ours as a whole: IPv4 on a loopback link */
    struct tcpip_nic *nic;
    uint8_t bytes[16];
    uint8_t broadcast[16]; /* of the prefix, IPv4 */
    bool has_broadcast;    /* IPv4 prefixes of up to 30 bits (RFC 3021) */
    bool broadcast_linked;
    uint8_t prefix_bits;  /* of the family's own length */
    uint8_t family_bytes; /* 4 or 16 */
    uint32_t flags;       /* enum tcpip_address_flags */
    /* RFC 4862 5.4; owned by network/ipv6's DAD */
    struct tcpip_timer dad_timer;
    uint8_t dad_left;
    uint8_t dad_nonce[6]; /* RFC 7527 */
};

struct nic_group {
    struct tcpip_list_node node; /* nic->groups */
    struct hash_node hash;       /* stack-wide, by NIC and group */
    struct tcpip_nic *nic;
    uint8_t bytes[16];
    uint32_t members; /* endpoints and addresses that joined */
};

/* What RFC 4861 6.3.2 keeps per interface; zeroed: the defaults. Read and written by neighbor.c. */
struct neighbor_times {
    tcpip_ns reachable_base_ns, retransmit_ns; /* 0: the default */
    tcpip_ns reachable_ns;                     /* drawn from 0.5 to 1.5 of the base ... */
    tcpip_ns redraw_at;                        /* ... again at this instant */
};

struct tcpip_nic {
    struct tcpip_list_node node;    /* stack->nics */
    struct tcpip_list_node tx_node; /* stack->tx_nics */
    struct tcpip_link_upper upper;  /* what the link sees */
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    struct tcpip_link_capabilities caps;
    uint32_t id;
    uint32_t birth; /* counted from 1: an id may be given again, this isn't */
    uint32_t queue; /* as given */
    uint32_t mtu;
    char name[16];
    bool enabled, link_up, promiscuous, spoofing, removing;
    bool up;                     /* the network protocols and addresses know that packets can pass */
    bool tx_blocked;             /* the link left packets; wait for tx_ready */
    struct tcpip_packet_list tx; /* to hand to the link at the end of the turn */
    uint64_t tx_queued_bytes;    /* of tx */
    struct list tx_waiting;      /* endpoints (their node `dirty`) that hold back until tx has drained */
    bool gro;                    /* merge TCP segments of a batch: the link wants it done */
    struct list addresses;       /* nic_address */
    struct list groups;          /* nic_group */
    uint32_t address_count;
    bool addresses_up;                                /* the network protocols know of the addresses and groups */
    struct neighbor_times neighbor_times[2];          /* IPv4, IPv6 */
    void *network_state[STACK_NETWORK_PROTOCOLS_MAX]; /* in the order of stack->network */
    struct deferred state_change;
    enum tcpip_error state_error;
    void (*on_state)(void *ctx, struct tcpip_nic *nic, bool up, enum tcpip_error error);
    void *ctx;
    struct tcpip_stats_nic stats;
};

/* Packets can pass: neither disabled nor down nor going. */
static inline bool nic_usable(const struct tcpip_nic *nic)
{
    return nic->enabled && nic->link_up && !nic->removing;
}
/* Takes the NIC down and frees it; what is queued is lost. */
void tcpip__nic_remove(struct tcpip_nic *nic);
/* NULL: none. */
struct tcpip_nic *tcpip__nic_find(const struct tcpip_stack *stack, uint32_t id);
void *tcpip__nic_network_state(struct tcpip_nic *nic, uint32_t number);
/* A finished network packet (link addresses set where the link needs them) to the NIC's queue: software GSO and
 * checksum for links that can't, tail drop at the limit. Takes it. */
void tcpip__nic_transmit(struct tcpip_nic *nic, struct tcpip_packet *packet);
/* Packets waiting in the queue and below: TCP holds back by it. */
uint32_t tcpip__nic_queued(const struct tcpip_nic *nic);
/* Does so much wait for the link that more would only wait as well, and be lost together? Two super-segments. */
enum { NIC_BACKLOG_BYTES = 2 * 65536 };
static inline bool nic_full(const struct tcpip_nic *nic)
{
    return nic->tx_blocked && nic->tx_queued_bytes >= NIC_BACKLOG_BYTES;
}
/* The endpoint holds back: it is flushed again, in the order of waiting, when the queue has drained. */
void tcpip__nic_wait(struct tcpip_nic *nic, struct tcpip_endpoint *endpoint);
/* Hands queued packets to the link; called at the end of a turn and by tx_ready. */
void tcpip__nic_flush(struct tcpip_nic *nic);
/* All that is queued is lost. */
void tcpip__nic_drop_queue(struct tcpip_nic *nic, enum tcpip_drop reason);
/* Packets from the link: the NIC's checks and counts, GRO, and then to the network protocols; inside transmit they are
 * queued for this turn. Takes all. Joins or makes a turn. */
void tcpip__nic_receive(struct tcpip_nic *nic, struct tcpip_packet_list *packets);
/* A packet to ourselves: comes in through `nic` in this turn, its type OUTGOING. Takes it. */
void tcpip__nic_loop(struct tcpip_nic *nic, struct tcpip_packet *packet);

/* ---- addresses (address.c) ---- */

/* stack->addresses; before the first NIC, and after the last. NO_MEMORY. */
must_use enum tcpip_error tcpip__address_table_new(struct tcpip_stack *stack);
void tcpip__address_table_free(struct tcpip_stack *stack);
/* A new NIC's lists, and the groups every host is in (224.0.0.1, ff02::1). NO_MEMORY; then nothing is to be undone. */
must_use enum tcpip_error tcpip__nic_addresses_init(struct tcpip_nic *nic);
/* The NIC came up (after nic_up of its protocols) or goes down (before nic_down): groups and addresses are announced
 * to, or taken from, the network protocols. IPv6 addresses start tentative again (RFC 4862 5.4). Twice does nothing. */
void tcpip__nic_addresses_up(struct tcpip_nic *nic);
void tcpip__nic_addresses_down(struct tcpip_nic *nic);
/* All addresses and groups go, without a word (after _down). */
void tcpip__nic_addresses_fini(struct tcpip_nic *nic);

/* Of an inbound packet at a NIC. */
enum destination_kind {
    DESTINATION_NONE,
    DESTINATION_UNICAST,
    DESTINATION_BROADCAST,
    DESTINATION_MULTICAST,
};
/* Whose an inbound packet is: assigned (not tentative) addresses of this NIC, broadcast of its prefixes, joined groups;
 * on a promiscuous NIC every unicast address. Weak host model within the stack: an address of another NIC counts too,
 * as on Linux, but not a link-local or loopback one. On a loopback link the whole IPv4 prefix is ours (127.0.0.2), as
 * on Linux. */
enum destination_kind tcpip__nic_destination(struct tcpip_nic *nic, const uint8_t *address);
/* The assignment of an address on this NIC (nic NULL: on any), tentative ones too; NULL: none. For any address of a
 * loopback link's IPv4 prefix: that prefix's assignment. */
struct nic_address *tcpip__address_find(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                        const uint8_t *address);
/* The assigned (not tentative) address of a usable NIC that makes `address` ours; `nic`, which may be NULL, is
 * preferred, and is the only one where a link-local address is ours. NULL: not ours. */
struct nic_address *tcpip__address_local(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                         const uint8_t *address);
/* The usable NIC (`nic`, if that isn't NULL) of which `address` is the directed broadcast address of a prefix; NULL:
 * none. */
struct tcpip_nic *tcpip__address_broadcast(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                           const uint8_t *address);
/* Can packets from `address` come in through `nic` from somebody else? Not if it is ours, or the directed broadcast
 * address of a prefix of ours (RFC 1122 3.2.1.3): answers to those would come back to us. */
bool tcpip__address_foreign(const struct tcpip_nic *nic, const uint8_t *address);
/* The best source for `remote` through `nic`, RFC 6724 section 5 (IPv4: longest match, then primary): one of its own,
 * else of another NIC (weak host model, as on Linux) unless remote is link-local; NULL: none. */
struct nic_address *tcpip__address_select(struct tcpip_nic *nic, const uint8_t *remote);
/* Joins and leaves are counted; the first join and the last leave go to the wire while the NIC is up. BAD_ADDRESS: no
 * multicast address; NO_MEMORY; BAD_LOCAL_ADDRESS (leave): not joined. */
must_use enum tcpip_error tcpip__nic_join(struct tcpip_nic *nic, const uint8_t *group);
enum tcpip_error tcpip__nic_leave(struct tcpip_nic *nic, const uint8_t *group);
bool tcpip__nic_in_group(const struct tcpip_nic *nic, const uint8_t *group);
/* A tentative or duplicate address is nobody's yet. */
static inline bool address_assigned(const struct nic_address *address)
{
    return (address->flags & (TCPIP_ADDRESS_TENTATIVE | TCPIP_ADDRESS_DUPLICATE)) == 0;
}
/* DAD's outcome: assigned for good, or marked duplicate (whoever found out counts it). */
void tcpip__address_confirm(struct nic_address *address);
void tcpip__address_duplicate(struct nic_address *address);

/* ---- helpers on 16-byte addresses ---- */

static inline bool address_is_v4(const uint8_t *a)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(a, prefix, 12) == 0;
}
static inline bool address_is_zero(const uint8_t *a)
{
    static const uint8_t zero[16];
    static const uint8_t any4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(a, zero, 16) == 0 || memcmp(a, any4, 16) == 0;
}
static inline bool address_is_multicast(const uint8_t *a)
{
    return address_is_v4(a) ? (a[12] & 0xf0) == 0xe0 : a[0] == 0xff;
}
static inline bool address_is_limited_broadcast(const uint8_t *a)
{
    static const uint8_t all[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(a, all, 16) == 0;
}
static inline bool address_is_link_local(const uint8_t *a)
{
    if (a[0] == 0xfe) /* IPv4 ones begin with zeroes */
        return (a[1] & 0xc0) == 0x80;
    return a[12] == 169 && a[13] == 254 && address_is_v4(a);
}
static inline bool address_is_loopback(const uint8_t *a)
{
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return address_is_v4(a) ? a[12] == 127 : memcmp(a, one, 16) == 0;
}
static inline bool address_equal(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 16) == 0;
}
/* The public form of a 16-byte address: IPv4-mapped ones become 4 bytes long. */
static inline struct tcpip_address address_public(const uint8_t *a)
{
    struct tcpip_address out = {{0}, 16};
    if (address_is_v4(a)) {
        out.len = 4;
        memcpy(out.bytes, a + 12, 4);
    } else {
        memcpy(out.bytes, a, 16);
    }
    return out;
}
/* The 16-byte form of a public address; of none: all zero. */
static inline void address_internal(const struct tcpip_address *address, uint8_t *out)
{
    memset(out, 0, 16);
    if (address->len == 4) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, address->bytes, 4);
    } else if (address->len == 16) {
        memcpy(out, address->bytes, 16);
    }
}
/* The bits that two addresses have in common in front, at most `limit`. */
static inline uint32_t address_common_bits(const uint8_t *a, const uint8_t *b, uint32_t limit)
{
    uint32_t bits = 0;
    while (bits < 128 && a[bits / 8] == b[bits / 8])
        bits += 8;
    if (bits < 128)
        bits += (uint32_t)__builtin_clz((uint32_t)(a[bits / 8] ^ b[bits / 8])) - 24;
    return bits < limit ? bits : limit;
}

#endif
