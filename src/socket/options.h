// SPDX-License-Identifier: MIT
/* options.h: socket options, between their tables (options_*.c) and whoever asks what was chosen. */
#ifndef TCPIP_SRC_SOCKET_OPTIONS_H
#define TCPIP_SRC_SOCKET_OPTIONS_H

#include <stdint.h>
#include <sys/socket.h>
#include <tcpip/base.h>
#include <tcpip/option.h>

struct socket;
struct tcpip_sockets;

/* What the core has no option for, or not in every protocol: kept here, as the kernel keeps it. X(NAME, default). */
#define SOCKET_KEPT(X)                                                      \
    /* SOL_SOCKET */                                                        \
    X(DEBUG, 0)                                                             \
    X(DONTROUTE, 0)                                                         \
    X(BROADCAST, 0)                                                         \
    X(KEEPALIVE, 0)                                                         \
    X(OOBINLINE, 0)                                                         \
    X(NO_CHECK, 0)                                                          \
    X(REUSEADDR, 0)                                                         \
    X(REUSEPORT, 0)                                                         \
    X(RCVLOWAT, 1)                                                          \
    X(TIMESTAMP_KIND, 0) /* enum socket_timestamp_kind */                   \
    X(TIMESTAMPING, 0)   /* SOF_TIMESTAMPING_* */                           \
    X(TIMESTAMPING_NEW, 0)                                                  \
    X(TIMESTAMPING_FROM, 0) /* where SOF_TIMESTAMPING_OPT_ID counts from */ \
    X(MARK, 0)                                                              \
    X(RXQ_OVFL, 0)                                                          \
    X(WIFI_STATUS, 0)                                                       \
    X(PEEK_OFF, -1)                                                         \
    X(NOFCS, 0)                                                             \
    X(LOCK_FILTER, 0)                                                       \
    X(SELECT_ERR_QUEUE, 0)                                                  \
    X(BUSY_POLL, 0)                                                         \
    X(BOUND_NIC, 0)                                                         \
    X(INCOMING_CPU, -1)                                                     \
    X(ZEROCOPY, 0)                                                          \
    X(TXTIME_CLOCK, 0)                                                      \
    X(TXTIME_FLAGS, 0)                                                      \
    X(PREFER_BUSY_POLL, 0)                                                  \
    X(BUF_LOCK, 0)                                                          \
    X(SNDBUF, 0) /* as told to who asks; 0: twice the core's */             \
    X(RCVBUF, 0)                                                            \
    X(TXREHASH, 1)                                                          \
    X(RCVMARK, 0)                                                           \
    X(RCVPRIORITY, 0)                                                       \
    X(PASSCRED, 0)                                                          \
    X(PASSSEC, 0)                                                           \
    X(PASSPIDFD, 0)                                                         \
    X(PASSRIGHTS, 1)                                                        \
    /* IPPROTO_IP */                                                        \
    X(TOS, 0)                                                               \
    X(RECVOPTS, 0)                                                          \
    X(RETOPTS, 0)                                                           \
    X(PKTINFO, 0)                                                           \
    X(MTU_DISCOVER, 1)                                                      \
    X(RECVERR, 0)                                                           \
    X(RECVTTL, 0)                                                           \
    X(RECVTOS, 0)                                                           \
    X(FREEBIND, 0)                                                          \
    X(TRANSPARENT, 0)                                                       \
    X(INET_PASSSEC, 0)                                                      \
    X(ORIGDSTADDR, 0)                                                       \
    X(MINTTL, 0)                                                            \
    X(CHECKSUM, 0)                                                          \
    X(BIND_NO_PORT, 0)                                                      \
    X(RECVFRAGSIZE, 0)                                                      \
    X(RECVERR_RFC4884, 0)                                                   \
    X(MULTICAST_ADDRESS, 0) /* in_addr of IP_MULTICAST_IF */                \
    X(MULTICAST_TTL, 1)                                                     \
    X(MULTICAST_LOOP, 1)                                                    \
    X(MULTICAST_ALL, 1)                                                     \
    X(UNICAST_IF, 0)                                                        \
    X(PORT_RANGE, 0)                                                        \
    /* IPPROTO_IPV6 */                                                      \
    X(V6_TCLASS, 0)                                                         \
    X(V6_HOPS, -1)                                                          \
    X(V6_MULTICAST_IF, 0)                                                   \
    X(V6_MULTICAST_HOPS, 1)                                                 \
    X(V6_MULTICAST_LOOP, 1)                                                 \
    X(V6_MULTICAST_ALL, 1)                                                  \
    X(V6_MTU_DISCOVER, 1)                                                   \
    X(V6_RECVERR, 0)                                                        \
    X(V6_RECVERR_RFC4884, 0)                                                \
    X(V6_RECVPKTINFO, 0)                                                    \
    X(V6_RECVHOPLIMIT, 0)                                                   \
    X(V6_RECVTCLASS, 0)                                                     \
    X(V6_2292PKTINFO, 0)                                                    \
    X(V6_2292HOPLIMIT, 0)                                                   \
    X(V6_2292HOPOPTS, 0)                                                    \
    X(V6_2292DSTOPTS, 0)                                                    \
    X(V6_2292RTHDR, 0)                                                      \
    X(V6_RECVHOPOPTS, 0)                                                    \
    X(V6_RECVDSTOPTS, 0)                                                    \
    X(V6_RECVRTHDR, 0)                                                      \
    X(V6_RECVPATHMTU, 0)                                                    \
    X(V6_RECVFRAGSIZE, 0)                                                   \
    X(V6_RECVORIGDST, 0)                                                    \
    X(V6_FLOWINFO, 0)                                                       \
    X(V6_FLOWINFO_SEND, 0)                                                  \
    X(V6_ROUTER_ALERT_ISOLATE, 0)                                           \
    X(V6_DONTFRAG, 0)                                                       \
    X(V6_AUTOFLOWLABEL, 1)                                                  \
    X(V6_ADDR_PREFERENCES, 0)                                               \
    X(V6_MINHOPCOUNT, 0)                                                    \
    X(V6_UNICAST_IF, 0)                                                     \
    /* IPPROTO_TCP */                                                       \
    X(TCP_INQ, 0)                                                           \
    X(TCP_NOTSENT_LOWAT, 0)                                                 \
    X(TCP_TX_DELAY, 0)                                                      \
    /* IPPROTO_UDP */                                                       \
    X(UDP_SEGMENT, 0)                                                       \
    X(UDP_GRO, 0)                                                           \
    X(UDP_NO_CHECK6_TX, 0)                                                  \
    X(UDP_NO_CHECK6_RX, 0)

