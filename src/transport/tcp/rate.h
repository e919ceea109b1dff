// SPDX-License-Identifier: MIT
/* rate.h: the delivery rate, sampled once per ACK (the idea of draft-cheng-iccrg-delivery-rate-estimation). */
#ifndef TCPIP_SRC_TCP_RATE_H
#define TCPIP_SRC_TCP_RATE_H

#include "transport/tcp/scoreboard.h"

struct archive;

struct rate {
    uint64_t delivered; /* bytes delivered over the connection's life (while the hot block lives) */
    tcpip_ns delivered_at;
    tcpip_ns before_at;         /* the latest delivery at another instant than delivered_at, */
    uint64_t before_delivered;  /* and `delivered` then */
    tcpip_ns first_sent_at;     /* send time of the record that began the current window */
    uint64_t app_limited_until; /* `delivered` at which the bubble has left; 0: none */
    uint64_t bytes_per_second;  /* latest valid sample */
    bool sample_app_limited;
};

void tcpip__rate_init(struct rate *rate, tcpip_ns now);
/* Something is about to be sent with `in_flight` before it: the snapshot for its record. */
struct rate_snapshot tcpip__rate_on_send(struct rate *rate, uint32_t in_flight, tcpip_ns now);
/* The application ran dry: samples until `in_flight` has left are marked. */
void tcpip__rate_app_limited(struct rate *rate, uint32_t in_flight);
/* facts->delivered bytes were delivered; newest: the most recently sent record among them (NULL: none). Fills facts'
 * rate_bytes_per_second and app_limited. Samples shorter than min_rtt are discarded. */
void tcpip__rate_on_ack(struct rate *rate, const struct record *newest, tcpip_ns min_rtt_ns, struct tcp_ack *facts);
/* Saved and restored (base/archive.h): the time between isn't counted. */
void tcpip__rate_archive(struct archive *archive, struct rate *rate);

#endif
