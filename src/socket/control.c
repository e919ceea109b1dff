// SPDX-License-Identifier: MIT
/* control.c: control messages: what comes, and is asked for, beside the data.
 *
 * Owns:     nothing.
 * Not here: which of them a socket wants (its options set so->controls and the endpoint's). */
#include "base/math.h"
#include "socket/socket.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* ---- in ---- */

void tcpip__control_put(struct message *message, size_t *used, int level, int type, const void *data, size_t size)
{
    struct cmsghdr header = {.cmsg_level = level, .cmsg_type = type};
    size_t room = message->control_length - *used, whole = CMSG_LEN(size);
    if (message->control == NULL || room < sizeof(header)) {
        message->result_flags |= MSG_CTRUNC;
        return;
    }
    if (whole > room) {
        message->result_flags |= MSG_CTRUNC;
        whole = room;
    }
    header.cmsg_len = whole;
    uint8_t *at = (uint8_t *)message->control + *used;
    memcpy(at, &header, sizeof(header));
    memcpy(at + CMSG_LEN(0), data, whole - CMSG_LEN(0));
    *used += min_size(CMSG_SPACE(size), room);
}

static void control_timestamp(const struct socket *so, tcpip_ns at, struct message *message, size_t *used)
{
    const struct tcpip_env *env = &so->file.sockets->env;
    tcpip_ns wall = at + (env->wall_offset != NULL ? env->wall_offset(env->ctx) : 0);
    if ((so->controls & SOCKET_CONTROL_TIMESTAMP_NS) != 0) {
        struct timespec stamp = {.tv_sec = (time_t)(wall / TCPIP_SECOND), .tv_nsec = (long)(wall % TCPIP_SECOND)};
        tcpip__control_put(message, used, SOL_SOCKET, SO_TIMESTAMPNS, &stamp, sizeof(stamp));
    } else {
        struct timeval stamp = {.tv_sec = (time_t)(wall / TCPIP_SECOND),
                                .tv_usec = (suseconds_t)(wall % TCPIP_SECOND / TCPIP_US)};
        tcpip__control_put(message, used, SOL_SOCKET, SO_TIMESTAMP, &stamp, sizeof(stamp));
    }
}

