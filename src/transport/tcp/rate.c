// SPDX-License-Identifier: MIT
/* rate.c: how fast the path delivers.
 *
 * A sample spans from the sending of a record to its delivery: what was delivered in between, over the time that this
 * took. Two clocks are compared, the sender's (first_sent_at to the record's sending) and the receiver's (delivered_at
 * then to now), and the longer interval counts: compressed ACKs make the one short, a sender's pause the other.
 *
 *     send     |--- send interval ---|
 *              first sent ...        record                 ... delivered
 *     deliver            |--------------- ack interval ---------------|
 *
 * A sample is "limited by the application" if somewhere in its window the sender had nothing to send: it says that the
 * path is at least so fast.
 *
 * Where the clock stands still for longer than a round trip takes, a record is sent and delivered at one instant, and
 * both intervals are nothing. Then the sample is what was delivered since the clock last moved, over that time: at the
 * end of a tick, when the last ACK of it comes, it is right.
 *
 * Owns:        struct rate.
 * Invariants:  delivered never decreases; a snapshot is never ahead of it.
 * Not here:    which record is the newest (scoreboard.c), what the rate is good for (congestion/).
 */
#include "transport/tcp/rate.h"

#include "base/archive.h"
#include "base/math.h"

void tcpip__rate_init(struct rate *rate, tcpip_ns now)
{
    *rate = (struct rate){.delivered_at = now, .before_at = now, .first_sent_at = now};
}

struct rate_snapshot tcpip__rate_on_send(struct rate *rate, uint32_t in_flight, tcpip_ns now)
{
    /* Nothing under way: what was measured before belongs to another flight. */
    if (in_flight == 0)
        rate->first_sent_at = rate->delivered_at = now;
    return (struct rate_snapshot){
        .delivered = rate->delivered,
        .delivered_at = rate->delivered_at,
        .first_sent_at = rate->first_sent_at,
        .app_limited = rate->app_limited_until != 0,
    };
}

void tcpip__rate_app_limited(struct rate *rate, uint32_t in_flight)
{
    rate->app_limited_until = max_u64(rate->delivered + in_flight, 1);
}

void tcpip__rate_on_ack(struct rate *rate, const struct record *newest, tcpip_ns min_rtt_ns, struct tcp_ack *facts)
{
    facts->rate_bytes_per_second = 0;
    facts->app_limited = false;
    if (facts->delivered == 0)
        return;
    if (facts->now != rate->delivered_at) {
        rate->before_at = rate->delivered_at;
        rate->before_delivered = rate->delivered;
    }
    rate->delivered += facts->delivered;
    rate->delivered_at = facts->now;
    if (rate->app_limited_until != 0 && rate->delivered > rate->app_limited_until)
        rate->app_limited_until = 0;
    if (newest == NULL)
        return;

    const struct rate_snapshot *then = &newest->rate;
    facts->has_sample = true;
    facts->prior_delivered = then->delivered;
    facts->tx_in_flight = then->tx_in_flight;
    facts->lost_before = then->lost;
    tcpip_ns interval = max_i64(newest->sent_at - then->first_sent_at, facts->now - then->delivered_at);
    rate->first_sent_at = newest->sent_at;
    /* Less than a round trip can't have passed: the record was sent again, and this acknowledges the first copy. */
    uint64_t delivered = rate->delivered - then->delivered;
    if (interval <= 0) {
        interval = facts->now - rate->before_at;
        delivered = rate->delivered - rate->before_delivered;
    }
    if (interval <= 0 || interval < min_rtt_ns)
        return;
    rate->bytes_per_second = tcpip__muldiv_u64(delivered, (uint64_t)TCPIP_SECOND, (uint64_t)interval);
    rate->sample_app_limited = then->app_limited;
    facts->rate_bytes_per_second = rate->bytes_per_second;
    facts->app_limited = then->app_limited;
}

void tcpip__rate_archive(struct archive *archive, struct rate *rate)
{
    archive_u64(archive, &rate->delivered);
    archive_u64(archive, &rate->app_limited_until);
    archive_u64(archive, &rate->bytes_per_second);
    archive_bool(archive, &rate->sample_app_limited);
    archive_require(archive, rate->delivered <= INT64_MAX && rate->app_limited_until <= INT64_MAX);
}
