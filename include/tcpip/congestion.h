// SPDX-License-Identifier: MIT
/* congestion.h: congestion controllers. A controller sees facts, never the endpoint: it can be written and tested
 * without a TCP. Outputs are cwnd, ssthresh and pacing_rate; the rest of the stack only reads them. Callbacks run
 * inside a turn and must not enter the stack. All sizes in bytes. */
#ifndef TCPIP_CONGESTION_H
#define TCPIP_CONGESTION_H

#include <tcpip/base.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;
struct tcpip_endpoint;
struct tcpip_congestion;

#define TCPIP_CONGESTION_STATE_BYTES 128u
#define TCPIP_SSTHRESH_INFINITE UINT32_MAX

/* The facts of one ACK, gathered once. */
struct tcpip_congestion_ack {
    tcpip_ns now;
    uint64_t delivered; /* total bytes delivered so far */
    uint32_t acked; /* what a window may grow by: newly delivered in sequence; on paths that reorder, in any order */
    uint32_t newly_delivered;  /* newly acknowledged or SACKed */
    uint32_t newly_lost;       /* newly marked lost */
    uint32_t in_flight;        /* after this ACK (RFC 6675's pipe) */
    uint32_t prior_in_flight;  /* before it */
    uint32_t snd_una, snd_nxt; /* sequence numbers, after it */
    uint32_t mss;
    tcpip_ns rtt_ns; /* this ACK's sample; -1: none */
    tcpip_ns srtt_ns, min_rtt_ns;
    uint64_t delivery_rate; /* bytes per second; 0: no sample */
    bool app_limited;       /* the sample was limited by the application */
    bool cwnd_limited;      /* the window was full since the last ACK */
    bool in_recovery;       /* in fast recovery or loss recovery after this ACK */
    /* Of the segment most recently sent among those delivered now (0 if none was): what had been delivered when it was
     * sent, what was in flight with it, and what was found lost since. */
    uint64_t prior_delivered;
    uint32_t tx_in_flight, lost_since;
    /* Of what was found lost since the last on_ack, the segments for which the share of losses is the largest: their
     * bytes (0: nothing was), what was in flight with them, what was found lost since they were sent. */
    uint32_t loss_bytes, loss_tx_in_flight, loss_since;
    bool loss_app_limited;
    bool has_sack;       /* losses are known one by one */
    bool ecn_echo;       /* the peer tells of congestion that was marked (RFC 3168, 9768) */
    uint32_t ecn_marked; /* bytes newly delivered that were; classic: all that an ACK with ECE delivers */
};

/* What a controller's model says (Linux's TCP_CC_INFO). Which form it takes is its choice. */
enum tcpip_congestion_info_kind {
    TCPIP_CONGESTION_INFO_NONE,
    TCPIP_CONGESTION_INFO_VEGAS, /* of those that look at the delay */
    TCPIP_CONGESTION_INFO_DCTCP, /* at marks */
    TCPIP_CONGESTION_INFO_BBR,   /* at the rate */
};
struct tcpip_congestion_vegas {
    bool enabled;
    uint32_t rtt_count;
    tcpip_ns rtt_ns, min_rtt_ns;
};
struct tcpip_congestion_marks {
    bool enabled;               /* marks were agreed on: without them it is Reno */
    bool receives_ce;           /* what came last was marked */
    uint32_t alpha;             /* share of marks, of 2^20 */
    uint64_t delivered, marked; /* bytes of this window; those of them that met congestion */
};
struct tcpip_congestion_model {
    uint64_t bandwidth;              /* bytes per second; 0: not known */
    tcpip_ns min_rtt_ns;             /* 0: not known */
    uint32_t pacing_gain, cwnd_gain; /* percent */
};
struct tcpip_congestion_info {
    enum tcpip_congestion_info_kind kind;
    union {
        struct tcpip_congestion_vegas vegas;
        struct tcpip_congestion_marks dctcp;
        struct tcpip_congestion_model bbr;
    };
};

