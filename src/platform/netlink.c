// SPDX-License-Identifier: MIT
/* netlink.c: rtnetlink requests, by hand: a header, a fixed part, attributes; the answer is an acknowledgement with
 * errno and, from Linux 4.12 on, a sentence.
 *
 * Owns: nothing; each request has its own socket. */
#include "platform/netlink.h"

#include "platform/system_error.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Milliseconds to wait for the local route of an IPv6 address; it takes a few. */
enum { NETLINK_LOCAL_TRIES = 500 };

struct netlink_request {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
    } body;
    uint8_t attributes[128];
};

static struct netlink_request netlink_begin(uint16_t type, uint16_t flags, size_t body_bytes)
{
    struct netlink_request request;
    memset(&request, 0, sizeof(request));
    request.header = (struct nlmsghdr){
        .nlmsg_len = (uint32_t)NLMSG_LENGTH(body_bytes),
        .nlmsg_type = type,
        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
    };
    return request;
}

/* There is room: the longest request, a pair of interfaces, takes 88 bytes. */
static void netlink_attribute(struct netlink_request *request, uint16_t type, const void *data, size_t size)
{
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    uint8_t *at = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);
    memcpy(at, &attribute, sizeof(attribute));
    if (size > 0)
        memcpy(at + RTA_LENGTH(0), data, size);
    request->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
}

/* An attribute of attributes, from here to netlink_end; returns where it begins. */
static size_t netlink_nest(struct netlink_request *request, uint16_t type)
{
    size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
    netlink_attribute(request, type, NULL, 0);
    return at;
}

static void netlink_end(struct netlink_request *request, size_t at)
{
    uint16_t size = (uint16_t)(request->header.nlmsg_len - at);
    memcpy((uint8_t *)request + at + offsetof(struct rtattr, rta_len), &size, sizeof(size));
}

/* The kernel's sentence in an acknowledgement of `size` bytes, or NULL. It follows the header of the request that was
 * refused (or the whole of it, unless the reply is said to be capped). */
static const char *netlink_sentence(const uint8_t *reply, size_t size)
{
    struct nlmsghdr header, refused;
    memcpy(&header, reply, sizeof(header));
    memcpy(&refused, reply + NLMSG_LENGTH(0) + offsetof(struct nlmsgerr, msg), sizeof(refused));
    size_t at = NLMSG_LENGTH(sizeof(struct nlmsgerr));
    if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0)
        return NULL;
    if ((header.nlmsg_flags & NLM_F_CAPPED) == 0 && refused.nlmsg_len >= sizeof(refused))
        at += NLMSG_ALIGN(refused.nlmsg_len) - sizeof(refused);
    while (at + sizeof(struct nlattr) <= size) {
        struct nlattr attribute;
        memcpy(&attribute, reply + at, sizeof(attribute));
        if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > size - at)
            return NULL;
        const char *text = (const char *)reply + at + sizeof(attribute);
        if (attribute.nla_type == NLMSGERR_ATTR_MSG && memchr(text, 0, attribute.nla_len - sizeof(attribute)) != NULL)
            return text;
        at += NLMSG_ALIGN(attribute.nla_len);
    }
    return NULL;
}

static int netlink_open(void)
{
    static const int on = 1;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)); /* only for its sentence */
    if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) == 0)
        return fd;
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

