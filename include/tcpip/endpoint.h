// SPDX-License-Identifier: MIT
/* endpoint.h: what applications call. One shape for every protocol; docs/endpoint-semantics.md has the answers call by
 * call.
 *
 * No call blocks. Every call is an entry of the endpoint's stack (one thread at a time), and waiters may run before it
 * returns; from inside a turn it joins that. A call returns data or an error, never both: with an error, *done is 0.
 * Beside the errors named, any call that needs memory may say NO_MEMORY or NO_BUFFER_SPACE. */
#ifndef TCPIP_ENDPOINT_H
#define TCPIP_ENDPOINT_H

#include <tcpip/address.h>
#include <tcpip/buffer.h>
#include <tcpip/error.h>
#include <tcpip/option.h>
#include <tcpip/waiter.h>

TCPIP_BEGIN_DECLS

struct tcpip_stack;
struct tcpip_endpoint;

enum tcpip_shutdown {
    TCPIP_SHUTDOWN_READ = 1,
    TCPIP_SHUTDOWN_WRITE = 2,
};

/* What came, or is to go, with a datagram, or came with the bytes of a stream. Fields count only if their bit is in
 * `present`. */
struct tcpip_control {
    uint32_t present; /* TCPIP_CONTROL_... */
    uint8_t ttl, tos;
    struct {
        uint32_t nic;
        struct tcpip_address address; /* in: destination of the packet; out: source to use */
    } packet_info;
    uint32_t mark;        /* out: the packet's, in the place of the option's */
    tcpip_ns received_at; /* monotonic; of a stream: the packet that brought the last of the bytes */
};
#define TCPIP_CONTROL_TTL 1u
#define TCPIP_CONTROL_TOS 2u
#define TCPIP_CONTROL_PACKET_INFO 4u
#define TCPIP_CONTROL_TIMESTAMP 8u
#define TCPIP_CONTROL_MARK 32u
#define TCPIP_CONTROL_TRUNCATED 16u /* in: the datagram was longer than the room given */

struct tcpip_io {
    uint8_t *data;
    size_t size;
};

/* A new endpoint of a registered transport protocol (TCPIP_PROTOCOL_TCP, ...) over a registered network protocol
 * (TCPIP_PROTOCOL_IPV4 or _IPV6; an IPv6 endpoint speaks IPv4 too unless V6_ONLY). UNKNOWN_PROTOCOL; NO_BUFFER_SPACE:
 * the limit of endpoints; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_stack_new_endpoint(struct tcpip_stack *stack, uint32_t transport,
                                                                   uint32_t network, struct tcpip_endpoint **out);

/* Frees the endpoint: detached at once, none of its waiters runs afterwards, the pointer is gone. TCP goes on in the
 * background: FIN after queued data; RST when unread data is lost or linger is on with 0; a listener resets what was
 * not accepted. */
TCPIP_API void tcpip_endpoint_close(struct tcpip_endpoint *endpoint);

/* `commit` (may be NULL) runs after the reservation and before it is visible; its error is returned and the bind
 * undone. It must not enter the stack. ALREADY_BOUND (TCP), INVALID_ENDPOINT_STATE (others), BAD_LOCAL_ADDRESS,
 * PORT_IN_USE, NO_PORT_AVAILABLE, UNKNOWN_NIC_ID, ADDRESS_FAMILY_NOT_SUPPORTED, INVALID_ARGUMENT (a mapped address
 * under V6_ONLY). */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_bind(struct tcpip_endpoint *endpoint,
                                                              const struct tcpip_full_address *address,
                                                              enum tcpip_error (*commit)(void *ctx), void *ctx);
