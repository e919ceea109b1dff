// SPDX-License-Identifier: MIT
/* trace.h: why packets were lost, and what happened: one list each, from which enum, name, counter and text come. */
#ifndef TCPIP_TRACE_H
#define TCPIP_TRACE_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

/* X(NAME, text). The only way to lose a packet is with one of these: it is counted, traced, freed. */
#define TCPIP_DROPS(X)                                                    \
    X(NO_MEMORY, "out of memory")                                         \
    X(NIC_DISABLED, "interface is disabled")                              \
    X(NIC_REMOVED, "interface was removed")                               \
    X(LINK_DOWN, "link is down")                                          \
    X(LINK_ERROR, "link failed to send")                                  \
    X(LINK_MALFORMED, "malformed link header")                            \
    X(LINK_OTHER_HOST, "link address of another host")                    \
    X(LINK_TOO_BIG, "larger than the link carries")                       \
    X(FAULT_INJECTED, "lost by the fault link")                           \
    X(QUEUE_FULL, "transmit queue is full")                               \
    X(UNKNOWN_NETWORK_PROTOCOL, "unknown network protocol")               \
    X(IP_MALFORMED, "malformed IP header")                                \
    X(IP_BAD_CHECKSUM, "bad IPv4 header checksum")                        \
    X(IP_BAD_OPTION, "bad IPv4 option")                                   \
    X(IP_SOURCE_ROUTED, "source-routed")                                  \
    X(IP_MARTIAN_SOURCE, "source address that can't be")                  \
    X(IP_MARTIAN_DESTINATION, "destination address that can't be")        \
    X(IP_NOT_LOCAL, "destination is not ours")                            \
    X(IP_NO_ROUTE, "no route")                                            \
    X(IP_TTL_EXCEEDED, "hop limit exceeded")                              \
    X(IP_TOO_BIG, "too big and not to be fragmented")                     \
    X(IP_BAD_EXTENSION, "bad IPv6 extension header")                      \
    X(IP_UNKNOWN_NEXT_HEADER, "unknown IPv6 next header")                 \
    X(IP_EXTENSION_LIMIT, "too many IPv6 extension headers")              \
    X(FRAGMENT_MALFORMED, "malformed fragment")                           \
    X(FRAGMENT_OVERLAP, "overlapping fragments")                          \
    X(FRAGMENT_DUPLICATE, "duplicate fragment")                           \
    X(FRAGMENT_TIMEOUT, "reassembly timed out")                           \
    X(FRAGMENT_LIMIT, "reassembly limit")                                 \
    X(NEIGHBOR_UNREACHABLE, "neighbor did not answer")                    \
    X(NEIGHBOR_PENDING_LIMIT, "too many packets wait for a neighbor")     \
    X(ARP_MALFORMED, "malformed ARP")                                     \
    X(ARP_NOT_FOR_US, "ARP for another host")                             \
    X(NDP_MALFORMED, "malformed neighbor discovery")                      \
    X(NDP_HOP_LIMIT, "neighbor discovery from off link")                  \
    X(NDP_NOT_FOR_US, "neighbor discovery for another host")              \
    X(ICMP_MALFORMED, "malformed ICMP")                                   \
    X(ICMP_BAD_CHECKSUM, "bad ICMP checksum")                             \
    X(ICMP_UNKNOWN_TYPE, "ICMP type without a handler")                   \
    X(ICMP_NO_ENDPOINT, "ICMP without an endpoint")                       \
    X(ICMP_BAD_QUOTE, "ICMP error quotes what we did not send")           \
    X(ICMP_NOT_UNICAST, "ICMP request that was not sent to one host")     \
    X(ICMP_RATE_LIMITED, "ICMP answer over the rate limit")               \
    X(UNKNOWN_TRANSPORT_PROTOCOL, "unknown transport protocol")           \
    X(TRANSPORT_MALFORMED, "malformed transport header")                  \
    X(UDP_MALFORMED, "malformed UDP header")                              \
    X(UDP_BAD_CHECKSUM, "bad UDP checksum")                               \
    X(UDP_NO_PORT, "no endpoint on the UDP port")                         \
    X(UDP_QUEUE_FULL, "UDP receive buffer is full")                       \
    X(PING_QUEUE_FULL, "ping receive buffer is full")                     \
    X(TCP_MALFORMED, "malformed TCP header")                              \
    X(TCP_BAD_CHECKSUM, "bad TCP checksum")                               \
    X(TCP_BAD_ADDRESS, "TCP from or to a broadcast or multicast address") \
    X(TCP_UNEXPECTED_SIGNATURE, "signed TCP segment, and no key is set")  \
    X(TCP_MISSING_SIGNATURE, "TCP segment isn't signed as it must be")    \
    X(TCP_BAD_SIGNATURE, "TCP segment with a wrong signature")            \
    X(TCP_SIGNATURE_KEY, "TCP segment signed with an unknown key")        \
    X(TCP_SIGNATURE_OPTION, "malformed TCP signature option")             \
    X(TCP_MIN_TTL, "TCP from farther away than MIN_TTL allows")           \
    X(TCP_NO_PORT, "no endpoint on the TCP port")                         \
    X(TCP_BAD_FLAGS, "impossible TCP flags for the state")                \
    X(TCP_LISTEN_OVERFLOW, "accept queue is full")                        \
    X(TCP_SYN_LIMIT, "too many half-open connections")                    \
    X(TCP_BAD_COOKIE, "ACK without a valid SYN cookie")                   \
    X(TCP_OUT_OF_WINDOW, "TCP segment out of window")                     \
    X(TCP_PAWS, "TCP timestamp too old")                                  \
    X(TCP_BAD_RST, "TCP reset not at the expected sequence number")       \
    X(TCP_UNEXPECTED_SYN, "SYN in a synchronised state")                  \
    X(TCP_BAD_ACK, "ACK of what was not sent, or too old")                \
    X(TCP_NO_ACK, "TCP segment without ACK")                              \
    X(TCP_DUPLICATE_DATA, "TCP data received before")                     \
    X(TCP_ZERO_WINDOW, "TCP data into a closed window")                   \
    X(TCP_RECEIVE_LIMIT, "TCP receive buffer is full")                    \
    X(TCP_OUT_OF_ORDER_LIMIT, "too many out-of-order blocks")             \
    X(TCP_AFTER_CLOSE, "TCP data after close")                            \
    X(TCP_TIME_WAIT, "TCP segment in TIME-WAIT")                          \
    X(TCP_FROZEN, "TCP segment for a connection that stands still")       \
    X(TCP_FORWARDER, "dropped by the forwarder's verdict")                \
    X(TCP_FORWARDER_LIMIT, "the forwarder's limit")                       \
    X(TCP_FORWARDER_SOURCE, "the forwarder's limit for one source")       \
    X(HANDLER, "dropped by the default handler")

