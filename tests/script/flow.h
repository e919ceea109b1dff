// SPDX-License-Identifier: MIT
/* flow.h: connections as scripts number them: the ports, and how a script's relative numbers lie on the wire. */
#ifndef TCPIP_TESTS_SCRIPT_FLOW_H
#define TCPIP_TESTS_SCRIPT_FLOW_H

#include "wire.h"

#include "transport/tcp/fast_open.h"

/* Where the packets of a run go between. */
struct ends {
    bool v6;
    uint8_t local[16], remote[16]; /* 4 or 16 bytes */
};

/* The keys that scripts name cookies by; a stack begins with the first. */
extern const struct fast_open_keys script_fast_open_keys;

struct flow {
    bool bound; /* the ports are known */
    uint16_t local_port, remote_port;
    /* On the wire = in the script + offset. The peer's are chosen by the run, ours are learned from the first SYN and
     * the first timestamp that the stack sends. */
    uint32_t remote_offset, local_offset, remote_ts_offset, local_ts_offset;
    bool local_known, local_ts_known;
    /* The script's first sequence numbers, from which payload is counted. */
    uint32_t local_start, remote_start;
    bool remote_started;
    uint16_t remote_window; /* said last; for inbound packets that say none */
};

/* Builds what the peer sends. Returns its size. */
size_t flow_build_inbound(struct flow *flow, const struct ends *ends, const struct packet_spec *spec, uint8_t *out);

/* Compares what the stack sent with what is expected; true: the same. Learns from it, also when it is not. Else
 * why[256] says what differs first. */
bool flow_match(struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                const struct wire_view *view, char *why);
/* The packet that was expected, as bytes, with what the script doesn't say taken from `like`. Returns its size. */
size_t flow_build_expected(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec,
                           const struct wire_view *like, uint8_t *out);

/* A packet in the script's notation, relative to `flow` (NULL: as on the wire), into out[size]. */
void flow_print(const struct flow *flow, const struct ends *ends, const struct wire_view *view, char *out, size_t size);
/* What a script expects, in the same notation. */
void flow_print_spec(const struct packet_spec *spec, char *out, size_t size);

/* Whether the ports of the packet are the flow's; local: the packet is from the stack. */
bool flow_owns(const struct flow *flow, const struct wire_view *view, bool local);

#endif
