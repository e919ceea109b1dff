// SPDX-License-Identifier: MIT
/* nics.c: the stack's NICs as socket calls name them: by name, by index (the NIC's id), by address; and the SIOCGIF
 * requests of ioctl.
 *
 * Owns:     nothing.
 * Not here: other requests (ioctl.c). */
#include "socket/nics.h"

#include "base/compiler.h"
#include "socket/ioctl.h"
#include "socket/sockets.h"
#include "stack/nic.h"
#include "stack/stack.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tcpip/stack.h>

enum {
    NIC_ADDRESSES_MAX = 64, /* looked at for one NIC's IPv4 address */
    NIC_QUEUE_TOLD = 1000,  /* packets; as the kernel's default */
    NIC_ARP_NONE = 0xfffe,  /* ARPHRD_NONE */
};

/* ---- finding ---- */

struct tcpip_nic *tcpip__nic_next(const struct tcpip_stack *stack, const struct tcpip_nic *nic)
{
    struct tcpip_list_node *node = nic == NULL ? stack->nics.head.next : nic->node.next;
    return node == &stack->nics.head ? NULL : container_of(node, struct tcpip_nic, node);
}

uint32_t tcpip__nic_by_name(const struct tcpip_stack *stack, const char *name)
{
    for (struct tcpip_nic *nic = NULL; (nic = tcpip__nic_next(stack, nic)) != NULL;)
        if (strcmp(nic->name, name) == 0)
            return nic->id;
    return 0;
}

bool tcpip__nic_primary_v4(const struct tcpip_stack *stack, uint32_t id, struct tcpip_prefix *out)
{
    struct tcpip_assigned_address addresses[NIC_ADDRESSES_MAX];
    size_t n = tcpip_stack_addresses(stack, addresses, NIC_ADDRESSES_MAX);
    for (size_t i = 0; i < n && i < NIC_ADDRESSES_MAX; i++) {
        if (addresses[i].nic != id || addresses[i].prefix.address.len != 4)
            continue;
        *out = addresses[i].prefix;
        return true;
    }
    return false;
}

/* ---- one NIC's answers ---- */

static void ifreq_address(struct ifreq *request, const uint8_t *bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    memcpy(&address.sin_addr, bytes, 4);
    memset(&request->ifr_addr, 0, sizeof(request->ifr_addr));
    memcpy(&request->ifr_addr, &address, sizeof(address));
}

/* An address of the NIC, its mask, or its broadcast address. */
static int ifreq_inet(const struct tcpip_stack *stack, uint32_t id, unsigned long what, struct ifreq *request)
{
    struct tcpip_prefix prefix;
    uint8_t bytes[4];
    if (!tcpip__nic_primary_v4(stack, id, &prefix))
        return EADDRNOTAVAIL;
    for (unsigned i = 0; i < 4; i++) {
        unsigned ones = prefix.bits >= 8 * (i + 1) ? 8 : prefix.bits > 8 * i ? prefix.bits - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> ones);
        uint8_t address = prefix.address.bytes[i];
        bytes[i] = what == SIOCGIFNETMASK   ? mask
                   : what == SIOCGIFBRDADDR ? (uint8_t)(address | (uint8_t)~mask)
                                            : address;
    }
    if (what == SIOCGIFBRDADDR && (prefix.bits >= 31 || tcpip_address_is_loopback(&prefix.address)))
        memset(bytes, 0, sizeof(bytes)); /* there is none */
    ifreq_address(request, bytes);
    return 0;
}

static short ifreq_flags(const struct tcpip_nic_info *info)
{
    int flags = 0;
    if (info->enabled)
        flags |= IFF_UP;
    if (info->enabled && info->link_up)
        flags |= IFF_RUNNING;
    if ((info->flags & TCPIP_LINK_LOOPBACK) != 0)
        flags |= IFF_LOOPBACK;
    else if ((info->flags & TCPIP_LINK_RESOLUTION) != 0)
        flags |= IFF_BROADCAST;
    else
        flags |= IFF_POINTOPOINT | IFF_NOARP;
    if ((info->flags & TCPIP_LINK_MULTICAST) != 0)
        flags |= IFF_MULTICAST;
    if (info->promiscuous)
        flags |= IFF_PROMISC;
    return (short)flags;
}

