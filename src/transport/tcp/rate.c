// SPDX-License-Identifier: MIT
/* rate.c: the delivery rate, one sample per ACK (after the idea of draft-cheng-iccrg-delivery-rate-estimation).
 *
 * Each record remembers, from when it was sent, how much had been delivered and when. When it is delivered itself, the
 * bytes delivered in between, over the time in between, are a rate. The time is the longer of the send interval and the
 * ACK interval: bursts of data squeeze the one, bunched ACKs the other, and neither may make the path look faster than
 * it is.
 *
 * Owns:       struct rate.
 * Invariants: `delivered` never decreases.
 * Not here:   what the rate is used for (controllers, buffer tuning). */
#include "transport/tcp/rate.h"

#include "base/math.h"

void tcpip__rate_init(struct rate *rate, tcpip_ns now)
{
    *rate = (struct rate){.delivered_at = now, .first_sent_at = now};
}

struct rate_snapshot tcpip__rate_on_send(struct rate *rate, uint32_t in_flight, tcpip_ns now)
{
    /* A flight begins: intervals are measured from here, or idle time would count as slowness. */
    if (in_flight == 0) {
        rate->first_sent_at = now;
        rate->delivered_at = now;
    }
    return (struct rate_snapshot){
        .delivered = rate->delivered,
        .delivered_at = rate->delivered_at,
        .first_sent_at = rate->first_sent_at,
    };
}

void tcpip__rate_app_limited(struct rate *rate, uint32_t in_flight)
{
    rate->app_limited_until = rate->delivered + max_u32(in_flight, 1);
}

void tcpip__rate_on_ack(struct rate *rate, const struct record *newest, tcpip_ns min_rtt_ns, struct tcp_ack *facts)
{
    facts->rate_bytes_per_second = 0;
    facts->app_limited = rate->app_limited_until != 0;
    if (facts->delivered == 0)
        return;
    rate->delivered += facts->delivered;
    rate->delivered_at = facts->now;
    if (rate->app_limited_until != 0 && rate->delivered > rate->app_limited_until)
        rate->app_limited_until = 0;
    if (newest == NULL)
        return;
    tcpip_ns send_ns = newest->sent_at - newest->rate.first_sent_at;
    tcpip_ns ack_ns = facts->now - newest->rate.delivered_at;
    tcpip_ns interval_ns = max_i64(send_ns, ack_ns);
    rate->first_sent_at = newest->sent_at;
    /* Shorter than the path's round trip is no measurement, but an ACK of a retransmission taken for the original's. */
    if (interval_ns <= 0 || interval_ns < min_rtt_ns)
        return;
    uint64_t bytes = rate->delivered - newest->rate.delivered;
    facts->rate_bytes_per_second = tcpip__muldiv_u64(bytes, (uint64_t)TCPIP_SECOND, (uint64_t)interval_ns);
    rate->bytes_per_second = facts->rate_bytes_per_second;
    rate->sample_app_limited = facts->app_limited;
}