enum tcpip_drop {
#define TCPIP_DROP_ENUM_(name, text) TCPIP_DROP_##name,
    TCPIP_DROPS(TCPIP_DROP_ENUM_)
#undef TCPIP_DROP_ENUM_
        TCPIP_DROP_COUNT
};

/* "TCP_PAWS"; static. */
TCPIP_API const char *tcpip_drop_name(enum tcpip_drop reason);
/* "TCP timestamp too old"; static. */
TCPIP_API const char *tcpip_drop_text(enum tcpip_drop reason);

/* X(NAME, text, a, b, c, d): an event and what its four numbers say ("-": unused). Instants and durations in ns, sizes
 * in bytes, sequence numbers relative to the initial one. */
#define TCPIP_EVENTS(X)                                                         \
    X(PACKET_IN, "packet received", "bytes", "protocol", "-", "-")              \
    X(PACKET_OUT, "packet sent", "bytes", "protocol", "-", "-")                 \
    X(PACKET_DROP, "packet dropped", "reason", "bytes", "protocol", "-")        \
    X(NIC_STATE, "interface state", "nic", "up", "error", "-")                  \
    X(NEIGHBOR_STATE, "neighbor state", "nic", "from", "to", "-")               \
    X(ADDRESS_STATE, "address state", "nic", "state", "-", "-")                 \
    X(PMTU, "path MTU", "mtu", "-", "-", "-")                                   \
    X(TCP_MTU_PROBE, "MTU probe", "bytes", "low", "high", "-")                  \
    X(TCP_BLACK_HOLE, "segments shrink", "bytes", "high", "timeouts", "-")      \
    X(TCP_STATE, "TCP state", "from", "to", "event", "-")                       \
    X(TCP_ACK, "ACK processed", "acked", "sacked", "lost", "in flight")         \
    X(TCP_RTT, "round-trip time", "sample", "srtt", "rttvar", "rto")            \
    X(TCP_CONGESTION, "congestion", "cwnd", "ssthresh", "pacing rate", "state") \
    X(TCP_SEND, "segments sent", "seq", "bytes", "flags", "retransmission")     \
    X(TCP_RECOVERY, "recovery", "from", "to", "recovery point", "cause")        \
    X(TCP_UNDO, "recovery undone", "cause", "cwnd", "-", "-")                   \
    X(TCP_TIMER, "timer fired", "timer", "backoff", "-", "-")                   \
    X(TCP_WINDOW, "window", "send window", "receive window", "-", "-")          \
    X(TCP_RESET, "reset", "sent", "error", "-", "-")                            \
    X(TCP_SYN_COOKIE, "SYN cookie", "valid", "-", "-", "-")                     \
    X(TURN_BUDGET, "turn ran out of budget", "left", "-", "-", "-")             \
    X(LIMIT, "a limit was reached", "limit", "value", "-", "-")

enum tcpip_event_kind {
#define TCPIP_EVENT_ENUM_(name, text, a, b, c, d) TCPIP_EVENT_##name,
    TCPIP_EVENTS(TCPIP_EVENT_ENUM_)
#undef TCPIP_EVENT_ENUM_
        TCPIP_EVENT_COUNT
};

struct tcpip_event {
    enum tcpip_event_kind kind;
    tcpip_ns at;
    uint64_t endpoint; /* a number that an endpoint keeps for life, counted from 1; 0: none */
    uint64_t values[4];
    const uint8_t *bytes; /* the packet's front, for PACKET_*; valid during the callback; may be NULL */
    uint32_t bytes_count;
};

/* "TCP_ACK"; static. */
TCPIP_API const char *tcpip_event_name(enum tcpip_event_kind kind);
/* One line, "12.003456 tcp#3 ACK processed acked=1460 sacked=0 lost=0 in_flight=0", zero-terminated, cut to `size`;
 * returns its length. Packets are printed in tcpdump's notation. */
TCPIP_API size_t tcpip_event_print(const struct tcpip_event *event, char *out, size_t size);

TCPIP_END_DECLS

#endif
