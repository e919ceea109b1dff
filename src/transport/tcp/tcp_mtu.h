// SPDX-License-Identifier: MIT
/* tcp_mtu.h: how large segments are, for TCP's hands. */
#ifndef TCPIP_SRC_TCP_TCP_MTU_H
#define TCPIP_SRC_TCP_TCP_MTU_H

#include "transport/tcp/tcp.h"

/* PATH_MTU_DISCOVERY of a connection: the bit, ... */
static inline bool tcp_mode_forbids_fragments(const struct tcp_endpoint *ep, int64_t mode)
{
    return mode != TCPIP_PATH_MTU_DONT && mode < TCPIP_PATH_MTU_INTERFACE && !ep->path_narrow;
}
/* ... and is it the route's MTU that counts, whatever is known of the path? */
static inline bool tcp_mode_is_whole_route(int64_t mode)
{
    return mode >= TCPIP_PATH_MTU_PROBE;
}
static inline bool tcp_dont_fragment(const struct tcp_endpoint *ep)
{
    return tcp_mode_forbids_fragments(ep, tcp_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY));
}
static inline bool tcp_whole_route(const struct tcp_endpoint *ep)
{
    return tcp_mode_is_whole_route(tcp_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY));
}

/* snd_mss anew, from the path MTU, the peer's MSS and the options. True: it changed. */
bool tcpip__tcp_update_mss(struct tcp_endpoint *ep);
/* What to advertise in a SYN towards `remote` over `route`. */
uint16_t tcpip__tcp_advertised_mss(const struct tcpip_route *route, const uint8_t *remote, int64_t user_mss);
/* ICMP says that the segment at `quoted`, which is in flight, was too big. */
void tcpip__tcp_packet_too_big(struct tcp_endpoint *ep, uint32_t mtu, seqnum quoted);
/* Should a probe, of so many bytes of the data not sent yet, go now? With ep->search. */
enum probe_turn { PROBE_NOT_NOW, PROBE_GOES, PROBE_AWAITS_WINDOW, PROBE_AWAITS_CWND };
enum probe_turn tcpip__tcp_probe_turn(struct tcp_endpoint *ep, uint32_t *bytes);
/* It went, as the last record. */
void tcpip__tcp_probe_sent(struct tcp_endpoint *ep, seqnum start, uint32_t bytes);
/* After losses were judged: what became of the probe? True: it alone is lost, which is no sign of congestion. With
 * ep->search. */
bool tcpip__tcp_probe_judge(struct tcp_endpoint *ep, struct tcp_ack *facts);
/* A probe is sent again like anything else: nothing can be told from it any more. */
void tcpip__tcp_probe_forget(struct tcp_endpoint *ep, struct record *record);
/* An ACK of something new: what it says of sizes. `newest`: the record delivered that was sent last; NULL: none. */
void tcpip__tcp_mtu_on_ack(struct tcp_endpoint *ep, const struct tcp_ack *facts, const struct record *newest);
/* Is there anything that it could say? With a hot block. */
static inline bool tcp_mtu_listens(const struct tcp_endpoint *ep)
{
    const struct mtu_claim *claim = &ep->hot->mtu_claim;
    return claim->proven < ep->snd_mss || claim->mtu != 0 || ep->search != NULL;
}
/* Two round trips without an ACK. True: a claim that waited is believed, and what is in flight is to go again. */
bool tcpip__tcp_mtu_on_silence(struct tcp_endpoint *ep);
/* The retransmission timer fired. True: segments are smaller now, and what is in flight is to go again. */
bool tcpip__tcp_mtu_on_timeout(struct tcp_endpoint *ep);
void tcpip__tcp_search_free(struct tcp_endpoint *ep);

#endif
