// SPDX-License-Identifier: MIT
/* inet_errors.c: the error queue (MSG_ERRQUEUE): ICMP errors, stamps of what was sent, memory of MSG_ZEROCOPY that is
 * free again; and which of a send's bytes are marked for it.
 *
 * Here MSG_ZEROCOPY copies, and says so in each notification (SO_EE_CODE_ZEROCOPY_COPIED), as Linux does over links
 * that can't hold on to the caller's pages. tcpip_endpoint_write_view sends without copying.
 *
 * Differs from Linux in one thing: a stamp's record quotes no packet. MSG_TRUNC says that there was one, unless
 * SOF_TIMESTAMPING_OPT_TSONLY asks for none.
 *
 * Owns:     nothing.
 * Not here: the queue (stack/error_queue.c), the options (options_socket.c). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>

enum { ERROR_PAYLOAD_MAX = 2048 }; /* more than any ICMP error quotes */

/* ---- marks ---- */

uint32_t tcpip__inet_send_marks(const struct socket *so, const struct message *message)
{
    uint32_t stamping = (uint32_t)tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING), marks = 0;
    if ((stamping & SOF_TIMESTAMPING_TX_SCHED) != 0)
        marks |= TCPIP_WRITE_STAMP_SCHEDULED;
    if ((stamping & SOF_TIMESTAMPING_TX_SOFTWARE) != 0)
        marks |= TCPIP_WRITE_STAMP_SENT;
    if ((stamping & SOF_TIMESTAMPING_TX_ACK) != 0 && so->type == SOCK_STREAM)
        marks |= TCPIP_WRITE_STAMP_ACKED;
    if ((message->flags & MSG_ZEROCOPY) != 0 && tcpip__socket_kept(&so->options, KEPT_ZEROCOPY) != 0)
        marks |= TCPIP_WRITE_ZERO_COPY;
    return marks;
}

/* ---- records ---- */

/* struct sock_extended_err with the address that SO_EE_OFFENDER finds behind it. */
struct extended_error {
    struct sock_extended_err error;
    struct sockaddr_storage offender;
};

static uint8_t error_origin(enum tcpip_error_origin origin)
{
    switch (origin) {
    case TCPIP_ERROR_FROM_ICMP:
        return SO_EE_ORIGIN_ICMP;
    case TCPIP_ERROR_FROM_ICMPV6:
        return SO_EE_ORIGIN_ICMP6;
    case TCPIP_ERROR_FROM_HERE:
        return SO_EE_ORIGIN_LOCAL;
    case TCPIP_ERROR_FROM_COPY:
        return SO_EE_ORIGIN_ZEROCOPY;
    case TCPIP_ERROR_FROM_SCHEDULING:
    case TCPIP_ERROR_FROM_SENDING:
    case TCPIP_ERROR_FROM_ACKNOWLEDGMENT:
        break;
    }
    return SO_EE_ORIGIN_TIMESTAMPING;
}

static bool error_is_stamp(const struct tcpip_error_record *record)
{
    return error_origin(record->origin) == SO_EE_ORIGIN_TIMESTAMPING;
}

static void error_describe(const struct socket *so, const struct tcpip_error_record *record,
                           struct sock_extended_err *out)
{
    memset(out, 0, sizeof(*out));
    out->ee_origin = error_origin(record->origin);
    if (record->origin == TCPIP_ERROR_FROM_COPY) {
        out->ee_code = record->copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
        out->ee_info = (uint32_t)record->first;
        out->ee_data = (uint32_t)record->last;
    } else if (error_is_stamp(record)) {
        out->ee_errno = ENOMSG;
        out->ee_info = record->origin == TCPIP_ERROR_FROM_SCHEDULING ? SCM_TSTAMP_SCHED
                       : record->origin == TCPIP_ERROR_FROM_SENDING  ? SCM_TSTAMP_SND
                                                                     : SCM_TSTAMP_ACK;
        if ((tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING) & SOF_TIMESTAMPING_OPT_ID) != 0)
            out->ee_data = (uint32_t)record->last - (uint32_t)tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING_FROM);
    } else {
        out->ee_errno = (uint32_t)tcpip__socket_errno(SOCKET_CALL_ERROR, record->error);
        out->ee_type = record->type;
        out->ee_code = record->code;
        out->ee_info = record->info;
    }
}

void tcpip__control_stamp(const struct socket *so, tcpip_ns at, struct message *message, size_t *used)
{
    const struct tcpip_env *env = &so->file.sockets->env;
    struct scm_timestamping stamp = {0};
    if ((tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING) & SOF_TIMESTAMPING_SOFTWARE) == 0)
        return;
    tcpip_ns wall = at + (env->wall_offset != NULL ? env->wall_offset(env->ctx) : 0);
    stamp.ts[0].tv_sec = wall / TCPIP_SECOND;
    stamp.ts[0].tv_nsec = wall % TCPIP_SECOND;
    tcpip__control_put(message, used, SOL_SOCKET, SCM_TIMESTAMPING, &stamp, sizeof(stamp));
}

static void error_put(const struct socket *so, const struct tcpip_error_record *record, struct message *message)
{
    struct extended_error extended;
    size_t used = 0, offender_bytes = so->domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    memset(&extended, 0, sizeof(extended));
    error_describe(so, record, &extended.error);
    if (record->offender.address.len > 0)
        (void)tcpip__address_to_sockaddr(so->domain, &record->offender, &extended.offender);
    if (error_is_stamp(record))
        tcpip__control_stamp(so, record->at, message, &used);
    tcpip__control_put(message, &used, so->domain == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                       so->domain == AF_INET ? IP_RECVERR : IPV6_RECVERR, &extended,
                       offsetof(struct extended_error, offender) + offender_bytes);
    message->control_length = used;
}

static size_t error_scatter(const struct message *message, const uint8_t *payload, size_t bytes)
{
    size_t done = 0;
    for (size_t i = 0; i < message->iov_count && done < bytes; i++) {
        size_t part = min_size(message->iov[i].iov_len, bytes - done);
        if (part > 0)
            memcpy(message->iov[i].iov_base, payload + done, part);
        done += part;
    }
    return done;
}

int tcpip__inet_receive_error(struct socket *so, struct message *message, size_t *done)
{
    uint8_t payload[ERROR_PAYLOAD_MAX];
    struct tcpip_error_record record;
    if (tcpip_endpoint_read_error(so->endpoint, &record, payload, sizeof(payload)) != TCPIP_OK)
        return EAGAIN; /* MSG_ERRQUEUE never waits */
    if (message->fault != 0)
        return message->fault;
    bool only_stamp = (tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING) & SOF_TIMESTAMPING_OPT_TSONLY) != 0;
    *done = error_scatter(message, payload, min_size(record.payload_bytes, sizeof(payload)));
    message->result_flags = MSG_ERRQUEUE;
    if (*done < record.payload_bytes || (error_is_stamp(&record) && !only_stamp))
        message->result_flags |= MSG_TRUNC;
    message->name_length = 0;
    if (message->name != NULL && record.remote.address.len > 0)
        message->name_length = tcpip__address_to_sockaddr(so->domain, &record.remote, message->name);
    error_put(so, &record, message);
    return 0;
}