static void ifreq_link_address(const struct tcpip_nic_info *info, struct ifreq *request)
{
    struct sockaddr *address = &request->ifr_hwaddr;
    memset(address, 0, sizeof(*address));
    address->sa_family = (info->flags & TCPIP_LINK_LOOPBACK) != 0 ? ARPHRD_LOOPBACK
                         : info->link_address.len != 0            ? ARPHRD_ETHER
                                                                  : NIC_ARP_NONE;
    memcpy(address->sa_data, info->link_address.bytes, info->link_address.len);
}

static int ifreq_answer(const struct tcpip_stack *stack, unsigned long what, struct ifreq *request)
{
    struct tcpip_nic_info info;
    uint32_t id = tcpip__nic_by_name(stack, request->ifr_name);
    if (id == 0 || tcpip_stack_nic_info(stack, id, &info) != TCPIP_OK)
        return ENODEV;
    switch (what) {
    case SIOCGIFINDEX:
        request->ifr_ifindex = (int)id;
        return 0;
    case SIOCGIFFLAGS:
        request->ifr_flags = ifreq_flags(&info);
        return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFBRDADDR:
        return ifreq_inet(stack, id, what, request);
    case SIOCGIFMTU:
        request->ifr_mtu = (int)info.mtu;
        return 0;
    case SIOCGIFHWADDR:
        ifreq_link_address(&info, request);
        return 0;
    case SIOCGIFMETRIC:
        request->ifr_metric = 0;
        return 0;
    case SIOCGIFTXQLEN:
        request->ifr_qlen = NIC_QUEUE_TOLD;
        return 0;
    default:
        return EPERM; /* NICs are configured through the stack */
    }
}

static int ifreq_name(const struct tcpip_stack *stack, struct ifreq *request)
{
    struct tcpip_nic *nic = request->ifr_ifindex > 0 ? tcpip_stack_nic(stack, (uint32_t)request->ifr_ifindex) : NULL;
    if (nic == NULL)
        return ENODEV;
    memset(request->ifr_name, 0, sizeof(request->ifr_name));
    memcpy(request->ifr_name, nic->name, strlen(nic->name));
    return 0;
}

/* ---- all NICs with IPv4 addresses ---- */

static int nics_conf(struct tcpip_sockets *s, struct ifconf *conf)
{
    size_t room = conf->ifc_len > 0 ? (size_t)conf->ifc_len : 0, used = 0;
    bool counting = conf->ifc_buf == NULL; /* how much room would do */
    for (struct tcpip_nic *nic = NULL; (nic = tcpip__nic_next(s->stack, nic)) != NULL;) {
        struct tcpip_prefix prefix;
        struct ifreq request;
        if (!tcpip__nic_primary_v4(s->stack, nic->id, &prefix))
            continue;
        if (!counting && used + sizeof(request) > room)
            break;
        if (!counting) {
            memset(&request, 0, sizeof(request));
            memcpy(request.ifr_name, nic->name, strlen(nic->name));
            ifreq_address(&request, prefix.address.bytes);
            if (tcpip__pointer_writable(s, conf->ifc_buf + used, sizeof(request)) != 0)
                return EFAULT;
            memcpy(conf->ifc_buf + used, &request, sizeof(request));
        }
        used += sizeof(request);
    }
    conf->ifc_len = (int)used;
    return 0;
}

int tcpip__ioctl_nics(struct tcpip_sockets *s, unsigned long what, void *argument)
{
    if (what == SIOCGIFCONF) {
        struct ifconf conf;
        if (tcpip__pointer_writable(s, argument, sizeof(conf)) != 0)
            return EFAULT;
        memcpy(&conf, argument, sizeof(conf));
        int number = nics_conf(s, &conf);
        if (number == 0)
            memcpy(argument, &conf, sizeof(conf));
        return number;
    }
    struct ifreq request;
    if (tcpip__pointer_writable(s, argument, sizeof(request)) != 0)
        return EFAULT;
    memcpy(&request, argument, sizeof(request));
    request.ifr_name[IFNAMSIZ - 1] = '\0';
    int number = what == SIOCGIFNAME ? ifreq_name(s->stack, &request) : ifreq_answer(s->stack, what, &request);
    if (number == 0)
        memcpy(argument, &request, sizeof(request));
    return number;
}