static void control_v4(const struct socket *so, const struct tcpip_control *control, struct message *message,
                       size_t *used)
{
    int value;
    if ((so->controls & SOCKET_CONTROL_IP_PKTINFO) != 0 && (control->present & TCPIP_CONTROL_PACKET_INFO) != 0) {
        struct in_pktinfo info = {.ipi_ifindex = (int)control->packet_info.nic};
        struct tcpip_address plain = tcpip_address_from_mapped(&control->packet_info.address);
        memcpy(&info.ipi_addr, plain.bytes, 4);
        info.ipi_spec_dst = info.ipi_addr; /* of a group or a broadcast it would be the address to answer from */
        tcpip__control_put(message, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
    if ((so->controls & SOCKET_CONTROL_IP_TTL) != 0 && (control->present & TCPIP_CONTROL_TTL) != 0) {
        value = control->ttl;
        tcpip__control_put(message, used, IPPROTO_IP, IP_TTL, &value, sizeof(value));
    }
    if ((so->controls & SOCKET_CONTROL_IP_TOS) != 0 && (control->present & TCPIP_CONTROL_TOS) != 0)
        tcpip__control_put(message, used, IPPROTO_IP, IP_TOS, &control->tos, 1); /* a byte, on Linux */
}

static void control_v6(const struct socket *so, const struct tcpip_control *control, bool v4, struct message *message,
                       size_t *used)
{
    int value;
    if ((so->controls & SOCKET_CONTROL_IPV6_PKTINFO) != 0 && (control->present & TCPIP_CONTROL_PACKET_INFO) != 0) {
        struct in6_pktinfo info = {.ipi6_ifindex = control->packet_info.nic};
        struct tcpip_address mapped = tcpip_address_to_mapped(&control->packet_info.address);
        memcpy(&info.ipi6_addr, mapped.bytes, 16);
        tcpip__control_put(message, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    if (v4)
        return; /* of such a packet, the fields are IPPROTO_IP's */
    if ((so->controls & SOCKET_CONTROL_IPV6_HOPLIMIT) != 0 && (control->present & TCPIP_CONTROL_TTL) != 0) {
        value = control->ttl;
        tcpip__control_put(message, used, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
    }
    if ((so->controls & SOCKET_CONTROL_IPV6_TCLASS) != 0 && (control->present & TCPIP_CONTROL_TOS) != 0) {
        value = control->tos;
        tcpip__control_put(message, used, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
    }
}

void tcpip__control_arrival(const struct socket *so, tcpip_ns at, struct message *message, size_t *used)
{
    if ((so->controls & (SOCKET_CONTROL_TIMESTAMP | SOCKET_CONTROL_TIMESTAMP_NS)) != 0)
        control_timestamp(so, at, message, used);
    if ((tcpip__socket_kept(&so->options, KEPT_TIMESTAMPING) & SOF_TIMESTAMPING_RX_SOFTWARE) != 0)
        tcpip__control_stamp(so, at, message, used);
}

void tcpip__control_received(const struct socket *so, const struct tcpip_control *control, bool v4,
                             struct message *message)
{
    size_t used = 0;
    if ((control->present & TCPIP_CONTROL_TIMESTAMP) != 0)
        tcpip__control_arrival(so, control->received_at, message, &used);
    if (so->domain == AF_INET6)
        control_v6(so, control, v4, message, &used);
    control_v4(so, control, message, &used);
    message->control_length = used;
}

/* ---- out ---- */

static bool control_value(const struct cmsghdr *header, void *out, size_t size)
{
    if (header->cmsg_len != CMSG_LEN(size))
        return false;
    memcpy(out, CMSG_DATA(header), size);
    return true;
}

static bool control_number(const struct cmsghdr *header, int most, uint8_t *out)
{
    int value;
    if (!control_value(header, &value, sizeof(value)) || value < 0 || value > most)
        return false;
    *out = (uint8_t)value;
    return true;
}

/* IP_TTL and IP_TOS: an int; IP_TOS also a byte. */
static bool control_take_v4(const struct cmsghdr *header, struct tcpip_control *out)
{
    struct in_pktinfo info;
    switch (header->cmsg_type) {
    case IP_TTL:
        out->present |= TCPIP_CONTROL_TTL;
        return control_number(header, 255, &out->ttl) && out->ttl > 0;
    case IP_TOS:
        out->present |= TCPIP_CONTROL_TOS;
        return control_value(header, &out->tos, 1) || control_number(header, 255, &out->tos);
    case IP_PKTINFO:
        if (!control_value(header, &info, sizeof(info)) || info.ipi_ifindex < 0)
            return false;
        out->present |= TCPIP_CONTROL_PACKET_INFO;
        out->packet_info.nic = (uint32_t)info.ipi_ifindex;
        out->packet_info.address.len = 0;
        if (info.ipi_spec_dst.s_addr != INADDR_ANY) {
            const uint8_t *bytes = (const uint8_t *)&info.ipi_spec_dst;
            out->packet_info.address = tcpip_address_v4(bytes[0], bytes[1], bytes[2], bytes[3]);
        }
        return true;
    default:
        return false;
    }
}

/* A value of -1 means the socket's own. */
static bool control_take_v6(const struct cmsghdr *header, struct tcpip_control *out)
{
    struct in6_pktinfo info;
    int value;
    switch (header->cmsg_type) {
    case IPV6_HOPLIMIT:
    case IPV6_TCLASS:
        if (!control_value(header, &value, sizeof(value)) || value < -1 || value > 255)
            return false;
        if (value < 0)
            return true;
        if (header->cmsg_type == IPV6_HOPLIMIT) {
            out->present |= TCPIP_CONTROL_TTL;
            out->ttl = (uint8_t)value;
        } else {
            out->present |= TCPIP_CONTROL_TOS;
            out->tos = (uint8_t)value;
        }
        return true;
    case IPV6_PKTINFO:
        if (!control_value(header, &info, sizeof(info)))
            return false;
        out->present |= TCPIP_CONTROL_PACKET_INFO;
        out->packet_info.nic = info.ipi6_ifindex;
        out->packet_info.address = tcpip_address_v6(info.ipi6_addr.s6_addr);
        if (tcpip_address_is_unspecified(&out->packet_info.address))
            out->packet_info.address = (struct tcpip_address){0};
        return true;
    default:
        return false;
    }
}

/* AF_UNIX's go unheeded, as on Linux; SO_TXTIME and its like are none. */
static bool control_take_socket(const struct cmsghdr *header, struct tcpip_control *out)
{
    switch (header->cmsg_type) {
    case SO_MARK:
        out->present |= TCPIP_CONTROL_MARK;
        return control_value(header, &out->mark, sizeof(out->mark));
    case SCM_RIGHTS:
    case SCM_CREDENTIALS:
        return true;
    default:
        return false;
    }
}

int tcpip__control_to_send(const struct socket *so, const struct message *message, bool v4, struct tcpip_control *out)
{
    struct msghdr header = {.msg_control = message->control, .msg_controllen = message->control_length};
    out->present = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at != NULL; at = CMSG_NXTHDR(&header, at)) {
        size_t room = message->control_length - (size_t)((uint8_t *)at - (uint8_t *)message->control);
        if (at->cmsg_len < sizeof(*at) || at->cmsg_len > room)
            return EINVAL;
        if (at->cmsg_level == SOL_SOCKET && !control_take_socket(at, out))
            return EINVAL;
        if (so->type == SOCK_STREAM)
            continue;
        if (at->cmsg_level == IPPROTO_IP && v4 && !control_take_v4(at, out))
            return EINVAL;
        if (at->cmsg_level == IPPROTO_IPV6 && so->domain == AF_INET6 && !control_take_v6(at, out))
            return EINVAL;
    }
    bool nic_given = (out->present & TCPIP_CONTROL_PACKET_INFO) != 0 && out->packet_info.nic != 0;
    return nic_given && tcpip_stack_nic(so->file.sockets->stack, out->packet_info.nic) == NULL ? ENODEV : 0;
}
