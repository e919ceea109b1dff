// SPDX-License-Identifier: MIT
/* host.c: a stack at 10.1.0.2 behind tun0: environment, link, address, route. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <tcpip/fdbased.h>
#include <tcpip/loop.h>

void must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

static struct tcpip_link *open_tun(const struct tcpip_env *env)
{
    struct tcpip_tun tun;
    struct tcpip_link *link;
    struct tcpip_system_error why;
    struct tcpip_tun_options options = {.size = sizeof(options), .name = "tun0"};
    if (tcpip_tun_open(&options, &tun, &why) != TCPIP_OK) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    struct tcpip_fdbased_options link_options = tcpip_tun_link_options(&tun);
    link_options.owns_fd = true;
    must(tcpip_fdbased_new(env, &link_options, &link), "link");
    return link;
}

void host_open(struct host *host)
{
    struct tcpip_prefix address;
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = 1};
    host->loop = NULL;
    tcpip_posix_env(&host->env);
    must(tcpip_stack_new(&host->env, NULL, &tcpip_protocols_all, &host->stack), "stack");
    host->link = open_tun(&host->env);
    must(tcpip_stack_create_nic(host->stack, 1, host->link, NULL), "NIC");
    must(tcpip_prefix_parse("10.1.0.2/24", &address), "address");
    must(tcpip_stack_add_address(host->stack, 1, &address, NULL), "address");
    must(tcpip_stack_add_route(host->stack, &everywhere), "route");
}

struct tcpip_loop *host_loop(struct host *host)
{
    must(tcpip_loop_new(&host->env, NULL, &host->loop), "loop");
    must(tcpip_loop_add_stack(host->loop, host->stack), "loop");
    must(tcpip_loop_add_link(host->loop, host->link), "loop");
    return host->loop;
}

void host_close(struct host *host)
{
    if (host->loop != NULL)
        tcpip_loop_free(host->loop);
    tcpip_stack_free(host->stack);
    tcpip_fdbased_free(host->link);
}
