// SPDX-License-Identifier: MIT
/* udp_segment.c: UDP_SEGMENT: one call that sends many datagrams of one size, and a last, shorter one.
 *
 * They go to the endpoint one by one within one turn, so that they leave in one batch; there is nothing to gain from a
 * super-packet below, since each is a datagram of its own there. As in the kernel, a datagram that is cut must fit the
 * path: it is never fragmented.
 *
 * Owns:     nothing.
 * Not here: the rest of sending (inet_send.c). */
#include "base/math.h"
#include "socket/socket.h"
#include "stack/zero_copy.h"

#include <errno.h>
#include <linux/udp.h>
#include <string.h>
#include <tcpip/stack.h>

enum {
    UDP_SEGMENTS_MAX = 128, /* Linux's UDP_MAX_SEGMENTS */
    UDP_BYTES_MAX = 65507,
    UDP_SEGMENT_IO = 64, /* pieces of one segment; one that is in more is ENOBUFS */
};

int tcpip__udp_segment(const struct socket *so, const struct message *message, uint32_t *segment)
{
    struct msghdr header = {.msg_control = message->control, .msg_controllen = message->control_length};
    uint16_t given;
    *segment = (uint32_t)tcpip__socket_kept(&so->options, KEPT_UDP_SEGMENT);
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at != NULL; at = CMSG_NXTHDR(&header, at)) {
        if (at->cmsg_level != IPPROTO_UDP)
            continue;
        if (at->cmsg_type != UDP_SEGMENT || at->cmsg_len != CMSG_LEN(sizeof(given)))
            return EINVAL;
        memcpy(&given, CMSG_DATA(at), sizeof(given));
        *segment = given;
    }
    return 0;
}

/* What fits one packet to there, without the headers; as much as there is if nobody knows. */
static uint32_t segment_room(const struct socket *so, const struct tcpip_full_address *to)
{
    struct tcpip_full_address peer;
    struct tcpip_found_route route;
    if (to == NULL && tcpip_endpoint_remote_address(so->endpoint, &peer) == TCPIP_OK)
        to = &peer;
    if (to == NULL)
        return UDP_BYTES_MAX;
    struct tcpip_address remote = tcpip_address_from_mapped(&to->address);
    if (tcpip_stack_find_route(so->file.sockets->stack, to->nic, NULL, &remote, &route) != TCPIP_OK)
        return UDP_BYTES_MAX;
    uint32_t headers = remote.len == 4 ? 20 + 8 : 40 + 8;
    return route.mtu > headers ? route.mtu - headers : 0;
}

/* The first `bytes` of a vector, by reference: how many pieces; 0: too many. */
static size_t segment_pieces(const struct io_vector *vector, size_t bytes, struct tcpip_io out[UDP_SEGMENT_IO])
{
    size_t n = 0;
    for (size_t i = vector->first; bytes > 0 && n < UDP_SEGMENT_IO; i++) {
        size_t part = min_size(bytes, vector->io[i].size);
        out[n++] = (struct tcpip_io){vector->io[i].data, part};
        bytes -= part;
    }
    return bytes == 0 ? n : 0;
}

int tcpip__udp_send_segments(struct socket *so, struct io_vector *vector, uint32_t segment,
                             const struct tcpip_full_address *to, const struct tcpip_control *control, uint32_t flags,
                             size_t *done)
{
    struct tcpip_stack *stack = so->file.sockets->stack;
    enum tcpip_error error = TCPIP_OK;
    *done = 0;
    if (vector->bytes > UDP_BYTES_MAX || segment > segment_room(so, to))
        return EMSGSIZE;
    if (vector->bytes > (size_t)segment * UDP_SEGMENTS_MAX)
        return EINVAL;
    flags &= ~TCPIP_WRITE_MORE; /* each is whole */
    tcpip_stack_enter(stack);
    while (error == TCPIP_OK && vector->bytes > 0) {
        struct tcpip_io pieces[UDP_SEGMENT_IO];
        size_t bytes = min_size(segment, vector->bytes), sent;
        size_t n = segment_pieces(vector, bytes, pieces);
        if (n == 0)
            error = TCPIP_ERR_NO_BUFFER_SPACE;
        else
            error = tcpip_endpoint_sendmsg(so->endpoint, pieces, n,
                                           flags | (bytes < vector->bytes ? TCPIP_WRITE_WAITS : 0), to, control, &sent);
        if (error != TCPIP_OK)
            break;
        tcpip__io_vector_advance(vector, bytes);
        *done += bytes;
    }
    tcpip__zero_copy_finish(so->endpoint);
    tcpip_stack_leave(stack);
    return *done > 0 ? 0 : tcpip__socket_errno(SOCKET_CALL_SEND, error);
}
