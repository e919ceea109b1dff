// SPDX-License-Identifier: MIT
/* host_link.c: the interface that the command line asks for.
 *
 *     NIC  ->  Ethernet (not TUN)  ->  sniffer (--pcap)  ->  faults (--fault)  ->  TUN, TAP or packet socket
 *
 * So a capture shows what the stack sent and what it received: after the faults of one direction and before those of
 * the other; with Ethernet headers where there are any.
 *
 * Offload is asked for wherever it can be had. A fault is to hit one packet, not forty: then it isn't.
 *
 * Owns:        the links, the descriptor (through its link), the capture file.
 * Not here:    the namespace (src/platform/netns.c), the stack's addresses and routes (host.c). */
#include "host.h"

#include "platform/netlink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HOST_RING_BYTES = 8 << 20 };

/* ---- the descriptor ---- */

static struct tcpip_tun_options tun_options(const struct options *options, bool offload)
{
    return (struct tcpip_tun_options){
        .size = sizeof(struct tcpip_tun_options),
        .name = options->interface,
        .tap = options->ethernet,
        .vnet = offload,
    };
}

static enum tcpip_error open_netns(struct host *host, bool offload, struct tcpip_system_error *why)
{
    const struct options *options = host->options;
    struct netns_options netns = {
        .tun = tun_options(options, offload),
        .mtu = options->mtu,
        .addresses = options->host_addresses.prefix,
        .address_count = options->host_addresses.count,
        .argv = options->program,
    };
    enum tcpip_error error = tcpip__netns_spawn(&netns, &host->child, why);
    if (error != TCPIP_OK)
        return error;
    host->child_alive = true;
    host->tun = host->child.tun;
    return TCPIP_OK;
}

/* The kernel's side, if it is to be touched at all. */
static enum tcpip_error configure_tun(struct host *host, struct tcpip_system_error *why)
{
    const struct options *options = host->options;
    enum tcpip_error error = TCPIP_OK;
    if (options->mtu == 0 && options->host_addresses.count == 0)
        return TCPIP_OK;
    error = tcpip__netlink_set_link(host->tun.name, true, options->mtu, why);
    for (uint32_t i = 0; error == TCPIP_OK && i < options->host_addresses.count; i++)
        error = tcpip__netlink_add_address(host->tun.name, &options->host_addresses.prefix[i], why);
    if (error == TCPIP_OK)
        error = tcpip_interface_mtu(host->tun.name, &host->tun.mtu, why);
    return error;
}

static enum tcpip_error open_tun(struct host *host, bool offload, struct tcpip_system_error *why)
{
    struct tcpip_tun_options options = tun_options(host->options, offload);
    enum tcpip_error error = tcpip_tun_open(&options, &host->tun, why);
    if (error != TCPIP_OK)
        return error;
    error = configure_tun(host, why);
    if (error != TCPIP_OK) {
        close(host->tun.fd);
        host->tun.fd = -1;
    }
    return error;
}

/* As if it were a TAP, but for its address: there is a machine behind the interface, and others know it. */
static enum tcpip_error open_packet(struct host *host, bool offload, struct tcpip_system_error *why)
{
    struct tcpip_packet_socket_options options = {
        .size = sizeof(options), .name = host->options->interface, .vnet = offload};
    struct tcpip_packet_socket opened;
    enum tcpip_error error = tcpip_packet_socket_open(&options, &opened, why);
    if (error != TCPIP_OK)
        return error;
    host->tun = (struct tcpip_tun){.fd = opened.fd,
                                   .tap = true,
                                   .mtu = opened.mtu,
                                   .vnet_header_bytes = opened.vnet_header_bytes,
                                   .flags = opened.flags};
    memcpy(host->tun.name, opened.name, sizeof(host->tun.name));
    host->address = opened.address;
    return TCPIP_OK;
}

