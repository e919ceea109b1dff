// SPDX-License-Identifier: MIT
/* script.h: a packet script as it was parsed: options, then events in the order of the file.
 *
 * Everything hangs off one struct script and is freed with it. Sequence numbers, acknowledgments and timestamps are the
 * script's own, relative to where the script says the connection starts; flow.h maps them to those on the wire. */
#ifndef TCPIP_TESTS_SCRIPT_SCRIPT_H
#define TCPIP_TESTS_SCRIPT_SCRIPT_H

#include <tcpip/base.h>
#include <tcpip/option.h>

#define SCRIPT_SETS_MAX 16
#define SCRIPT_FLOWS_MAX 64
#define SCRIPT_DEPTH_MAX 4 /* of includes */

struct place {
    const char *file;
    int line;
};

/* ---- when ---- */

enum span {
    SPAN_EXACT,
    SPAN_RANGE,    /* +.1~+.2: at some time from the first to the second */
    SPAN_BLOCKING, /* +0...0.5: a call made at the first that returns at the second */
    SPAN_ANY,      /* *: whenever it comes */
};

struct when {
    enum span span;
    bool relative, end_relative; /* to the event before */
    tcpip_ns at, end;
};

/* ---- packets ---- */

enum packet_kind { PACKET_TCP, PACKET_UDP, PACKET_ICMP };

#define OPTION_BYTES_MAX 40
/* One TCP option as written. */
struct option_spec {
    enum option_kind {
        OPTION_MSS,
        OPTION_WSCALE,
        OPTION_SACK_OK,
        OPTION_SACK,
        OPTION_TS,
        OPTION_NOP,
        OPTION_EOL,
        OPTION_RAW, /* bytes as they are */
        OPTION_MD5, /* signed with the secret `value` (sign.h) */
        OPTION_AO,  /* likewise, by KeyID `value`; `echo`: RNextKeyID */
    } kind;
    uint32_t value;           /* mss, wscale; TS val */
    uint32_t echo;            /* TS ecr */
    bool any_value, any_echo; /* TS val * */
    bool bad;                 /* signed wrongly */
    uint8_t count;            /* sack blocks; raw bytes */
    uint8_t cookie;           /* raw: the last 8 bytes are the cookie under key 1 or 2 (script_fast_open_keys) */
    uint32_t sack[4][2];
    uint8_t raw[OPTION_BYTES_MAX];
};

/* What an ICMP message says, in either family. */
struct icmp_kind {
    const char *type, *code; /* as written in scripts */
    uint8_t v4_type, v4_code, v6_type, v6_code;
    bool has_mtu;
};

struct packet_spec {
    enum packet_kind kind;
    unsigned flow; /* #N, 0 if not said */
    /* IP */
    int ecn;           /* -1: not said */
    int tos, ttl;      /* -1: not said */
    int dont_fragment; /* -1: not said */
    bool bad_checksum; /* inbound: sent with a wrong transport checksum */
    /* TCP */
    uint16_t flags;
    bool has_sequence, has_ack, has_window, has_urgent;
    uint32_t sequence, ack;
    uint16_t window, urgent;
    bool any_options; /* <...> */
    unsigned option_count;
    struct option_spec options[12];
    /* all: of payload */
    uint32_t length;
    /* ICMP */
    const struct icmp_kind *icmp;
    uint32_t mtu;
    uint16_t id, echo_sequence;
    bool has_quote, quote_udp;
    uint32_t quote_sequence, quote_length;
};

/* ---- calls ---- */

enum expr_kind {
    EXPR_ELLIPSIS,
    EXPR_NUMBER,
    EXPR_STRING,
    EXPR_LIST,   /* [a, b] */
    EXPR_STRUCT, /* {key = a, b} */
};

struct expr {
    enum expr_kind kind;
    const char *key; /* in a struct; may be NULL */
    int64_t number;
    const char *text;
    struct expr *items; /* of lists and structs */
    size_t count;
};

struct call_spec {
    const char *name;
    struct expr arguments; /* a list */
    int64_t result;
    int error; /* errno, 0: none */
};

/* ---- conditions ---- */

struct condition {
    const char *name;
    const char *op; /* "==", "!=", "<", "<=", ">", ">=" */
    int64_t value;
};

struct assert_spec {
    int fd; /* -1: the youngest connection */
    struct condition *conditions;
    size_t count;
};

/* ---- the whole ---- */

enum event_kind { EVENT_INBOUND, EVENT_OUTBOUND, EVENT_CALL, EVENT_ASSERT, EVENT_QUIET };

struct event {
    struct place place;
    struct when when;
    enum event_kind kind;
    union {
        struct packet_spec packet;
        struct call_spec call;
        struct assert_spec assert;
    } as;
    struct event *next;
};

/* The addresses that a script's packets go between. */
enum ip_version { IP_V4 = 1, IP_V6 = 2, IP_V4_MAPPED = 4, IP_ALL = 7 };

enum forward_mode {
    FORWARD_NONE,
    FORWARD_ACCEPT,
    FORWARD_DEFER,
    FORWARD_RESET,
    FORWARD_DROP,
    FORWARD_NET_UNREACHABLE,
    FORWARD_HOST_UNREACHABLE,
    FORWARD_PORT_UNREACHABLE,
    FORWARD_PROHIBITED,
};

struct script {
    const char *path;
    unsigned ip_versions; /* bits of enum ip_version */
    uint32_t mtu;         /* 0: 1500, 1520 over IPv6 */
    tcpip_ns tolerance, tick;
    const char *local_ip, *remote_ip; /* NULL: the family's default */
    const char *congestion;           /* NULL: the library's default */
    uint16_t local_port, remote_port;
    enum forward_mode forward;
    struct {
        enum tcpip_option option;
        int64_t value;
    } sets[SCRIPT_SETS_MAX];
    unsigned set_count;
    struct {
        size_t offset, size; /* of a field of struct tcpip_limits */
        uint64_t value;
    } limits[SCRIPT_SETS_MAX];
    unsigned limit_count;
    struct {
        uint16_t remote_port, local_port; /* 0: by default */
    } flows[SCRIPT_FLOWS_MAX];
    const char *fails; /* must-fail scripts: what the failure says */
    struct event *events, *last;
    struct arena *arena;
};

#endif