/* TCP: CONNECT_STARTED, the outcome comes when it turns writable, through the ERROR option; ALREADY_CONNECTING,
 * ALREADY_CONNECTED, or how the last attempt failed, once; NO_ROUTE, NETWORK_UNREACHABLE, NO_PORT_AVAILABLE,
 * ADDRESS_FAMILY_NOT_SUPPORTED. With FAST_OPEN_CONNECT and a cookie known, OK: nothing is sent before the first write,
 * and it is writable meanwhile. Datagrams: immediate. An address of length 0 disconnects: TCP resets the connection, or
 * stops to listen, and the endpoint may be used again. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_connect(struct tcpip_endpoint *endpoint,
                                                                 const struct tcpip_full_address *address);
/* For unix endpoints (unix.h), with tcpip_unix_connect's errors; INVALID_ENDPOINT_STATE for the others. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_connect_endpoint(struct tcpip_endpoint *endpoint,
                                                                          struct tcpip_endpoint *server);
/* INVALID_ENDPOINT_STATE, PORT_IN_USE, NO_PORT_AVAILABLE, NOT_SUPPORTED (not TCP). backlog < 0 counts as the maximum.
 */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_listen(struct tcpip_endpoint *endpoint, int backlog);
/* A connected endpoint, now the caller's; `peer` may be NULL. WOULD_BLOCK, INVALID_ENDPOINT_STATE, NOT_SUPPORTED. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_endpoint_accept(struct tcpip_endpoint *endpoint, struct tcpip_endpoint **out, struct tcpip_full_address *peer);
/* Copies out up to `size` bytes (TCP), or one datagram (the rest of it is lost). `from` may be NULL. WOULD_BLOCK,
 * CLOSED_FOR_RECEIVE, NOT_CONNECTED, CONNECTION_RESET, ... */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_read(struct tcpip_endpoint *endpoint, void *out, size_t size,
                                                              size_t *done, struct tcpip_full_address *from);
/* The same, scattered, with what came beside the data; `from` and `control` may be NULL. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_recvmsg(struct tcpip_endpoint *endpoint,
                                                                 const struct tcpip_io *io, size_t io_count,
                                                                 size_t *done, struct tcpip_full_address *from,
                                                                 struct tcpip_control *control);
/* Lends received data without copying: fills up to `*count` views, each with a reference that the caller gives back
 * with tcpip_buffer_unref (also after close; before the stack is freed), at most `max_bytes` in all. The bytes are
 * consumed. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_read_views(struct tcpip_endpoint *endpoint,
                                                                    struct tcpip_view *views, size_t *count,
                                                                    size_t max_bytes, size_t *done,
                                                                    struct tcpip_full_address *from);

#define TCPIP_WRITE_MORE 1u /* more is coming: hold back a partial segment (UDP: the datagram, for more of it) */
/* TCP: the urgent pointer goes behind these bytes, which travel in line with the others, and neither Nagle nor a cork
 * holds them back (RFC 9293 3.8.5). Of use for telnet; new protocols shouldn't (RFC 6093). */
#define TCPIP_WRITE_URGENT 16u
#define TCPIP_WRITE_END_OF_RECORD 2u /* don't merge with what follows */
/* tcpip_endpoint_read_error tells when the last byte of this call was given to the network, left it, and was
 * acknowledged (TCP). */
#define TCPIP_WRITE_STAMP_SCHEDULED 0x100u
#define TCPIP_WRITE_STAMP_SENT 0x200u
#define TCPIP_WRITE_STAMP_ACKED 0x400u
/* TCP, UDP: the bytes stay where they are, and must stay as they are, until tcpip_endpoint_read_error tells of this
 * call (TCPIP_ERROR_FROM_COPY): acknowledged or given up, and no packet refers to them any more. They are copied, and
 * the record says so, where they stay on this host, in a SYN, and after close, which waits for nothing.
 * NO_BUFFER_SPACE: too many calls are not told yet. */
#define TCPIP_WRITE_ZERO_COPY 0x800u
/* TCP: connects to `to` as well, and what a SYN can take of the data goes with it (RFC 7413): OK, and *done says how
 * much. CONNECT_STARTED and nothing taken: no cookie is known yet, or there are no data; the SYN asks for one, and the
 * write is to be made again when it turns writable. ALREADY_CONNECTING, ALREADY_CONNECTED; NOT_SUPPORTED:
 * FAST_OPEN_MODE lacks CLIENT; INVALID_ARGUMENT: no `to`; otherwise the errors of connect. */