static int open_device(struct host *host)
{
    const struct options *options = host->options;
    enum tcpip_error (*open)(struct host *, bool, struct tcpip_system_error *) =
        options->link == OPTIONS_NETNS    ? open_netns
        : options->link == OPTIONS_PACKET ? open_packet
                                          : open_tun;
    bool offload = !options->no_offload && !options->faulty;
    struct tcpip_system_error why = {0};
    enum tcpip_error error = open(host, offload, &why);
    /* An interface that was made without virtio-net headers, or a kernel that has none, does without. */
    if (offload && (error == TCPIP_ERR_NOT_SUPPORTED || error == TCPIP_ERR_INVALID_ARGUMENT))
        error = open(host, false, &why);
    if (error == TCPIP_OK)
        return EXIT_GOOD;
    host_say(host, "%s", why.text[0] != '\0' ? why.text : tcpip_error_text(error));
    return EXIT_FAILED;
}

/* ---- what is put on top ---- */

static void write_capture(void *ctx, const void *bytes, size_t size)
{
    (void)!fwrite(bytes, 1, size, ctx); /* the stream remembers a failure; host_link_free tells of it */
}

static bool open_capture(struct host *host)
{
    const struct options *options = host->options;
    host->capture = fopen(options->capture, "wb");
    if (host->capture == NULL) {
        host_say(host, "cannot write %s: %s", options->capture, strerror(errno));
        return false;
    }
    struct tcpip_sniffer_options sniffer = {
        .size = sizeof(sniffer),
        .ethernet = options->ethernet,
        .name = host->tun.name,
        .write = write_capture,
        .ctx = host->capture,
    };
    host->sniffer = tcpip_sniffer_new(&host->env, host_link_top(host), &sniffer);
    return host->sniffer != NULL;
}

static struct tcpip_link_address own_link_address(struct host *host)
{
    struct tcpip_link_address address = {.len = 6};
    if (host->address.len > 0)
        return host->address;
    host->env.random(host->env.ctx, address.bytes, 6);
    address.bytes[0] = (uint8_t)((address.bytes[0] | 0x02) & 0xfe); /* locally administered, one station */
    return address;
}

struct tcpip_link *host_link_top(const struct host *host)
{
    return host->ethernet != NULL  ? host->ethernet
           : host->sniffer != NULL ? host->sniffer
           : host->fault != NULL   ? host->fault
                                   : host->device;
}

static bool open_links(struct host *host)
{
    struct tcpip_fdbased_options device = tcpip_tun_link_options(&host->tun);
    device.owns_fd = true;
    device.ring_bytes = host->options->ring ? HOST_RING_BYTES : 0;
    enum tcpip_error error = tcpip_fdbased_new(&host->env, &device, &host->device);
    if (error != TCPIP_OK) {
        host_say(host, "cannot use %s: %s", host->tun.name, tcpip_error_text(error));
        close(host->tun.fd);
        return false;
    }
    if (host->options->faulty) {
        host->fault = tcpip_fault_new(&host->env, host_link_top(host), &host->options->fault);
        if (host->fault == NULL)
            return false;
    }
    if (host->options->capture != NULL && !open_capture(host))
        return false;
    if (host->options->ethernet) {
        host->ethernet = tcpip_ethernet_new(&host->env, host_link_top(host), own_link_address(host));
        if (host->ethernet == NULL)
            return false;
    }
    return true;
}

int host_link_open(struct host *host)
{
    int status = open_device(host);
    if (status == EXIT_GOOD && !open_links(host))
        status = EXIT_FAILED;
    return status;
}

void host_link_free(struct host *host)
{
    if (host->ethernet != NULL)
        tcpip_ethernet_free(host->ethernet);
    if (host->sniffer != NULL)
        tcpip_sniffer_free(host->sniffer);
    if (host->fault != NULL)
        tcpip_fault_free(host->fault);
    if (host->device != NULL)
        tcpip_fdbased_free(host->device);
    if (host->capture == NULL)
        return;
    bool failed = ferror(host->capture) != 0;
    if (fclose(host->capture) != 0 || failed)
        host_say(host, "%s is incomplete: %s", host->options->capture, strerror(errno));
}
