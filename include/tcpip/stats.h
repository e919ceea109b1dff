// SPDX-License-Identifier: MIT
/* stats.h: the counters, as a tree: one X-macro list per protocol. All uint64, from the stack's birth. */
#ifndef TCPIP_STATS_H
#define TCPIP_STATS_H

#include <tcpip/base.h>
#include <tcpip/trace.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;

/* X(field). What each counts, and what Linux calls it, is in docs/stats.md; names are netstack's in C spelling. */
#define TCPIP_STATS_STACK(X)                 \
    X(unknown_protocol_rcvd_packets)         \
    X(unknown_network_endpoint_rcvd_packets) \
    X(malformed_rcvd_packets)                \
    X(dropped_packets)                       \
    X(turns)                                 \
    X(turns_out_of_budget)                   \
    X(allocation_failures)                   \
    X(error_records_lost)

#define TCPIP_STATS_NIC(X) \
    X(rx_packets)          \
    X(rx_bytes)            \
    X(tx_packets)          \
    X(tx_bytes)            \
    X(tx_queue_drops)      \
    X(rx_gro_merged)       \
    X(tx_gso_packets)      \
    X(tx_gso_segmented)    \
    X(disabled_rx_packets)

#define TCPIP_STATS_IP(X)                     \
    X(packets_received)                       \
    X(packets_delivered)                      \
    X(packets_sent)                           \
    X(outgoing_packet_errors)                 \
    X(malformed_packets_received)             \
    X(malformed_fragments_received)           \
    X(invalid_destination_addresses_received) \
    X(invalid_source_addresses_received)      \
    X(fragments_received)                     \
    X(fragments_sent)                         \
    X(datagrams_fragmented)                   \
    X(fragmentation_failures)                 \
    X(reassembled)                            \
    X(reassembly_failures)                    \
    X(reassembly_timeouts)                    \
    X(option_router_alert_received)           \
    X(option_record_route_received)           \
    X(option_timestamp_received)              \
    X(option_unknown_received)

#define TCPIP_STATS_ICMP(X)      \
    X(received)                  \
    X(sent)                      \
    X(invalid)                   \
    X(rate_limited)              \
    X(echo_request_received)     \
    X(echo_reply_received)       \
    X(echo_request_sent)         \
    X(echo_reply_sent)           \
    X(dst_unreachable_received)  \
    X(dst_unreachable_sent)      \
    X(packet_too_big_received)   \
    X(packet_too_big_sent)       \
    X(time_exceeded_received)    \
    X(time_exceeded_sent)        \
    X(param_problem_received)    \
    X(param_problem_sent)        \
    X(redirect_received)         \
    X(router_solicit_received)   \
    X(router_solicit_sent)       \
    X(router_advert_received)    \
    X(neighbor_solicit_received) \
    X(neighbor_solicit_sent)     \
    X(neighbor_advert_received)  \
    X(neighbor_advert_sent)      \
    X(unrecognized_received)

#define TCPIP_STATS_ARP(X)              \
    X(packets_received)                 \
    X(malformed_packets_received)       \
    X(requests_received)                \
    X(requests_received_unknown_target) \
    X(replies_received)                 \
    X(address_conflicts_received)       \
    X(requests_sent)                    \
    X(replies_sent)

#define TCPIP_STATS_NEIGHBOR(X) \
    X(entries_created)          \
    X(entries_evicted)          \
    X(probes_failed)            \
    X(unreachable_packets)      \
    X(duplicate_addresses)      \
    X(claims_contested)

#define TCPIP_STATS_PATH_MTU(X) \
    X(lowered)                  \
    X(raised)                   \
    X(refused)                  \
    X(below_floor)              \
    X(expired)                  \
    X(evicted)

#define TCPIP_STATS_UDP(X)        \
    X(packets_received)           \
    X(unknown_port_errors)        \
    X(receive_buffer_errors)      \
    X(malformed_packets_received) \
    X(checksum_errors)            \
    X(packets_sent)               \
    X(packet_send_errors)

/* The member is `local`: to a compiler with GNU's extensions, `unix` is a number. */
#define TCPIP_STATS_UNIX(X) \
    X(connections)          \
    X(messages_sent)        \
    X(bytes_sent)           \
    X(send_buffer_full)     \
    X(receiver_full)        \
    X(backlog_full)         \
    X(names_refused)        \
    X(references_sent)      \
    X(references_refused)   \
    X(references_released)