#define TCPIP_WRITE_FAST_OPEN 4u
/* TCP: the caller will wait until all is written, and say the same flags again with what was not taken. While the
 * handshake lasts, its last ACK may then wait for the data; stamps count with the last piece only, and ZERO_COPY tells
 * of all pieces as one call. */
#define TCPIP_WRITE_WAITS 8u
/* Copies in what fits and says how much. `to` may be NULL. WOULD_BLOCK, CLOSED_FOR_SEND, DESTINATION_REQUIRED,
 * MESSAGE_TOO_LONG, NO_ROUTE, ... */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_write(struct tcpip_endpoint *endpoint, const void *data,
                                                               size_t size, uint32_t flags,
                                                               const struct tcpip_full_address *to, size_t *done);
/* The same, gathered, with control; nothing of the arguments is taken on error. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_sendmsg(struct tcpip_endpoint *endpoint,
                                                                 const struct tcpip_io *io, size_t io_count,
                                                                 uint32_t flags, const struct tcpip_full_address *to,
                                                                 const struct tcpip_control *control, size_t *done);
/* Sends `view` without copying, all or nothing: on success the library holds its own reference on the buffer until the
 * bytes were acknowledged (TCP) or sent. WOULD_BLOCK when it doesn't fit now; MESSAGE_TOO_LONG when it never will. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_write_view(struct tcpip_endpoint *endpoint,
                                                                    const struct tcpip_view *view, uint32_t flags,
                                                                    const struct tcpip_full_address *to);
/* Hands pending data to `writer` piece by piece without consuming it (the first datagram; all queued TCP bytes) until
 * it returns false. The writer must not enter the stack. Same errors as read. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_peek(struct tcpip_endpoint *endpoint,
                                                              bool (*writer)(void *ctx, const void *data, size_t size),
                                                              void *ctx, size_t *done);
/* What is told beside the data, oldest first. */
enum tcpip_error_origin {
    TCPIP_ERROR_FROM_ICMP, /* with RECEIVE_ERROR: an ICMP error about a datagram of this endpoint */
    TCPIP_ERROR_FROM_ICMPV6,
    TCPIP_ERROR_FROM_HERE,       /* with RECEIVE_ERROR: MESSAGE_TOO_LONG of a send; info: the MTU */
    TCPIP_ERROR_FROM_SCHEDULING, /* TCPIP_WRITE_STAMP_SCHEDULED */
    TCPIP_ERROR_FROM_SENDING,
    TCPIP_ERROR_FROM_ACKNOWLEDGMENT,
    TCPIP_ERROR_FROM_COPY, /* TCPIP_WRITE_ZERO_COPY */
};
struct tcpip_error_record {
    enum tcpip_error_origin origin;
    enum tcpip_error error; /* ICMP and HERE; else OK */
    uint8_t type, code;     /* of ICMP */
    bool copied;            /* COPY: at least some of the bytes were */
    uint32_t info;          /* MTU of a packet that was too big; ICMPv6 parameter problem: the pointer */
    /* Stamps: the number of the byte, counted from 0 at the beginning of the stream (datagrams: of the stamped
     * datagram). COPY: the first and the last call told of, counted from 0. */
    uint64_t first, last;
    tcpip_ns at;                                /* when it happened */
    struct tcpip_full_address remote, offender; /* ICMP: where the datagram was going, and who objects */
    size_t payload_bytes;                       /* that there were: of the datagram, without its transport header */
};
/* Takes the oldest record; `payload` gets up to `size` bytes of what it quotes. An endpoint that has one is ready for
 * ERR. Reading an ICMP error also ends it as the ERROR option's value, which is then that of the next. WOULD_BLOCK. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_endpoint_read_error(struct tcpip_endpoint *endpoint, struct tcpip_error_record *out, void *payload, size_t size);
/* As tcpip_endpoint_recvmsg, but the datagram stays for the next one. NOT_SUPPORTED: not a datagram endpoint. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_peekmsg(struct tcpip_endpoint *endpoint,
                                                                 const struct tcpip_io *io, size_t io_count,
                                                                 size_t *done, struct tcpip_full_address *from,
                                                                 struct tcpip_control *control);
/* flags: enum tcpip_shutdown, else INVALID_ARGUMENT. NOT_CONNECTED. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags);
/* Bound or chosen address, else unspecified and port 0. Never fails. */
TCPIP_API void tcpip_endpoint_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out);
/* NOT_CONNECTED. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_remote_address(const struct tcpip_endpoint *endpoint,
                                                                        struct tcpip_full_address *out);
/* Which of `mask` (and ERR, HUP) hold now. */
TCPIP_API uint32_t tcpip_endpoint_readiness(const struct tcpip_endpoint *endpoint, uint32_t mask);
/* UNKNOWN_PROTOCOL_OPTION, INVALID_OPTION_VALUE, INVALID_ENDPOINT_STATE. Sizes are clamped, not refused. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_set_option(struct tcpip_endpoint *endpoint,
                                                                    enum tcpip_option option, int64_t value);
/* UNKNOWN_PROTOCOL_OPTION. ERROR: the value is an enum tcpip_error. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_get_option(struct tcpip_endpoint *endpoint,
                                                                    enum tcpip_option option, int64_t *value);
/* Registers; zeroed waiter, mask and fn set. A waiter is on one endpoint at a time. What is ready already isn't told:
 * check readiness after registering. */