struct tcpip_congestion_ops {
    const char *name;    /* "cubic"; at most 15 characters; static */
    uint32_t state_size; /* at most TCPIP_CONGESTION_STATE_BYTES; zeroed before init */
    /* cwnd and ssthresh are set by the caller (initial window, infinite) and may be changed. */
    void (*init)(struct tcpip_congestion *congestion, tcpip_ns now);
    /* Once per ACK that delivers something. In recovery the window is the recovery organ's unless owns_recovery. */
    void (*on_ack)(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack);
    /* Instead of on_ack, for an ACK that comes when the window wasn't in the sender's way, outside of recoveries, and
     * tells of no marks. NULL: on_ack is called. Who looks at nothing of such an ACK saves that it is made up. */
    void (*on_spare_ack)(struct tcpip_congestion *congestion, tcpip_ns now);
    /* Once per episode, when loss is detected, or (ack->ecn_echo) marks tell of congestion: sets ssthresh. Episodes of
     * marks last for a round trip; a loss in one is part of it. */
    void (*on_recovery)(struct tcpip_congestion *congestion, const struct tcpip_congestion_ack *ack);
    /* The retransmission timer fired, for the first time in a row: sets ssthresh; the caller sets cwnd to one segment
     * afterwards. in_flight: all that isn't acknowledged, SACKed or not (RFC 5681's FlightSize). */
    void (*on_rto)(struct tcpip_congestion *congestion, uint32_t in_flight, tcpip_ns now);
    /* The last reduction was spurious; cwnd and ssthresh have been restored. May be NULL. */
    void (*on_undo)(struct tcpip_congestion *congestion, tcpip_ns now);
    /* Sent after idle, or anything: may be NULL. */
    void (*on_sent)(struct tcpip_congestion *congestion, uint32_t bytes, uint32_t in_flight, tcpip_ns now);
    /* Nothing was in flight for idle_ns >= one RTO: cwnd was restarted, unless owns_recovery. May be NULL. */
    void (*on_idle)(struct tcpip_congestion *congestion, tcpip_ns idle_ns, tcpip_ns now);
    /* Fills `out`, which is zeroed. May be NULL: there is nothing to tell. */
    void (*info)(const struct tcpip_congestion *congestion, struct tcpip_congestion_info *out);
    bool owns_recovery; /* sets cwnd in recovery, and after marks, itself (BBR) */
    bool needs_ecn;     /* asks for ECN, whatever the option says (DCTCP) */
    bool exact_ecn;     /* as a receiver, tells marks as they come (RFC 8257 3.2) */
};

struct tcpip_congestion {
    const struct tcpip_congestion_ops *ops;
    uint32_t mss;
    uint32_t cwnd, ssthresh;
    uint64_t pacing_rate; /* bytes per second; 0: no pacing */
    uint64_t *state;      /* ops->state_size bytes */
};

TCPIP_API extern const struct tcpip_congestion_ops tcpip_congestion_reno;  /* RFC 5681 */
TCPIP_API extern const struct tcpip_congestion_ops tcpip_congestion_cubic; /* RFC 9438, with HyStart++ (RFC 9406) */
TCPIP_API extern const struct tcpip_congestion_ops tcpip_congestion_dctcp; /* RFC 8257 */
TCPIP_API extern const struct tcpip_congestion_ops tcpip_congestion_bbr;   /* BBRv3, draft-ietf-ccwg-bbr */

/* Makes a controller known by its name to a stack; those above are. ops must outlive the stack. INVALID_ARGUMENT:
 * name or state size; LIMIT_REACHED: more than 16. A second registration of a name replaces the first for new
 * endpoints. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_congestion_register(struct tcpip_stack *stack,
                                                                    const struct tcpip_congestion_ops *ops);
/* The stack's default by name (cubic). INVALID_OPTION_VALUE: unknown. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_congestion_set_default(struct tcpip_stack *stack, const char *name);
/* Chooses for one TCP endpoint, also in mid-flight. INVALID_OPTION_VALUE: unknown; NOT_SUPPORTED: not TCP. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_set_congestion(struct tcpip_endpoint *endpoint,
                                                                        const char *name);
/* Its name; NULL when it isn't TCP. */
TCPIP_API const char *tcpip_endpoint_congestion(const struct tcpip_endpoint *endpoint);
/* What its model says now; of an idle connection, whose model is given back, what it will begin anew with.
 * NOT_SUPPORTED: not TCP. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_congestion_info(const struct tcpip_endpoint *endpoint,
                                                                         struct tcpip_congestion_info *out);

TCPIP_END_DECLS

#endif
