// SPDX-License-Identifier: MIT
/* plan.h: all that a seed decides before the clock starts: two hosts, the wire between them, its weather, and who
 * talks to whom about what. A plan is plain data; the same seed gives the same plan. */
#ifndef TCPIP_TESTS_SIM_PLAN_H
#define TCPIP_TESTS_SIM_PLAN_H

#include <tcpip/tcpip.h>

enum {
    PLAN_HOSTS_MAX = 6,
    PLAN_OPTIONS_MAX = 12,
    PLAN_FLOWS_MAX = 32,
    PLAN_CHANGES_MAX = 128,
    PLAN_VICTIMS_MAX = 6,
    PLAN_PORT = 80,         /* always open, on both hosts */
    PLAN_PORT_CLOSING = 81, /* its listener is closed after a while */
    PLAN_PORT_FORWARD = 82, /* the forwarder's */
    PLAN_PORT_VICTIM = 83,  /* for the hostile host, if there is one */
    PLAN_PORT_NOBODY = 9,
    PLAN_GRAMS_MAX = 4,
    PLAN_GRAM_COUNT_MAX = 40,
    PLAN_PORT_GRAM = 500, /* and following */
};

/* X(NAME, "name"): each seed has some of these, wholly off the others. */
#define PLAN_FAULTS(X)        \
    X(LOSS, "loss")           \
    X(BURST, "burst")         \
    X(DUPLICATE, "duplicate") \
    X(CORRUPT, "corrupt")     \
    X(REORDER, "reorder")     \
    X(JITTER, "jitter")       \
    X(DOWN, "down")           \
    X(SHIFT, "shift")         \
    X(ADDRESS, "address")     \
    X(NIC, "nic")             \
    X(MTU, "mtu")             \
    X(MEMORY, "memory")       \
    X(COARSE_CLOCK, "coarse") \
    X(SMALL_LIMITS, "limits") \
    X(QUEUE, "queue")         \
    X(BLACK_HOLE, "hole")     \
    X(MOVE, "move")           \
    X(PARTITION, "partition")

enum plan_fault_index {
#define PLAN_FAULT_INDEX_(name, text) PLAN_INDEX_##name,
    PLAN_FAULTS(PLAN_FAULT_INDEX_)
#undef PLAN_FAULT_INDEX_
        PLAN_FAULT_COUNT
};
enum plan_fault {
#define PLAN_FAULT_BIT_(name, text) PLAN_##name = 1 << PLAN_INDEX_##name,
    PLAN_FAULTS(PLAN_FAULT_BIT_)
#undef PLAN_FAULT_BIT_
};
/* Those that can make a packet not arrive. */
#define PLAN_LOSSY                                                                                            \
    (PLAN_LOSS | PLAN_BURST | PLAN_CORRUPT | PLAN_DOWN | PLAN_ADDRESS | PLAN_NIC | PLAN_MEMORY | PLAN_QUEUE | \
     PLAN_BLACK_HOLE | PLAN_MOVE | PLAN_PARTITION)

enum plan_wire {
    PLAN_WIRE_RAW,      /* bare IP */
    PLAN_WIRE_STATIONS, /* a pipe with link addresses: ARP and NDP */
    PLAN_WIRE_ETHERNET, /* frames, with ARP and NDP */
    PLAN_WIRE_COUNT
};

/* What lies between the hosts. */
enum plan_net {
    PLAN_NET_PIPE,   /* two hosts, one wire */
    PLAN_NET_ROUTER, /* a port for each host, each a subnet of its own */
    PLAN_NET_SWITCH, /* frames, one subnet */
};

enum plan_host_kind { PLAN_HOST_OURS, PLAN_HOST_NAIVE, PLAN_HOST_HOSTILE };

struct plan_option {
    enum tcpip_option option;
    int64_t value;
};

struct plan_options {
    struct plan_option list[PLAN_OPTIONS_MAX];
    uint32_t count;
};

struct plan_host {
    uint8_t kind; /* enum plan_host_kind; without a stack, nothing but the MTU counts */
    uint32_t mtu; /* of its link, where not all have one */
    struct tcpip_limits limits;
    const char *limits_name, *congestion;
    struct plan_options defaults; /* stack-wide */
    tcpip_ns clock_tick_ns;       /* its clock moves in steps of this; 0: exact */
    tcpip_ns clock_offset;        /* how long it was up before */
    uint16_t port_first, port_last;
    bool split_listeners; /* one for IPv4, one for IPv6; else one for both */
    bool forwarder;       /* decides about SYNs for which there is no listener */
    int backlog;
    tcpip_ns accept_pause_ns;
};

/* How one end of a connection goes about ending it. */
enum plan_end {
    PLAN_END_SHUTDOWN, /* shutdown(write) when all is written, close after the peer's FIN */
    PLAN_END_PASSIVE,  /* waits for the peer's FIN, writes the rest, closes */
    PLAN_END_DONE,     /* closes when all is written and all is read */
    PLAN_END_CLOSE,    /* closes when all is written, whatever may come */
    PLAN_END_BOTH,     /* shutdown of both directions when all is written, then close */
    PLAN_END_NO_READ,  /* shutdown(read) at once; then as CLOSE */
    PLAN_END_UNREAD,   /* closes in the middle of everything */
    PLAN_END_RESET,    /* the same, with linger 0 */
    PLAN_END_COUNT
};