TCPIP_API void tcpip_endpoint_waiter_add(struct tcpip_endpoint *endpoint, struct tcpip_waiter *waiter);
/* It doesn't run afterwards; also from its own callback. Nothing if it isn't registered. */
TCPIP_API void tcpip_endpoint_waiter_remove(struct tcpip_endpoint *endpoint, struct tcpip_waiter *waiter);
/* A pointer of the caller's, kept with the endpoint; NULL at first. */
TCPIP_API void tcpip_endpoint_set_context(struct tcpip_endpoint *endpoint, void *context);
/* What was set last. */
TCPIP_API void *tcpip_endpoint_context(const struct tcpip_endpoint *endpoint);
/* The stack that it was made in. */
TCPIP_API struct tcpip_stack *tcpip_endpoint_stack(const struct tcpip_endpoint *endpoint);

/* Multicast membership of datagram endpoints, from any source; nic 0: by route. It ends with the endpoint. BAD_ADDRESS:
 * not multicast; ADDRESS_FAMILY_NOT_SUPPORTED; DUPLICATE_ADDRESS: joined already; LIMIT_REACHED; NO_MEMORY;
 * UNKNOWN_NIC_ID, NO_ROUTE; NOT_SUPPORTED: not a datagram endpoint. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_join_group(struct tcpip_endpoint *endpoint, uint32_t nic,
                                                                    const struct tcpip_address *group);
/* nic 0: whichever it was joined on. BAD_LOCAL_ADDRESS: it wasn't joined. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_leave_group(struct tcpip_endpoint *endpoint, uint32_t nic,
                                                                     const struct tcpip_address *group);

/* A packet that looks for one of a group: endpoints that share an address and a port by REUSE_PORT. */
struct tcpip_steering {
    struct tcpip_full_address local, remote;
    uint32_t nic, queue; /* that it came through; tcpip_nic_options.queue */
    uint64_t hash;       /* of addresses and ports, under a key of the stack's */
    uint32_t members;
};
/* Chooses, of the whole group, who takes what begins a flow (a SYN, a datagram of nobody connected): `choose` answers
 * from 0 on, in the order in which the members were bound, or began to listen; any other number leaves it to
 * INCOMING_QUEUE and the hash. It runs inside a turn and must not enter the stack. NULL ends it, and so does the end of
 * this endpoint's listening. INVALID_ENDPOINT_STATE: not listening (TCP), not bound or connected (datagrams);
 * NOT_SUPPORTED. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_endpoint_set_steering(struct tcpip_endpoint *endpoint,
                            uint32_t (*choose)(void *ctx, const struct tcpip_steering *packet), void *ctx);

/* ---- TCP ---- */

