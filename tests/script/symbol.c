// SPDX-License-Identifier: MIT
/* symbol.c: names to numbers. The numbers are this machine's own, from its headers; nothing depends on them but that
 * they differ. */
#include "symbol.h"

#include <tcpip/endpoint.h>
#include <tcpip/forward.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

#define SYMBOL(name) \
    {                \
#name, name  \
    }

static const struct symbol {
    const char *name;
    int64_t value;
} symbols[] = {
    SYMBOL(AF_INET),
    SYMBOL(AF_INET6),
    SYMBOL(PF_INET),
    SYMBOL(PF_INET6),
    SYMBOL(SOCK_STREAM),
    SYMBOL(SOCK_DGRAM),
    SYMBOL(SOCK_NONBLOCK),
    SYMBOL(SOCK_CLOEXEC),
    SYMBOL(IPPROTO_IP),
    SYMBOL(IPPROTO_IPV6),
    SYMBOL(IPPROTO_TCP),
    SYMBOL(IPPROTO_UDP),
    SYMBOL(IPPROTO_ICMP),
    SYMBOL(IPPROTO_ICMPV6),
    SYMBOL(SOL_SOCKET),
    SYMBOL(SOL_IP),
    SYMBOL(SOL_IPV6),
    SYMBOL(SOL_TCP),
    SYMBOL(SO_REUSEADDR),
    SYMBOL(SO_REUSEPORT),
    SYMBOL(SO_SNDBUF),
    SYMBOL(SO_RCVBUF),
    SYMBOL(SO_RCVLOWAT),
    SYMBOL(SO_LINGER),
    SYMBOL(SO_ERROR),
    SYMBOL(SO_KEEPALIVE),
    SYMBOL(SO_BROADCAST),
    SYMBOL(IP_TOS),
    SYMBOL(IP_TTL),
    SYMBOL(IP_RECVERR),
    SYMBOL(IP_MTU),
    SYMBOL(IP_MTU_DISCOVER),
    SYMBOL(IP_PMTUDISC_DONT),
    SYMBOL(IP_PMTUDISC_WANT),
    SYMBOL(IP_PMTUDISC_DO),
    SYMBOL(IPV6_V6ONLY),
    SYMBOL(TCP_NODELAY),
    SYMBOL(TCP_CORK),
    SYMBOL(TCP_MAXSEG),
    SYMBOL(TCP_USER_TIMEOUT),
    SYMBOL(TCP_QUICKACK),
    SYMBOL(TCP_KEEPIDLE),
    SYMBOL(TCP_KEEPINTVL),
    SYMBOL(TCP_KEEPCNT),
    SYMBOL(TCP_SYNCNT),
    SYMBOL(TCP_LINGER2),
    SYMBOL(TCP_DEFER_ACCEPT),
    SYMBOL(TCP_WINDOW_CLAMP),
    SYMBOL(TCP_NOTSENT_LOWAT),
    SYMBOL(TCP_MD5SIG),
    SYMBOL(TCP_REPAIR),
    SYMBOL(TCP_REPAIR_QUEUE),
    SYMBOL(TCP_QUEUE_SEQ),
    SYMBOL(TCP_REPAIR_OPTIONS),
    SYMBOL(TCP_REPAIR_WINDOW),
    SYMBOL(TCP_TIMESTAMP),
    SYMBOL(TCP_RECV_QUEUE),
    SYMBOL(TCP_SEND_QUEUE),
    {"TCP_AO_ADD_KEY", SCRIPT_AO_ADD_KEY},
    {"TCP_AO_DEL_KEY", SCRIPT_AO_DEL_KEY},
    {"TCP_AO_INFO", SCRIPT_AO_INFO},
    SYMBOL(TCP_FASTOPEN),
    SYMBOL(TCP_FASTOPEN_CONNECT),
    SYMBOL(TCP_FASTOPEN_KEY),
    SYMBOL(TCP_FASTOPEN_NO_COOKIE),
    SYMBOL(F_GETFL),
    SYMBOL(F_SETFL),
    SYMBOL(O_RDWR),
    SYMBOL(O_NONBLOCK),
    SYMBOL(SHUT_RD),
    SYMBOL(SHUT_WR),
    SYMBOL(SHUT_RDWR),
    SYMBOL(MSG_DONTWAIT),
    SYMBOL(MSG_MORE),
    SYMBOL(MSG_EOR),
    SYMBOL(MSG_FASTOPEN),
    SYMBOL(MSG_PEEK),
    SYMBOL(MSG_NOSIGNAL),
    SYMBOL(MSG_TRUNC),
    SYMBOL(MSG_OOB),
    SYMBOL(MSG_ERRQUEUE),
    SYMBOL(MSG_ZEROCOPY),
    SYMBOL(SO_TIMESTAMPING),
    SYMBOL(SOF_TIMESTAMPING_TX_SCHED),
    SYMBOL(SOF_TIMESTAMPING_TX_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_TX_ACK),
    SYMBOL(SO_EE_ORIGIN_LOCAL),
    SYMBOL(SO_EE_ORIGIN_ICMP),
    SYMBOL(SO_EE_ORIGIN_TIMESTAMPING),
    SYMBOL(SO_EE_ORIGIN_ZEROCOPY),
    SYMBOL(SO_EE_CODE_ZEROCOPY_COPIED),
    SYMBOL(SCM_TSTAMP_SCHED),
    SYMBOL(SCM_TSTAMP_SND),
    SYMBOL(SCM_TSTAMP_ACK),
    SYMBOL(POLLIN),
    SYMBOL(POLLOUT),
    SYMBOL(POLLPRI),
    SYMBOL(POLLERR),
    SYMBOL(POLLHUP),
    SYMBOL(POLLRDHUP),
    SYMBOL(SIOCINQ),
    SYMBOL(SIOCOUTQ),
    SYMBOL(SIOCATMARK),
    SYMBOL(FIONREAD),
    {"CLOSED", TCPIP_TCP_CLOSED},
    {"LISTEN", TCPIP_TCP_LISTEN},
    {"SYN_SENT", TCPIP_TCP_SYN_SENT},
    {"SYN_RECEIVED", TCPIP_TCP_SYN_RECEIVED},
    {"ESTABLISHED", TCPIP_TCP_ESTABLISHED},
    {"FIN_WAIT_1", TCPIP_TCP_FIN_WAIT_1},
    {"FIN_WAIT_2", TCPIP_TCP_FIN_WAIT_2},
    {"CLOSE_WAIT", TCPIP_TCP_CLOSE_WAIT},
    {"CLOSING", TCPIP_TCP_CLOSING},
    {"LAST_ACK", TCPIP_TCP_LAST_ACK},
    {"TIME_WAIT", TCPIP_TCP_TIME_WAIT},
    {"OPEN", TCPIP_TCP_OPEN},
    {"DISORDER", TCPIP_TCP_DISORDER},
    {"CWR", TCPIP_TCP_CWR_STATE},
    {"RECOVERY", TCPIP_TCP_RECOVERY},
    {"LOSS", TCPIP_TCP_LOSS},
    {"ACCEPT", TCPIP_TCP_FORWARD_ACCEPT},
    {"DEFER", TCPIP_TCP_FORWARD_DEFER},
    {"RESET", TCPIP_TCP_FORWARD_RESET},
    {"DROP", TCPIP_TCP_FORWARD_DROP},
    {"NET_UNREACHABLE", TCPIP_TCP_FORWARD_NET_UNREACHABLE},
    {"HOST_UNREACHABLE", TCPIP_TCP_FORWARD_HOST_UNREACHABLE},
    {"PORT_UNREACHABLE", TCPIP_TCP_FORWARD_PORT_UNREACHABLE},
    {"PROHIBITED", TCPIP_TCP_FORWARD_PROHIBITED},
};

