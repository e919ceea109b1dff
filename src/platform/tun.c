// SPDX-License-Identifier: MIT
/* tun.c: opening a TUN or TAP.
 *
 * With virtio-net headers two things are agreed upon: what the kernel may leave undone in what it hands us
 * (TUNSETOFFLOAD: checksums, segmentation), tried from everything down to nothing, since older kernels refuse what they
 * don't know; and what we may leave undone, which a kernel that has the headers takes as it comes. The header's fields
 * are little-endian wherever we run (TUNSETVNETLE).
 *
 * Owns: nothing; the descriptor is the caller's. Not here: addresses and routes of the interface (netlink.c). */
#include "base/math.h"
#include "link/wrap.h"
#include "platform/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <unistd.h>

enum {
    TUN_OFFLOAD_USO4 = 0x20, /* TUN_F_USO4, _USO6: Linux 6.2, newer than many <linux/if_tun.h> */
    TUN_OFFLOAD_USO6 = 0x40,
    TUN_OFFLOAD_TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
    TUN_NAME_BYTES = 16,
};

static enum tcpip_error tun_fail(struct tcpip_system_error *why, int fd, int number, const char *advice,
                                 const char *what, const char *name)
{
    if (fd >= 0)
        close(fd);
    tcpip__system_error(why, number, advice, "%s%s", what, name);
    return tcpip__system_error_code(number);
}

static const char *tun_open_advice(int number)
{
    switch (number) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return "load the kernel module 'tun' (modprobe tun), and have /dev/net/tun (mknod /dev/net/tun c 10 200)";
    case EACCES:
    case EPERM:
        return "run as root, or let this user open it (chmod 666 /dev/net/tun)";
    default:
        return NULL;
    }
}

static const char *tun_attach_advice(int number)
{
    switch (number) {
    case EPERM:
        return "run as root or with CAP_NET_ADMIN, in a network namespace of your own (unshare -rn), or have the "
               "interface made for you (ip tuntap add NAME mode tun user YOU)";
    case EBUSY:
        return "another program has it open; choose another name, or multi-queue in both";
    case EINVAL:
        return "an interface of that name is of another kind (TUN or TAP, multi-queue or not), or the name is bad";
    default:
        return NULL;
    }
}

/* The interface. Returns 0 or errno. */
static int tun_attach(int fd, const struct tcpip_tun_options *options, struct tcpip_tun *out)
{
    struct ifreq request;
    unsigned features = 0;
    memset(&request, 0, sizeof(request));
    if (ioctl(fd, TUNGETFEATURES, &features) != 0)
        return errno;
    out->kernel_features = features;
    unsigned flags = (options->tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (options->vnet ? IFF_VNET_HDR : 0u) |
                     (options->multi_queue ? IFF_MULTI_QUEUE : 0u);
    if ((flags & ~features) != 0)
        return EOPNOTSUPP;
    const char *name = options->name != NULL ? options->name : options->tap ? "tap%d" : "tun%d";
    if (strlen(name) >= TUN_NAME_BYTES)
        return EINVAL;
    memcpy(request.ifr_name, name, strlen(name));
    request.ifr_flags = (short)flags;
    if (ioctl(fd, TUNSETIFF, &request) != 0)
        return errno;
    memcpy(out->name, request.ifr_name, TUN_NAME_BYTES);
    out->name[TUN_NAME_BYTES - 1] = '\0';
    return 0;
}

/* Headers and offloads. Returns 0 or errno. */
static int tun_set_vnet(int fd, const struct tcpip_tun_options *options, struct tcpip_tun *out)
{
    static const unsigned offloads[] = {
        TUN_OFFLOAD_TSO | TUN_F_TSO_ECN | TUN_OFFLOAD_USO4 | TUN_OFFLOAD_USO6,
        TUN_OFFLOAD_TSO | TUN_F_TSO_ECN,
        TUN_OFFLOAD_TSO,
        TUN_F_CSUM,
        0,
    };
    int bytes = options->vnet_header_bytes != 0 ? (int)options->vnet_header_bytes : 10, little_endian = 1;
    if (bytes != 10 && bytes != 12)
        return EINVAL;
    if (ioctl(fd, TUNSETVNETHDRSZ, &bytes) != 0 || ioctl(fd, TUNSETVNETLE, &little_endian) != 0)
        return errno;
    size_t try = options->udp_segmentation ? 0 : 1;
    while (try < array_count(offloads) && ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads[try]) != 0)
        try++;
    out->vnet_header_bytes = (uint32_t)bytes;
    out->flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6;
    if (try == 0) /* a kernel that gives UDP super-segments takes them too */
        out->flags |= TCPIP_LINK_USO;
    return 0;
}

enum tcpip_error tcpip_tun_open(const struct tcpip_tun_options *given, struct tcpip_tun *out,
                                struct tcpip_system_error *why)
{
    struct tcpip_tun_options options = {0};
    if (given != NULL)
        memcpy(&options, given, min_size(given->size, sizeof(options)));
    const char *name = options.name != NULL ? options.name : options.tap ? "tap%d" : "tun%d";
    *out = (struct tcpip_tun){.fd = -1, .tap = options.tap};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tun_fail(why, fd, errno, tun_open_advice(errno), "cannot open /dev/net/tun", "");
    int number = tun_attach(fd, &options, out);
    if (number != 0)
        return tun_fail(why, fd, number, tun_attach_advice(number), "cannot make or attach to ", name);
    number = options.vnet ? tun_set_vnet(fd, &options, out) : 0;
    if (number != 0)
        return tun_fail(why, fd, number, "open it without", "cannot have virtio-net headers on ", name);
    enum tcpip_error error = tcpip_interface_mtu(out->name, &out->mtu, why);
    if (error != TCPIP_OK) {
        close(fd);
        return error;
    }
    out->fd = fd;
    return TCPIP_OK;
}

struct tcpip_fdbased_options tcpip_tun_link_options(const struct tcpip_tun *tun)
{
    return (struct tcpip_fdbased_options){
        .size = sizeof(struct tcpip_fdbased_options),
        .fd = tun->fd,
        .ethernet = tun->tap,
        .mtu = tun->mtu,
        .vnet_header_bytes = tun->vnet_header_bytes,
        .flags = tun->flags,
    };
}

enum tcpip_error tcpip_interface_mtu(const char *name, uint32_t *out, struct tcpip_system_error *why)
{
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    if (strlen(name) < TUN_NAME_BYTES)
        memcpy(request.ifr_name, name, strlen(name));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* of any family: the request isn't about it */
    if (fd < 0)
        return tun_fail(why, fd, errno, NULL, "cannot ask for the MTU of ", name);
    if (ioctl(fd, SIOCGIFMTU, &request) != 0) {
        (void)tun_fail(why, fd, errno, NULL, "cannot ask for the MTU of ", name);
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    }
    close(fd);
    *out = (uint32_t)request.ifr_mtu;
    return TCPIP_OK;
}