/* RFC 9293 3.3.2; the reference's Initial and Bound are CLOSED here. */
enum tcpip_tcp_state {
    TCPIP_TCP_CLOSED,
    TCPIP_TCP_LISTEN,
    TCPIP_TCP_SYN_SENT,
    TCPIP_TCP_SYN_RECEIVED,
    TCPIP_TCP_ESTABLISHED,
    TCPIP_TCP_FIN_WAIT_1,
    TCPIP_TCP_FIN_WAIT_2,
    TCPIP_TCP_CLOSE_WAIT,
    TCPIP_TCP_CLOSING,
    TCPIP_TCP_LAST_ACK,
    TCPIP_TCP_TIME_WAIT,
    TCPIP_TCP_STATE_COUNT
};
TCPIP_API const char *tcpip_tcp_state_name(enum tcpip_tcp_state state); /* "SYN-SENT" */

enum tcpip_tcp_recovery_state { /* Linux's tcpi_ca_state */
                                TCPIP_TCP_OPEN,
                                TCPIP_TCP_DISORDER,
                                TCPIP_TCP_CWR_STATE, /* not TCPIP_TCP_CWR, the flag */
                                TCPIP_TCP_RECOVERY,
                                TCPIP_TCP_LOSS,
};

enum tcpip_tcp_fast_open_fail { /* Linux's tcpi_fastopen_client_fail: why the SYN's data didn't arrive with it */
                                TCPIP_FAST_OPEN_FAIL_NONE,
                                TCPIP_FAST_OPEN_FAIL_NO_COOKIE,
                                TCPIP_FAST_OPEN_FAIL_NOT_ACKED,
                                TCPIP_FAST_OPEN_FAIL_SYN_LOST,
};

