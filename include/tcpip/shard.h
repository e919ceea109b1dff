// SPDX-License-Identifier: MIT
/* shard.h: many cores: one stack for each, and which of them a packet belongs to.
 *
 * A stack is one thread's at a time and shares nothing with others, so n cores run n stacks (shards) with the same
 * addresses, each with a NIC of its own. What is left to do is to hand each packet to the stack that has its
 * connection: whoever receives packets (a queue of a multi-queue TUN, a packet socket, a thread that reads for all)
 * asks tcpip_shard_of_packet. A listener listens in each of them. A stack that knows which shard it is
 * (tcpip_stack_set_shard) opens connections from such ports only that the answers come home to it.
 *
 * The choice is a keyed hash (SipHash-2-4) over both addresses, and both ports of TCP and UDP, without order: both
 * directions of a flow go to the same shard, and a peer that doesn't know the key can't aim at one. */
#ifndef TCPIP_SHARD_H
#define TCPIP_SHARD_H

#include <tcpip/address.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;

/* Not one of them: each must hear it. */
#define TCPIP_SHARD_ALL UINT32_MAX

/* What all shards and all who steer agree on. */
struct tcpip_shards {
    uint8_t key[16]; /* random, and a secret */
    uint32_t count;  /* at least 1 */
};

/* The shard (0 to count - 1) of an IP packet of `bytes` bytes, from its first header on; a part of a packet that holds
 * its headers will do. In the order in which it is judged:
 *   - to a multicast group or to 255.255.255.255, neighbour discovery and multicast listener discovery of IPv6:
 *     TCPIP_SHARD_ALL, a copy to each;
 *   - ICMP errors: where the packet that they quote belongs;
 *   - fragments: by addresses and protocol only, all of a datagram to one shard; so who expects fragments of TCP or of
 *     UDP with connections reassembles before steering;
 *   - TCP and UDP: by addresses and ports;
 *   - all else (echo, other protocols): by addresses and protocol.
 * What is no IP packet, or ends too early, belongs to shard 0, where it is counted and dropped. Frames that aren't IP
 * (ARP) aren't judged here: they are for all. Any thread. */
TCPIP_API uint32_t tcpip_shard_of_packet(const struct tcpip_shards *shards, const void *packet, size_t bytes);
/* The same for a flow between two ends, in any order. Their NICs don't matter; ports 0 for what has none. Any thread.
 */
TCPIP_API uint32_t tcpip_shard_of_flow(const struct tcpip_shards *shards, uint32_t transport,
                                       const struct tcpip_full_address *one, const struct tcpip_full_address *other);

/* This stack is shard `index`: TCP's connect, unless the endpoint is bound to a port, picks a port from which the
 * connection belongs here; about one in `count` of the range is left for each destination. UDP sockets choose their
 * port before they know a destination: bind them to one that tcpip_shard_of_flow approves of. It isn't saved with the
 * stack. NULL: not a shard any more. INVALID_ARGUMENT: index isn't below count. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_set_shard(struct tcpip_stack *stack,
                                                                const struct tcpip_shards *shards, uint32_t index);

TCPIP_END_DECLS

#endif
