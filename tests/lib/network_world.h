// SPDX-License-Identifier: MIT
/* network_world.h: one stack, one link whose other side is the test, and transports that only listen: what the network
 * layer does with bytes, seen from both of its sides. */
#ifndef TCPIP_TESTS_LIB_NETWORK_WORLD_H
#define TCPIP_TESTS_LIB_NETWORK_WORLD_H

#include "stack/route.h"
#include "test_env.h"

#define WORLD_BYTES_MAX 70000u

/* Us, the peer on our link, somebody behind the router (who is .254, ::fe), all 16 bytes. */
extern const uint8_t world_us4[16], world_peer4[16], world_far4[16], world_broadcast4[16], world_all4[16];
extern const uint8_t world_us6[16], world_local6[16], world_peer6[16], world_far6[16], world_all6[16];
extern const struct tcpip_link_address world_link_us, world_link_peer;

struct network_world_options {
    uint64_t seed;
    uint32_t link_flags; /* with TCPIP_LINK_RESOLUTION the link has addresses: world_link_us is ours */
    uint32_t mtu;
    bool no_addresses;
    struct tcpip_link *link; /* the test's own; NULL: a channel */
    const struct tcpip_limits *limits;
};

struct network_world {
    struct test_env test_env;
    struct tcpip_stack *stack;
    struct tcpip_link *link, *channel; /* channel: NULL if the link is the test's own */
    struct tcpip_nic *nic;
    /* What injected packets come with. */
    uint8_t type;         /* enum tcpip_packet_type */
    uint8_t checksum;     /* enum tcpip_checksum_state */
    uint16_t gso_size;    /* not 0: as TCP super-segments */
    uint32_t piece_bytes; /* not 0: injected bytes lie in views of this size */
    bool answer;          /* delivered packets are answered with this ICMP error */
    enum tcpip_icmp_kind answer_kind;
    uint32_t answer_value;
    /* What the transports (ICMP, UDP, ICMPv6) heard. */
    uint32_t delivered;
    struct tcpip_packet_network network; /* of the last packet */
    uint8_t bytes[WORLD_BYTES_MAX];      /* its transport header and payload */
    size_t size;
    uint8_t views; /* it lay in */
    uint16_t heard_gso_size, heard_gso_segments;
    uint32_t errors;
    struct tcpip_icmp_error error; /* the last; the pointers lead to the copies below */
    uint8_t error_local[16], error_remote[16], error_offender[16], error_quote[1500];
    /* What was collected last. */
    uint8_t out[WORLD_BYTES_MAX];
    size_t out_size;
    uint8_t out_link_destination[6];
    uint16_t out_protocol;
};

void network_world_init(struct network_world *world, const struct network_world_options *options);
/* Asserts that nothing leaked. */
void network_world_fini(struct network_world *world);

void world_add_address(struct network_world *world, const uint8_t *address, uint8_t bits, uint32_t flags);
void world_inject(struct network_world *world, const uint8_t *bytes, size_t size, uint16_t link_protocol);
/* The oldest packet sent, into world->out; false: none. */
bool world_collect(struct network_world *world);
/* Throws away what was sent; returns how many packets. */
uint32_t world_discard(struct network_world *world);
/* Moves the clock and fires what is due. */
void world_advance(struct network_world *world, tcpip_ns by);
uint64_t world_drops(const struct network_world *world, enum tcpip_drop reason);
/* A transport has found that the path takes `bytes` at most. */
void world_path_takes(struct network_world *world, const uint8_t *local, const uint8_t *remote, uint32_t bytes);
/* Sends `size` bytes of a transport as the transports do; takes no part in its checksum. */
enum tcpip_error world_send(struct network_world *world, struct tcpip_network_output how, const uint8_t *bytes,
                            size_t size);

/* ---- packets in bytes; each returns its size ---- */

struct world_v4 {
    const uint8_t *source, *destination; /* 16 bytes each */
    uint8_t protocol, ttl, tos, options_bytes;
    uint16_t id, flags, offset;
    const uint8_t *options;
};
size_t world_v4(uint8_t *out, struct world_v4 fields, const uint8_t *payload, size_t size);
struct world_v6 {
    const uint8_t *source, *destination;
    uint8_t next_header, hop_limit, traffic_class;
};
size_t world_v6(uint8_t *out, struct world_v6 fields, const uint8_t *payload, size_t size);
struct world_icmp {
    uint8_t type, code;
    uint32_t word; /* behind the checksum */
};
size_t world_icmp4(uint8_t *out, struct world_icmp fields, const uint8_t *payload, size_t size);
/* Addresses: of the pseudo-header. */
size_t world_icmp6(uint8_t *out, const uint8_t *source, const uint8_t *destination, struct world_icmp fields,
                   const uint8_t *payload, size_t size);
/* True if the IPv4 header, and the ICMP or ICMPv6 checksum, of the packet in world->out are right. */
bool world_out_sums_up(const struct network_world *world);

#endif