enum plan_write { PLAN_WRITE_COPY, PLAN_WRITE_GATHER, PLAN_WRITE_VIEW, PLAN_WRITE_MIXED };
enum plan_read { PLAN_READ_COPY, PLAN_READ_SCATTER, PLAN_READ_VIEWS, PLAN_READ_PEEK, PLAN_READ_MIXED };
/* How an end hears that it can go on. */
enum plan_wake {
    PLAN_WAKE_INSIDE, /* acts inside the waiter's callback */
    PLAN_WAKE_LATER,  /* the callback makes a note */
    PLAN_WAKE_READY,  /* asks tcpip_stack_ready */
};

struct plan_side {
    uint64_t total;                   /* bytes to write */
    uint32_t write_max, read_max;     /* bytes a call */
    tcpip_ns write_pause, read_pause; /* between calls; 0: as fast as it goes */
    tcpip_ns read_start;              /* reads nothing before, counted from the start of the connection */
    uint64_t end_after;               /* UNREAD, RESET: bytes read and written */
    uint32_t more_percent;            /* of writes say that more is coming */
    tcpip_ns fiddle_pause;            /* between changes of an option; 0: none */
    uint8_t end, write, read, wake;   /* enum plan_... */
    bool keepalive, may_time_out;     /* what its options lead to */
    const char *congestion;           /* NULL: the default */
    struct plan_options options;
};

enum plan_flow_kind {
    PLAN_FLOW_NORMAL,
    PLAN_FLOW_SIMULTANEOUS, /* both connect */
    PLAN_FLOW_NOBODY,       /* to a port that nobody listens on; then again, the same endpoint, to one that is open */
    PLAN_FLOW_CLOSING,      /* to a listener that closes */
    PLAN_FLOW_FORWARD,      /* to where the forwarder decides */
};
enum plan_family { PLAN_IPV4, PLAN_IPV6, PLAN_MAPPED };

struct plan_flow {
    uint8_t kind, family;
    uint8_t host[2]; /* of the connecting end, of the other: the same one, now and then */
    bool absent;     /* doesn't take part */
    bool bind_address, bind_port;
    bool fast_open; /* connects with its first write, if it can */
    tcpip_ns start_at;
    uint32_t request, response; /* 0: each end writes what it has; else in turns */
    struct plan_side side[2];
};

/* Datagrams from one host to the other, or to nobody. */
struct plan_gram {
    uint8_t family, from, to, read; /* enum plan_family, hosts, enum plan_read */
    bool connected, nobody;
    uint32_t count, bytes_max;
    tcpip_ns start_at, pause;
};

/* A connection to the hostile host. */
struct plan_victim {
    tcpip_ns at;
    uint8_t host, family;
};

enum plan_change_kind {
    PLAN_CHANGE_NONE, /* was cut out */
    PLAN_CHANGE_WEATHER,
    PLAN_CHANGE_ADDRESS_GONE,
    PLAN_CHANGE_ADDRESS_BACK,
    PLAN_CHANGE_NIC_DOWN,
    PLAN_CHANGE_NIC_UP,
    PLAN_CHANGE_MTU,
    PLAN_CHANGE_MEMORY, /* value: failing allocations in a million */
    PLAN_CHANGE_LISTENER,
    PLAN_CHANGE_MOVE,      /* the host is saved and restored; value: its clock is so many ms ahead then */
    PLAN_CHANGE_PARTITION, /* value: hosts on one side, by bits; 0: all together. host: 1 if one way only */
    PLAN_CHANGE_CALM,      /* no faults any more */
};
struct plan_change {
    tcpip_ns at;
    uint8_t kind, host, family;
    uint32_t value;
    struct tcpip_fault_profile line[2];
};

struct plan {
    uint64_t seed;
    uint32_t faults; /* enum plan_fault */
    uint8_t net;     /* enum plan_net */
    uint8_t wire;    /* enum plan_wire */
    bool net_speaks; /* the router says so when there is no way */
    uint32_t host_count;
    uint32_t hostile_packets; /* at most, unasked for or as answers; 0: nobody is hostile */
    struct plan_victim victims[PLAN_VICTIMS_MAX];
    uint32_t victim_count;
    bool fault_below; /* of Ethernet: frames are damaged, not packets */
    uint8_t fault_host;
    bool has_v6, dad;
    uint32_t mtu, wire_flags, gso_max_bytes, wire_queue;
    struct plan_host host[PLAN_HOSTS_MAX];
    struct plan_flow flows[PLAN_FLOWS_MAX];
    uint32_t flow_count;
    struct plan_gram grams[PLAN_GRAMS_MAX];
    uint32_t gram_count;
    bool bracket;                                 /* programs run inside tcpip_stack_enter and _leave */
    struct plan_change changes[PLAN_CHANGES_MAX]; /* in order of time */
    uint32_t change_count;
    tcpip_ns calm_at;                                   /* no faults from here on */
    struct tcpip_fault_profile path[PLAN_HOSTS_MAX][2]; /* each host's line in any weather */
};

/* `without`: faults that are off whatever the seed says. `two_hosts`: no more than those and a wire. */
void plan_make(struct plan *plan, uint64_t seed, uint32_t without, bool two_hosts);
/* plan_world.c: how many hosts, of which kinds, and what is between them; before anything else is drawn. */
void plan_shape(struct plan *plan, uint64_t seed);
/* The plan in words, each line behind "# ". */
void plan_print(const struct plan *plan);
const char *plan_fault_name(uint32_t index);
const char *plan_end_name(uint32_t end);

#endif
