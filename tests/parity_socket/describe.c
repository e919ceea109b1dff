// SPDX-License-Identifier: MIT
/* describe.c: words for flags, events and control messages.
 *
 * Times and process numbers are said to be there, not what they are. */
#include "describe.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

struct word {
    unsigned bit;
    const char *text;
};

static const char *words(const struct word *list, unsigned bits)
{
    char *text = play_buffer();
    size_t length = 0;
    text[0] = 0;
    for (; list->text != NULL; list++) {
        if ((bits & list->bit) == 0)
            continue;
        length += (size_t)snprintf(text + length, 300 - length, "%s%s", length == 0 ? "" : "|", list->text);
        bits &= ~list->bit;
    }
    if (bits != 0 || length == 0)
        snprintf(text + length, 300 - length, "%s%#x", length == 0 ? "" : "|", bits);
    return text;
}

const char *events_text(uint32_t events)
{
    static const struct word list[] = {
        {POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},       {POLLERR, "ERR"},
        {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},     {POLLRDHUP, "RDHUP"},   {POLLRDNORM, "RDNORM"},
        {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}, {0, NULL},
    };
    return words(list, events);
}

const char *message_flags_text(int flags)
{
    static const struct word list[] = {
        {MSG_TRUNC, "TRUNC"}, {MSG_CTRUNC, "CTRUNC"},        {MSG_EOR, "EOR"}, {MSG_ERRQUEUE, "ERRQUEUE"},
        {MSG_OOB, "OOB"},     {MSG_CMSG_CLOEXEC, "CLOEXEC"}, {0, NULL},
    };
    return words(list, (unsigned)flags);
}

/* What there is of a message; the rest is zero. */
static void copy_out(const struct cmsghdr *c, void *out, size_t size)
{
    size_t there = c->cmsg_len - CMSG_LEN(0);
    memset(out, 0, size);
    memcpy(out, CMSG_DATA(c), there < size ? there : size);
}

static void say_error(const struct cmsghdr *c)
{
    struct sock_extended_err error;
    struct sockaddr_storage offender = {0};
    copy_out(c, &error, sizeof(error));
    size_t whole = c->cmsg_len - CMSG_LEN(0), more = whole > sizeof(error) ? whole - sizeof(error) : 0;
    memcpy(&offender, CMSG_DATA(c) + sizeof(error), more < sizeof(offender) ? more : sizeof(offender));
    say("    error %s origin %u type %u code %u info %u data %u offender %s", errno_text((int)error.ee_errno),
        error.ee_origin, error.ee_type, error.ee_code, error.ee_info, error.ee_data,
        offender.ss_family == AF_UNSPEC ? "unknown" : address_text(&offender, (socklen_t)more));
}

static void say_descriptors(const struct cmsghdr *c)
{
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
        int type = -1;
        socklen_t length = sizeof(type);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0) {
            say("    descriptor of a socket of type %d, close-on-exec %d", type, fcntl(fd, F_GETFD));
            close(fd);
        } else {
            say("    descriptor %s", fd >= 0 ? "of a file" : "missing");
            sys_close(fd);
        }
    }
}

static void say_socket_level(const struct cmsghdr *c)
{
    struct ucred credentials = {0};
    switch (c->cmsg_type) {
    case SCM_RIGHTS:
        say_descriptors(c);
        break;
    case SCM_CREDENTIALS:
        if (c->cmsg_len < CMSG_LEN(sizeof(credentials))) {
            say("    credentials, cut to %zu bytes", c->cmsg_len - CMSG_LEN(0));
            break;
        }
        copy_out(c, &credentials, sizeof(credentials));
        say("    credentials: process %s user %u group %u", credentials.pid == getpid() ? "mine" : "another",
            credentials.uid, credentials.gid);
        break;
    case SO_TIMESTAMP:
    case SO_TIMESTAMPNS:
        say("    timestamp %s, %zu bytes", c->cmsg_type == SO_TIMESTAMP ? "in us" : "in ns", c->cmsg_len - CMSG_LEN(0));
        break;
    case SO_TIMESTAMPING: {
        struct scm_timestamping times;
        copy_out(c, &times, sizeof(times));
        say("    timestamping:%s%s%s", times.ts[0].tv_sec != 0 ? " software" : "",
            times.ts[1].tv_sec != 0 ? " old" : "", times.ts[2].tv_sec != 0 ? " hardware" : "");
        break;
    }
    default: {
        uint32_t value = 0;
        memcpy(&value, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < 4 ? c->cmsg_len - CMSG_LEN(0) : 4);
        say("    socket level, type %d: %u, %zu bytes", c->cmsg_type, value, c->cmsg_len - CMSG_LEN(0));
    }
    }
}

static void say_packet_info(const struct cmsghdr *c)
{
    char local[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
    if (c->cmsg_level == IPPROTO_IP) {
        copy_out(c, &v4, sizeof(v4));
        say("    packet: interface %d local %s to %s", v4.ipi_ifindex,
            inet_ntop(AF_INET, &v4.ipi_spec_dst, local, sizeof(local)),
            inet_ntop(AF_INET, &v4.ipi_addr, to, sizeof(to)));
    } else {
        copy_out(c, &v6, sizeof(v6));
        say("    packet: interface %u to %s", v6.ipi6_ifindex, inet_ntop(AF_INET6, &v6.ipi6_addr, to, sizeof(to)));
    }
}

static void say_number(const struct cmsghdr *c)
{
    size_t size = c->cmsg_len - CMSG_LEN(0);
    uint32_t value = 0;
    if (size == 1)
        value = *CMSG_DATA(c);
    else if (size >= sizeof(value))
        copy_out(c, &value, sizeof(value));
    say("    level %d type %d: %u, %zu bytes", c->cmsg_level, c->cmsg_type, value, size);
}

void say_control(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET)
            say_socket_level(c);
        else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                 (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            say_error(c);
        else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) ||
                 (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO))
            say_packet_info(c);
        else
            say_number(c);
    }
}