struct tcpip_tcp_info {
    size_t size; /* in: sizeof(struct tcpip_tcp_info) */
    enum tcpip_tcp_state state;
    enum tcpip_tcp_recovery_state recovery_state;
    bool timestamps, sack, window_scaling;
    uint8_t snd_wscale, rcv_wscale, retransmits, probes, backoff;
    tcpip_ns rto_ns, ato_ns, srtt_ns, rttvar_ns, min_rtt_ns, rcv_rtt_ns;
    uint32_t snd_mss, rcv_mss, advertised_mss, path_mtu;
    uint32_t cwnd_bytes, ssthresh_bytes, in_flight_bytes, lost_bytes, retransmitting_bytes, sacked_bytes;
    uint32_t snd_wnd, rcv_wnd, not_sent_bytes, rcv_space_bytes;
    tcpip_ns last_data_sent_ns, last_data_received_ns, last_ack_received_ns; /* ago */
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    uint64_t segments_out, segments_in, data_segments_out, data_segments_in;
    uint64_t pacing_rate, delivery_rate; /* bytes per second */
    uint32_t total_retransmits, dsack_duplicates, out_of_order_packets;
    uint32_t reordering_seen; /* ACKs that told of it */
    uint32_t reordering;      /* segments that may overtake one another; at least 3 */
    tcpip_ns busy_ns, rwnd_limited_ns, sndbuf_limited_ns;
    bool syn_data_acked;  /* data on the SYN were acknowledged with it, or taken from the peer's */
    bool fast_open_child; /* accepted before its handshake was done */
    enum tcpip_tcp_fast_open_fail fast_open_fail;
    bool ecn, accurate_ecn;                         /* RFC 3168 (or DCTCP's), RFC 9768 */
    uint32_t received_ce, delivered_ce;             /* packets; accurate only: as counted here, as the peer says */
    uint64_t received_ce_bytes, delivered_ce_bytes; /* modulo 2^32, 2^24 */
    uint32_t unacked_bytes;                         /* sent and not acknowledged, SACKed or not */
    uint32_t accept_queue, accept_backlog; /* of a listener: established and not accepted; how many there may be */
    bool accepted;                         /* the peer has opened it */
    bool delivery_rate_app_limited;        /* the application had less to send than the path takes; or it isn't known */
    uint64_t max_pacing_rate;              /* the option; 0: none */
    /* Retransmission timeouts, of SYNs too; how often one came that wasn't preceded by another, and the time from there
     * to the next progress, in all. Counts end at 65535. */
    uint32_t timeouts, timeout_episodes;
    tcpip_ns timeout_ns;
    uint64_t received_ect0_bytes, received_ect1_bytes;      /* accurate only: payload that came with these marks, */
    uint64_t delivered_ect0_bytes;                          /* and what the peer says came of ours; modulo 2^24 */
    bool accurate_ecn_option_seen, accurate_ecn_option_bad; /* the path lets the option through; or writes zeros */
    bool accurate_ecn_flags_bad;                            /* or changes flags or marks: no data are marked */
};
/* NOT_SUPPORTED: not TCP. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_tcp_info(const struct tcpip_endpoint *endpoint,
                                                                  struct tcpip_tcp_info *out);

/* Forgets what was learned of servers: cookies, sizes, losses; and ends all pauses. For moves to another network. */
TCPIP_API void tcpip_tcp_forget_fast_open(struct tcpip_stack *stack);
/* Where the peer's urgent pointer stands, and what a reader can learn of it (RFC 9293 3.8.5). */
struct tcpip_urgent {
    uint32_t before; /* bytes to be read before the last urgent byte */
    bool here;       /* it has come: readiness has PRI */
    bool taken;      /* tcpip_endpoint_urgent_taken was called */
    bool stale;      /* the next byte to read is one where the mark was before it moved on */
    uint8_t byte;    /* here, taken: itself; it is in line, too */
};
/* False: no pointer came, or what it points to was read, or it isn't TCP. PRI is heard when a pointer comes or moves
 * on, and when its byte is here. */
TCPIP_API bool tcpip_endpoint_urgent(const struct tcpip_endpoint *endpoint, struct tcpip_urgent *out);
/* The byte was read out of band, and PRI is over; it stays in line. Nothing if it isn't here. */
TCPIP_API void tcpip_endpoint_urgent_taken(struct tcpip_endpoint *endpoint);

/* The headers of the SYN that an accepted endpoint came with, from the network header on, if its listener had SAVE_SYN;
 * once. *done: their bytes, 0: none are kept (any more). MESSAGE_TOO_LONG: more than `size`, *done says how many;
 * NOT_SUPPORTED: not TCP. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_endpoint_saved_syn(struct tcpip_endpoint *endpoint, void *out,
                                                                   size_t size, size_t *done);

#define TCPIP_TCP_FAST_OPEN_KEY_BYTES 16
/* The key of the stack's Fast Open cookies, and an older one whose cookies are still taken, or NULL. Servers behind one
 * address share them. Without this call the key is the stack's own, drawn when it was made. */
TCPIP_API void tcpip_tcp_set_fast_open_key(struct tcpip_stack *stack, const uint8_t *primary, const uint8_t *backup);
/* Returns how many keys there are, 1 or 2; `keys` has room for both. */
TCPIP_API unsigned tcpip_tcp_fast_open_key(struct tcpip_stack *stack, uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES]);
/* The same of one endpoint, for what it will accept. NOT_SUPPORTED: not TCP; INVALID_ENDPOINT_STATE: connected. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error
tcpip_endpoint_set_fast_open_key(struct tcpip_endpoint *endpoint, const uint8_t *primary, const uint8_t *backup);
/* The stack's, if it has none of its own. 0: not TCP. */
TCPIP_API unsigned tcpip_endpoint_fast_open_key(const struct tcpip_endpoint *endpoint,
                                                uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES]);

TCPIP_END_DECLS

#endif
