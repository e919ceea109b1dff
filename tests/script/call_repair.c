// SPDX-License-Identifier: MIT
/* call_repair.c: TCP_REPAIR and the options around it: connections that a script takes apart and makes anew.
 *
 * Sequence numbers are the script's, as in its packets; the new connection's peer is that of the first one. Linux's
 * structures are {snd_wl1=1, snd_wnd=1000, max_window=1000, rcv_wnd=1000, rcv_wup=1} and, for TCP_REPAIR_OPTIONS, kinds
 * and values in turn: [2, 1000, 4, 0]. */
#include "call.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "transport/tcp/tcp_repair.h"

static const struct flow *old_flow(const struct call *call)
{
    return &call->world->flows[0];
}

/* The script's number 0 of the chosen queue, on the wire. */
static uint32_t queue_offset(const struct call *call, const struct socket *socket)
{
    const struct flow *flow = old_flow(call);
    bool received = tcpip__tcp_repair_chosen(socket->endpoint) == REPAIR_RECEIVE;
    return received ? flow->remote_offset : flow->local_offset;
}

static uint32_t member(const struct call *call, const char *name)
{
    const struct expr *what = call_argument(call, 3), *value = what != NULL ? expr_member(what, name) : NULL;
    return value != NULL ? (uint32_t)value->number : 0;
}

static enum tcpip_error set_number(struct call *call, struct socket *socket, uint32_t number)
{
    enum tcp_repair_queue queue = tcpip__tcp_repair_chosen(socket->endpoint);
    if (queue == REPAIR_RECEIVE)
        socket->read = number - 1; /* the payload's pattern goes on there */
    else
        socket->written = number - 1;
    return tcpip__tcp_repair_set_number(socket->endpoint, number + queue_offset(call, socket));
}

static enum tcpip_error set_agreed(const struct call *call, struct socket *socket)
{
    const struct expr *list = call_argument(call, 3);
    enum tcpip_error error = list != NULL ? TCPIP_OK : TCPIP_ERR_INVALID_ARGUMENT;
    for (size_t i = 0; error == TCPIP_OK && i + 1 < list->count; i += 2)
        error = tcpip__tcp_repair_agree(socket->endpoint, (uint32_t)list->items[i].number,
                                        (uint32_t)list->items[i + 1].number);
    return error;
}

static enum tcpip_error set_windows(const struct call *call, struct socket *socket)
{
    const struct flow *flow = old_flow(call);
    struct tcp_repair_windows windows = {.snd_wl1 = member(call, "snd_wl1") + flow->remote_offset,
                                         .snd_wnd = member(call, "snd_wnd"),
                                         .snd_wnd_max = member(call, "max_window"),
                                         .rcv_wnd = member(call, "rcv_wnd"),
                                         .rcv_wup = member(call, "rcv_wup") + flow->remote_offset};
    return tcpip__tcp_repair_set_windows(socket->endpoint, &windows);
}

bool call_set_repair(struct call *call, struct socket *socket, int64_t value)
{
    if (call_number(call, 1, -1) != IPPROTO_TCP || !socket->stream)
        return false;
    switch (call_number(call, 2, -1)) {
    case TCP_REPAIR:
        call_end(call, value == TCP_REPAIR_ON ? tcpip__tcp_repair_begin(socket->endpoint)
                                              : tcpip__tcp_repair_end(socket->endpoint, value == TCP_REPAIR_OFF));
        return true;
    case TCP_REPAIR_QUEUE:
        tcpip__tcp_repair_choose(socket->endpoint, (enum tcp_repair_queue)(value & 3));
        return true;
    case TCP_QUEUE_SEQ:
        call_end(call, set_number(call, socket, (uint32_t)value));
        return true;
    case TCP_REPAIR_OPTIONS:
        call_end(call, set_agreed(call, socket));
        return true;
    case TCP_REPAIR_WINDOW:
        call_end(call, set_windows(call, socket));
        return true;
    case TCP_TIMESTAMP:
        tcpip__tcp_repair_timestamp(socket->endpoint, (uint32_t)value + old_flow(call)->local_ts_offset);
        return true;
    default:
        return false;
    }
}

bool call_get_repair(struct call *call, struct socket *socket, int64_t *value)
{
    uint32_t number;
    if (call_number(call, 1, -1) != IPPROTO_TCP || call_number(call, 2, -1) != TCP_QUEUE_SEQ || !socket->stream)
        return false;
    enum tcpip_error error = tcpip__tcp_repair_number(socket->endpoint, &number);
    call_end(call, error);
    *value = error == TCPIP_OK ? number - queue_offset(call, socket) : 0;
    return true;
}

bool call_repair_write(struct call *call, struct socket *socket, uint8_t *bytes, size_t size)
{
    if (!socket->stream || !tcpip__tcp_in_repair(socket->endpoint))
        return false;
    bool received = tcpip__tcp_repair_chosen(socket->endpoint) == REPAIR_RECEIVE;
    size_t done;
    payload_fill(bytes, size, received, received ? socket->read : socket->written);
    enum tcpip_error error = tcpip__tcp_repair_write(socket->endpoint, bytes, size, &done);
    call_end(call, error);
    if (error == TCPIP_OK)
        call->value = (int64_t)done;
    if (!received)
        socket->written += (uint32_t)done; /* what is put into the other queue is yet to be read */
    return true;
}
