// SPDX-License-Identifier: MIT
/* reassembly.h: fragments in, datagrams out; the same for IPv4 and IPv6. */
#ifndef TCPIP_SRC_NETWORK_REASSEMBLY_H
#define TCPIP_SRC_NETWORK_REASSEMBLY_H

#include "stack/nic.h"

enum {
    IP_REASSEMBLY_PIECES_MAX = 128, /* fragments of one datagram: 65,535 bytes at a path MTU of 576 are 119 */
    IP_REASSEMBLY_HEADER_MAX = 128, /* network header of a first fragment, IPv6 extension headers included */
};

/* Which datagram a fragment is of (RFC 791 3.2, RFC 8200 4.5). No padding; hashed as it lies. */
struct reassembly_key {
    uint8_t source[16], destination[16];
    uint32_t id;
    uint32_t nic;     /* of link-local and multicast destinations: their scope; else 0 */
    uint8_t family;   /* 4 or 6 */
    uint8_t protocol; /* IPv4 only */
    uint8_t zero[2];
};

/* A fragment as its family's input has checked it: a multiple of 8 bytes unless it is the last, ending below 65,536. */
struct reassembly_fragment {
    struct reassembly_key key;
    uint32_t header_bytes; /* network header, from network_offset; at most IP_REASSEMBLY_HEADER_MAX if begin is 0 */
    uint32_t begin, end;   /* of its bytes in the datagram's payload; begin < end */
    bool more;
};

/* A datagram that is whole. */
struct reassembled {
    struct tcpip_packet *packet; /* network_offset 0: the first fragment's header as it came, then the payload */
    uint32_t header_bytes;       /* contiguous, in the packet's own room: may be rewritten in place */
    uint8_t ecn;                 /* of all fragments together (RFC 3168 5.3) */
};

struct ip_reassembly {
    struct tcpip_stack *stack;
    struct hash_table table;
    struct list ages; /* of datagrams, the oldest first */
    struct pool datagrams, pieces;
    uint32_t count;
    uint64_t charged_bytes; /* true bytes of what waits */
};

/* NO_MEMORY: nothing is to be undone. */
must_use enum tcpip_error tcpip__ip_reassembly_init(struct ip_reassembly *r, struct tcpip_stack *stack);
void tcpip__ip_reassembly_fini(struct ip_reassembly *r);
/* Takes the packet. True: *out is a whole datagram, the caller's. False: it waits for more, or was dropped. */
must_use bool tcpip__ip_reassembly_add(struct ip_reassembly *r, struct tcpip_packet *packet,
                                       const struct reassembly_fragment *fragment, struct reassembled *out);
/* Drops every datagram of which a fragment came through `nic`. */
void tcpip__ip_reassembly_flush(struct ip_reassembly *r, const struct tcpip_nic *nic);
/* Asserts the invariants; for tests. */
void tcpip__ip_reassembly_check(const struct ip_reassembly *r);

#endif
