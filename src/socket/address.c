// SPDX-License-Identifier: MIT
/* address.c: socket addresses: the kernel's structs and the library's.
 *
 * What is judged, in which order, and with which errno, is Linux's, and differs from call to call: bind of IPv4 takes
 * AF_UNSPEC for 0.0.0.0; connect takes it for "disconnect"; a datagram of an IPv6 socket may go to an AF_INET address,
 * a TCP connection may not.
 *
 * Owns:     nothing.
 * Not here: whether an address is ours, or can be reached (the stack). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <string.h>

enum { SOCKADDR_IN6_OLD = 24 }; /* RFC 2133's, without scope id: the kernel takes it */

static void address_from_v4(const struct sockaddr_storage *address, struct tcpip_full_address *out)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof(in));
    out->port = ntohs(in.sin_port);
    out->address.len = 4;
    memcpy(out->address.bytes, &in.sin_addr, 4);
}

/* A link-local address, of a group too, means something on one NIC alone: to bind or connect to it, it must be told
 * which. */
static bool address_needs_nic(const struct socket *so, enum socket_call call, const struct tcpip_full_address *address)
{
    int64_t bound = 0;
    const uint8_t *bytes = address->address.bytes;
    bool link_local = tcpip_address_is_link_local(&address->address) || (bytes[0] == 0xff && (bytes[1] & 0x0f) == 2);
    if ((call != SOCKET_CALL_BIND && call != SOCKET_CALL_CONNECT) || !link_local || address->nic != 0)
        return false;
    if (so->type == SOCK_STREAM && bytes[0] == 0xff)
        return false; /* a stream has nothing to do with groups, which is told later */
    return tcpip_endpoint_get_option(so->endpoint, TCPIP_OPTION_BIND_TO_NIC, &bound) != TCPIP_OK || bound == 0;
}

static int address_from_v6(const struct socket *so, enum socket_call call, const struct sockaddr_storage *address,
                           socklen_t length, struct tcpip_full_address *out)
{
    struct sockaddr_in6 in;
    memset(&in, 0, sizeof(in));
    memcpy(&in, address, min_size(length, sizeof(in)));
    out->port = ntohs(in.sin6_port);
    out->address = tcpip_address_v6(in.sin6_addr.s6_addr);
    if (tcpip_address_is_v4_mapped(&out->address))
        return 0;
    if (tcpip_address_is_link_local(&out->address) || tcpip_address_is_multicast(&out->address))
        out->nic = in.sin6_scope_id;
    return address_needs_nic(so, call, out) ? EINVAL : 0;
}

static bool sockaddr_v4_any(const struct sockaddr_storage *address)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof(in));
    return in.sin_addr.s_addr == INADDR_ANY;
}

int tcpip__address_from_sockaddr(const struct socket *so, enum socket_call call, const struct sockaddr_storage *address,
                                 socklen_t length, struct tcpip_full_address *out)
{
    int family = address->ss_family;
    bool v4 = so->domain == AF_INET, datagram = so->type != SOCK_STREAM;
    *out = (struct tcpip_full_address){0};
    if (length < sizeof(sa_family_t))
        return EINVAL;
    if (call != SOCKET_CALL_BIND && family == AF_UNSPEC && (call == SOCKET_CALL_CONNECT || !v4))
        return 0;
    if (!v4 && family == AF_INET && datagram && call != SOCKET_CALL_BIND && so->protocol == IPPROTO_UDP) {
        if (length < sizeof(struct sockaddr_in))
            return EINVAL;
        address_from_v4(address, out);
        out->address = tcpip_address_to_mapped(&out->address);
        return 0;
    }
    if (length < (v4 ? sizeof(struct sockaddr_in) : (size_t)SOCKADDR_IN6_OLD))
        return EINVAL;
    if (v4) {
        bool as_any =
            family == AF_UNSPEC && (call == SOCKET_CALL_SEND || (call == SOCKET_CALL_BIND && sockaddr_v4_any(address)));
        if (family != AF_INET && !as_any)
            return EAFNOSUPPORT;
        address_from_v4(address, out);
        return 0;
    }
    if (family != AF_INET6)
        return call == SOCKET_CALL_SEND ? EINVAL : EAFNOSUPPORT;
    return address_from_v6(so, call, address, length, out);
}

socklen_t tcpip__address_to_sockaddr(int domain, const struct tcpip_full_address *address, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (domain == AF_INET) {
        struct tcpip_address plain = tcpip_address_from_mapped(&address->address);
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&in.sin_addr, plain.bytes, 4);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    struct tcpip_address mapped = tcpip_address_to_mapped(&address->address);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    memcpy(&in6.sin6_addr, mapped.bytes, 16);
    if (tcpip_address_is_link_local(&mapped) && !tcpip_address_is_v4_mapped(&mapped))
        in6.sin6_scope_id = address->nic;
    memcpy(out, &in6, sizeof(in6));
    return sizeof(in6);
}

int tcpip__sockaddr_in(const struct tcpip_sockets *s, const struct sockaddr *address, socklen_t length,
                       struct sockaddr_storage *out)
{
    if (length > sizeof(*out)) /* the kernel's length is signed: negative ones are here too */
        return EINVAL;
    memset(out, 0, sizeof(*out));
    int number = tcpip__pointer_readable(s, address, length);
    if (number == 0 && length > 0)
        memcpy(out, address, length);
    return number;
}

int tcpip__sockaddr_out(const struct tcpip_sockets *s, const struct sockaddr_storage *address, socklen_t length,
                        struct sockaddr *out, socklen_t *room)
{
    int number = tcpip__pointer_writable(s, room, sizeof(*room));
    if (number != 0)
        return number;
    if (*room > INT32_MAX)
        return EINVAL;
    socklen_t part = *room < length ? *room : length;
    number = tcpip__pointer_writable(s, out, part);
    if (number != 0)
        return number;
    if (part > 0)
        memcpy(out, address, part);
    *room = length;
    return 0;
}
