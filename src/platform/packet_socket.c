// SPDX-License-Identifier: MIT
/* packet_socket.c: opening a packet socket (AF_PACKET) on an Ethernet interface.
 *
 * The socket sees what the interface receives, beside the kernel's own stack, and sends what it likes. Two things on
 * the way in would be lies, and a filter in the kernel keeps them out: what this machine itself sends through the
 * interface (it isn't from the wire), and frames of VLANs (the kernel takes the tag off, and they'd look like untagged
 * ones).
 *
 * With virtio-net headers the kernel may hand over super-segments and unfinished sums, and takes such from us, whatever
 * the hardware can: it cuts and sums itself what the hardware doesn't.
 *
 * Owns: nothing; the descriptor is the caller's. Not here: reading and writing (fdbased.c). */
#include "base/math.h"
#include "link/wrap.h"
#include "platform/system_error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <unistd.h>

enum {
    PACKET_SOCKET_VNET_BYTES = 10, /* what PACKET_VNET_HDR means */
    FANOUT_MODE = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG << 8,
};

static enum tcpip_error packet_socket_fail(struct tcpip_system_error *why, int fd, int number, const char *advice,
                                           const char *what, const char *name)
{
    if (fd >= 0)
        close(fd);
    tcpip__system_error(why, number, advice, "%s%s", what, name);
    return tcpip__system_error_code(number);
}

static const char *packet_socket_advice(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return "run as root or with CAP_NET_RAW, or in a network namespace of your own (unshare -rn)";
    case EAFNOSUPPORT:
        return "load the kernel module 'af_packet' (modprobe af_packet)";
    default:
        return NULL;
    }
}

/* Returns 0 or errno. */
static int packet_socket_filter(int fd)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 3, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = array_count(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ? 0 : errno;
}

/* Address and kind of the interface. Returns 0 or errno. */
static int packet_socket_describe(int fd, struct tcpip_packet_socket *out)
{
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    memcpy(request.ifr_name, out->name, sizeof(out->name));
    if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
        return errno;
    if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER && request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
        return EOPNOTSUPP;
    out->address.len = 6;
    memcpy(out->address.bytes, request.ifr_hwaddr.sa_data, 6);
    return 0;
}

/* All that must stand before the first packet comes. Returns 0 or errno. */
static int packet_socket_prepare(int fd, const struct tcpip_packet_socket_options *options, unsigned index,
                                 struct tcpip_packet_socket *out)
{
    static const int on = 1;
    struct packet_mreq promiscuous = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    int number = packet_socket_filter(fd);
    if (number != 0)
        return number;
    if (options->vnet) {
        if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) != 0)
            return errno;
        out->vnet_header_bytes = PACKET_SOCKET_VNET_BYTES;
        out->flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6;
    }
    if (options->promiscuous &&
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) != 0)
        return errno;
    return 0;
}

/* From here on packets come in. Returns 0 or errno. */
static int packet_socket_begin(int fd, const struct tcpip_packet_socket_options *options, unsigned index)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    uint32_t fanout = (uint32_t)FANOUT_MODE << 16 | options->fanout_group;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return errno;
    if (options->fanout && setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof(fanout)) != 0)
        return errno;
    return 0;
}

enum tcpip_error tcpip_packet_socket_open(const struct tcpip_packet_socket_options *given,
                                          struct tcpip_packet_socket *out, struct tcpip_system_error *why)
{
    struct tcpip_packet_socket_options options = {0};
    memcpy(&options, given, min_size(given->size, sizeof(options)));
    const char *name = options.name != NULL ? options.name : "";
    *out = (struct tcpip_packet_socket){.fd = -1};
    unsigned index = strlen(name) < sizeof(out->name) ? if_nametoindex(name) : 0;
    if (index == 0) {
        (void)packet_socket_fail(why, -1, ENODEV, "'ip link' lists them", "no interface is called ", name);
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    }
    memcpy(out->name, name, strlen(name));
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* of protocol 0: nothing comes yet */
    if (fd < 0)
        return packet_socket_fail(why, fd, errno, packet_socket_advice(errno), "cannot open a packet socket for ",
                                  name);
    int number = packet_socket_describe(fd, out);
    if (number != 0)
        return packet_socket_fail(why, fd, number, "packet sockets are for Ethernet: use a TUN", "cannot use ", name);
    number = packet_socket_prepare(fd, &options, index, out);
    if (number == 0)
        number = packet_socket_begin(fd, &options, index);
    if (number != 0)
        return packet_socket_fail(why, fd, number,
                                  options.fanout ? "all sockets of a fan-out group are to be alike" : NULL,
                                  "cannot listen on ", name);
    enum tcpip_error error = tcpip_interface_mtu(name, &out->mtu, why);
    if (error != TCPIP_OK) {
        close(fd);
        return error;
    }
    out->fd = fd;
    return TCPIP_OK;
}

struct tcpip_fdbased_options tcpip_packet_socket_link_options(const struct tcpip_packet_socket *opened)
{
    return (struct tcpip_fdbased_options){
        .size = sizeof(struct tcpip_fdbased_options),
        .fd = opened->fd,
        .ethernet = true,
        .mtu = opened->mtu,
        .vnet_header_bytes = opened->vnet_header_bytes,
        .flags = opened->flags,
    };
}