/* Sends a request and reads its acknowledgement. Returns 0 or errno; the kernel's sentence, if any, into `sentence`. */
static int netlink_exchange(const struct netlink_request *request, char *sentence, size_t sentence_bytes)
{
    uint8_t reply[1024];
    struct nlmsghdr header;
    int fd = netlink_open(), answer = 0;
    sentence[0] = '\0';
    if (fd < 0)
        return errno;
    ssize_t size = send(fd, request, request->header.nlmsg_len, 0);
    if (size >= 0)
        size = recv(fd, reply, sizeof(reply), 0);
    int number = errno;
    close(fd);
    if (size < 0)
        return number;
    if ((size_t)size < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
        return EPROTO;
    memcpy(&header, reply, sizeof(header));
    if (header.nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    memcpy(&answer, reply + NLMSG_LENGTH(0), sizeof(answer));
    const char *text = netlink_sentence(reply, (size_t)size);
    if (text != NULL)
        strncat(sentence, text, sentence_bytes - 1);
    return -answer;
}

static enum tcpip_error netlink_run(const struct netlink_request *request, const char *what, const char *name,
                                    struct tcpip_system_error *why)
{
    char sentence[80];
    int number = netlink_exchange(request, sentence, sizeof(sentence));
    if (number == 0)
        return TCPIP_OK;
    const char *advice = sentence[0] != '\0' ? sentence
                         : number == EPERM   ? "run as root, or in a network namespace of your own"
                                             : NULL;
    tcpip__system_error(why, number, advice, "cannot %s %s", what, name);
    return tcpip__system_error_code(number);
}

/* 0 and an error: no interface of that name. */
static unsigned netlink_index(const char *name, struct tcpip_system_error *why)
{
    unsigned index = if_nametoindex(name);
    if (index == 0)
        tcpip__system_error(why, ENODEV, NULL, "no interface %s in this network namespace", name);
    return index;
}

enum tcpip_error tcpip__netlink_set_link(const char *name, bool up, uint32_t mtu, struct tcpip_system_error *why)
{
    struct netlink_request request = netlink_begin(RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
    unsigned index = netlink_index(name, why);
    if (index == 0)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    request.body.link = (struct ifinfomsg){
        .ifi_family = AF_UNSPEC,
        .ifi_index = (int)index,
        .ifi_flags = up ? IFF_UP : 0,
        .ifi_change = IFF_UP,
    };
    if (mtu != 0)
        netlink_attribute(&request, IFLA_MTU, &mtu, sizeof(mtu));
    return netlink_run(&request, up ? "bring up" : "take down", name, why);
}

enum tcpip_error tcpip__netlink_add_veth(const char *name, const char *peer, struct tcpip_system_error *why)
{
    struct netlink_request request = netlink_begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    static const char kind[] = "veth";
    if (strlen(name) >= IF_NAMESIZE || strlen(peer) >= IF_NAMESIZE) {
        tcpip__system_error(why, EINVAL, NULL, "cannot make %s and %s", name, peer);
        return TCPIP_ERR_INVALID_ARGUMENT;
    }
    netlink_attribute(&request, IFLA_IFNAME, name, strlen(name) + 1);
    size_t info = netlink_nest(&request, IFLA_LINKINFO);
    netlink_attribute(&request, IFLA_INFO_KIND, kind, sizeof(kind));
    size_t data = netlink_nest(&request, IFLA_INFO_DATA);
    size_t other = netlink_nest(&request, VETH_INFO_PEER);
    request.header.nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof(struct ifinfomsg)); /* of zeros */
    netlink_attribute(&request, IFLA_IFNAME, peer, strlen(peer) + 1);
    netlink_end(&request, other);
    netlink_end(&request, data);
    netlink_end(&request, info);
    return netlink_run(&request, "make", name, why);
}

enum tcpip_error tcpip__netlink_delete_link(const char *name, struct tcpip_system_error *why)
{
    struct netlink_request request = netlink_begin(RTM_DELLINK, 0, sizeof(struct ifinfomsg));
    unsigned index = netlink_index(name, why);
    if (index == 0)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    request.body.link = (struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    return netlink_run(&request, "delete", name, why);
}

static uint8_t netlink_family(const struct tcpip_address *address)
{
    return address->len == 16 ? AF_INET6 : AF_INET;
}

/* Would the kernel take a packet to this address for its own? */
static bool netlink_is_local(const struct tcpip_address *address)
{
    struct netlink_request request = netlink_begin(RTM_GETROUTE, 0, sizeof(struct rtmsg));
    uint8_t reply[1024];
    struct nlmsghdr header = {0};
    struct rtmsg route = {0};
    int fd = netlink_open();
    if (fd < 0)
        return false;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.body.route = (struct rtmsg){.rtm_family = netlink_family(address), .rtm_dst_len = address->len * 8};
    netlink_attribute(&request, RTA_DST, address->bytes, address->len);
    ssize_t size = send(fd, &request, request.header.nlmsg_len, 0);
    if (size >= 0)
        size = recv(fd, reply, sizeof(reply), 0);
    close(fd);
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(route)))
        return false;
    memcpy(&header, reply, sizeof(header));
    memcpy(&route, reply + NLMSG_LENGTH(0), sizeof(route));
    return header.nlmsg_type == RTM_NEWROUTE && route.rtm_type == RTN_LOCAL;
}

/* Linux says that an IPv6 address is there, and makes its local route later, in a worker, although nothing is left to
 * be detected; until then packets to it are lost. On an interface that is down it makes none at all. */
static void netlink_await_local(const char *name, const struct tcpip_address *address)
{
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    strncat(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
    if (fd >= 0)
        close(fd);
    for (int tries = 0; up && tries < NETLINK_LOCAL_TRIES && !netlink_is_local(address); tries++)
        (void)poll(NULL, 0, 1);
}

enum tcpip_error tcpip__netlink_add_address(const char *name, const struct tcpip_prefix *prefix,
                                            struct tcpip_system_error *why)
{
    struct netlink_request request = netlink_begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifaddrmsg));
    unsigned index = netlink_index(name, why);
    if (index == 0)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    request.body.address = (struct ifaddrmsg){
        .ifa_family = netlink_family(&prefix->address),
        .ifa_prefixlen = prefix->bits,
        .ifa_flags = prefix->address.len == 16 ? IFA_F_NODAD : 0,
        .ifa_index = index,
    };
    netlink_attribute(&request, IFA_LOCAL, prefix->address.bytes, prefix->address.len);
    netlink_attribute(&request, IFA_ADDRESS, prefix->address.bytes, prefix->address.len);
    enum tcpip_error error = netlink_run(&request, "add an address to", name, why);
    if (error == TCPIP_OK && prefix->address.len == 16)
        netlink_await_local(name, &prefix->address);
    return error;
}

enum tcpip_error tcpip__netlink_add_route(const char *name, const struct tcpip_prefix *destination,
                                          const struct tcpip_address *gateway, struct tcpip_system_error *why)
{
    struct netlink_request request = netlink_begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct rtmsg));
    unsigned index = netlink_index(name, why);
    bool on_link = gateway == NULL || gateway->len == 0;
    if (index == 0)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    request.body.route = (struct rtmsg){
        .rtm_family = netlink_family(&destination->address),
        .rtm_dst_len = destination->bits,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
    netlink_attribute(&request, RTA_OIF, &index, sizeof(index));
    if (destination->bits > 0)
        netlink_attribute(&request, RTA_DST, destination->address.bytes, destination->address.len);
    if (!on_link)
        netlink_attribute(&request, RTA_GATEWAY, gateway->bytes, gateway->len);
    return netlink_run(&request, "add a route through", name, why);
}