#define TCPIP_STATS_TCP(X)                     \
    X(active_connection_openings)              \
    X(passive_connection_openings)             \
    X(current_established)                     \
    X(current_connected)                       \
    X(established_resets)                      \
    X(established_closed)                      \
    X(established_timedout)                    \
    X(failed_connection_attempts)              \
    X(listen_overflow_syn_drop)                \
    X(listen_overflow_ack_drop)                \
    X(listen_overflow_syn_cookie_sent)         \
    X(listen_overflow_syn_cookie_rcvd)         \
    X(listen_overflow_invalid_syn_cookie_rcvd) \
    X(half_open_timeouts)                      \
    X(valid_segments_received)                 \
    X(invalid_segments_received)               \
    X(checksum_errors)                         \
    X(segments_sent)                           \
    X(segment_send_errors)                     \
    X(bytes_received)                          \
    X(bytes_sent)                              \
    X(resets_sent)                             \
    X(resets_received)                         \
    X(resets_suppressed)                       \
    X(syn_acks_suppressed)                     \
    X(retransmits)                             \
    X(bytes_retransmitted)                     \
    X(fast_retransmit)                         \
    X(fast_recovery)                           \
    X(sack_recovery)                           \
    X(slow_start_retransmits)                  \
    X(timeouts)                                \
    X(spurious_recovery)                       \
    X(limited_transmit)                        \
    X(tail_loss_probes)                        \
    X(tail_loss_recoveries)                    \
    X(rack_losses)                             \
    X(rack_timeouts)                           \
    X(lost_retransmits)                        \
    X(duplicate_acks_received)                 \
    X(duplicate_acks_sent)                     \
    X(delayed_acks_sent)                       \
    X(pure_acks_received)                      \
    X(urgent_pointers_received)                \
    X(header_prediction_acks)                  \
    X(header_prediction_data)                  \
    X(out_of_order_segments)                   \
    X(out_of_order_pruned)                     \
    X(duplicate_segments_received)             \
    X(segments_outside_window)                 \
    X(dsack_sent)                              \
    X(dsack_received)                          \
    X(sack_reneging)                           \
    X(sack_invalid)                            \
    X(ecn_negotiated)                          \
    X(accecn_negotiated)                       \
    X(ecn_ce_received)                         \
    X(ecn_echo_received)                       \
    X(ecn_reductions)                          \
    X(paws_dropped)                            \
    X(challenge_acks_sent)                     \
    X(challenge_acks_suppressed)               \
    X(zero_window_probes_sent)                 \
    X(orphans_given_up)                        \
    X(zero_window_advertised)                  \
    X(zero_window_received)                    \
    X(keepalives_sent)                         \
    X(keepalive_timeouts)                      \
    X(user_timeouts)                           \
    X(time_wait_created)                       \
    X(time_wait_recycled)                      \
    X(time_wait_evicted)                       \
    X(time_wait_current)                       \
    X(forward_requests)                        \
    X(forward_in_flight_drop)                  \
    X(forward_source_drop)                     \
    X(forward_gone)                            \
    X(icmp_errors_received)                    \
    X(mtu_claims_refused)                      \
    X(mtu_claims_waited)                       \
    X(mtu_claims_contradicted)                 \
    X(mtu_probes_sent)                         \
    X(mtu_probes_arrived)                      \
    X(mtu_probes_lost)                         \
    X(mtu_black_holes)                         \
    X(memory_pressure_events)                  \
    X(fast_open_active)                        \
    X(fast_open_active_fail)                   \
    X(fast_open_passive)                       \
    X(fast_open_passive_fail)                  \
    X(fast_open_passive_alt_key)               \
    X(fast_open_listen_overflow)               \
    X(fast_open_cookie_requested)              \
    X(fast_open_pauses)                        \
    X(md5_not_found)                           \
    X(md5_unexpected)                          \
    X(md5_failure)                             \
    X(ao_good)                                 \
    X(ao_bad)                                  \
    X(ao_key_not_found)                        \
    X(ao_required)                             \
    X(ao_dropped_icmps)

#define TCPIP_STATS_FIELD_(name) uint64_t name;
struct tcpip_stats_stack {
    TCPIP_STATS_STACK(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_nic {
    TCPIP_STATS_NIC(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_ip {
    TCPIP_STATS_IP(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_icmp {
    TCPIP_STATS_ICMP(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_arp {
    TCPIP_STATS_ARP(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_neighbor {
    TCPIP_STATS_NEIGHBOR(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_path_mtu {
    TCPIP_STATS_PATH_MTU(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_udp {
    TCPIP_STATS_UDP(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_tcp {
    TCPIP_STATS_TCP(TCPIP_STATS_FIELD_)
};
struct tcpip_stats_unix {
    TCPIP_STATS_UNIX(TCPIP_STATS_FIELD_)
};
#undef TCPIP_STATS_FIELD_

struct tcpip_stats {
    struct tcpip_stats_stack stack;
    struct tcpip_stats_nic nic; /* sum over the NICs, removed ones too */
    struct tcpip_stats_ip ipv4, ipv6;
    struct tcpip_stats_icmp icmpv4, icmpv6;
    struct tcpip_stats_arp arp;
    struct tcpip_stats_neighbor neighbor;
    struct tcpip_stats_path_mtu path_mtu;
    struct tcpip_stats_udp udp;
    struct tcpip_stats_tcp tcp;
    struct tcpip_stats_unix local;
    uint64_t drops[TCPIP_DROP_COUNT];
    uint64_t memory_bytes, memory_peak_bytes; /* what env.alloc has given, now and at most */
};

/* Every non-zero counter (or all), as lines "tcp.retransmits 3" or as one JSON object of nested objects. Writes at most
 * `size` bytes with the terminating zero and returns the length that all would have needed (snprintf's rule). */
enum tcpip_stats_format { TCPIP_STATS_TEXT, TCPIP_STATS_TEXT_ALL, TCPIP_STATS_JSON };
TCPIP_API size_t tcpip_stats_print(const struct tcpip_stats *stats, enum tcpip_stats_format format, char *out,
                                   size_t size);

TCPIP_END_DECLS

#endif