enum socket_kept {
#define SOCKET_KEPT_ENUM_(name, initial) KEPT_##name,
    SOCKET_KEPT(SOCKET_KEPT_ENUM_)
#undef SOCKET_KEPT_ENUM_
        KEPT_COUNT
};

/* Which of the four options of SO_TIMESTAMP was set last. */
enum socket_timestamp_kind {
    SOCKET_TIMESTAMP_OFF,
    SOCKET_TIMESTAMP_OLD,
    SOCKET_TIMESTAMPNS_OLD,
    SOCKET_TIMESTAMP_NEW,
    SOCKET_TIMESTAMPNS_NEW,
};

/* In every socket. Zeroed: nothing set. */
struct socket_options {
    int32_t *kept;            /* [KEPT_COUNT]; NULL: all defaults */
    uint64_t max_pacing_rate; /* as it was set; 0: never */
    uint32_t linger_s;        /* the last one, kept when lingering is off */
};

/* The value of a kept option. */
int32_t tcpip__socket_kept(const struct socket_options *options, enum socket_kept which);
/* False: out of memory. */
bool tcpip__socket_keep(struct tcpip_sockets *sockets, struct socket_options *options, enum socket_kept which,
                        int32_t value);
/* What an accepted socket has from its listener, as Linux: everything. False: out of memory. */
bool tcpip__socket_options_inherit(struct tcpip_sockets *sockets, struct socket_options *options,
                                   const struct socket_options *listener);
void tcpip__socket_options_fini(struct tcpip_sockets *sockets, struct socket_options *options);

/* setsockopt and getsockopt of an open socket, lock held: 0 or errno. */
int tcpip__socket_set_option(struct tcpip_sockets *sockets, struct socket *socket, int level, int name,
                             const void *value, socklen_t length);
int tcpip__socket_get_option(struct tcpip_sockets *sockets, struct socket *socket, int level, int name, void *value,
                             socklen_t *length);

#endif
