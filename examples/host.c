// SPDX-License-Identifier: MIT
/* host.c: a stack at 10.1.0.2 behind tun0: environment, link, address, route. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <tcpip/fdbased.h>
#include <tcpip/loop.h>

void must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

void host_open_tun(struct tcpip_tun *tun)
{
    struct tcpip_system_error why;
    struct tcpip_tun_options options = {.size = sizeof(options), .name = "tun0"};
    if (tcpip_tun_open(&options, tun, &why) != TCPIP_OK) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
}

static struct tcpip_link *tun_link(const struct tcpip_env *env, const struct tcpip_tun *tun)
{
    struct tcpip_fdbased_options options = tcpip_tun_link_options(tun);
    struct tcpip_link *link;
    options.owns_fd = true;
    must(tcpip_fdbased_new(env, &options, &link), "link");
    return link;
}

void host_open(struct host *host)
{
    struct tcpip_tun tun;
    host_open_tun(&tun);
    host_open_over(host, &tun);
}

void host_open_over(struct host *host, const struct tcpip_tun *tun)
{
    struct tcpip_prefix address;
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = 1};
    host->loop = NULL;
    tcpip_posix_env(&host->env);
    must(tcpip_stack_new(&host->env, NULL, &tcpip_protocols_all, &host->stack), "stack");
    host->link = tun_link(&host->env, tun);
    must(tcpip_stack_create_nic(host->stack, 1, host->link, NULL), "NIC");
    must(tcpip_prefix_parse("10.1.0.2/24", &address), "address");
    must(tcpip_stack_add_address(host->stack, 1, &address, NULL), "address");
    must(tcpip_stack_add_route(host->stack, &everywhere), "route");
}

bool host_send_tun(int to, const struct tcpip_tun *tun)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t)tun, sizeof(*tun)};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &tun->fd, sizeof(int));
    return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*tun);
}

bool host_receive_tun(int from, struct tcpip_tun *tun)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {tun, sizeof(*tun)};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    if (recvmsg(from, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*tun) ||
        CMSG_FIRSTHDR(&message) == NULL)
        return false;
    memcpy(&tun->fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return true;
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