static const struct symbol errors[] = {
    SYMBOL(EAGAIN),   SYMBOL(EWOULDBLOCK),  SYMBOL(EINPROGRESS),   SYMBOL(EALREADY),        SYMBOL(EISCONN),
    SYMBOL(ENOTCONN), SYMBOL(ECONNREFUSED), SYMBOL(ECONNRESET),    SYMBOL(ECONNABORTED),    SYMBOL(ETIMEDOUT),
    SYMBOL(EPIPE),    SYMBOL(EADDRINUSE),   SYMBOL(EADDRNOTAVAIL), SYMBOL(EINVAL),          SYMBOL(EBADF),
    SYMBOL(EMSGSIZE), SYMBOL(EHOSTUNREACH), SYMBOL(ENETUNREACH),   SYMBOL(EDESTADDRREQ),    SYMBOL(EOPNOTSUPP),
    SYMBOL(ENOBUFS),  SYMBOL(ENOMEM),       SYMBOL(EPROTO),        SYMBOL(ENOPROTOOPT),     SYMBOL(EACCES),
    SYMBOL(EPERM),    SYMBOL(EBUSY),        SYMBOL(EAFNOSUPPORT),  SYMBOL(EPROTONOSUPPORT),
};

bool symbol_value(const char *name, int64_t *value)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (strcmp(symbols[i].name, name) == 0) {
            *value = symbols[i].value;
            return true;
        }
    }
    int error = symbol_errno(name);
    *value = error;
    return error != 0;
}

int symbol_errno(const char *name)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strcmp(errors[i].name, name) == 0)
            return (int)errors[i].value;
    }
    return 0;
}

const char *symbol_errno_name(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].value == error)
            return errors[i].name;
    }
    return error == 0 ? "0" : "an errno without a name here";
}
