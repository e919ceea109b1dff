// SPDX-License-Identifier: MIT
/* accept_after_dial.c: as a VPN or tun2socks: each TCP connection that comes out of tun0, to whatever address, is
 * dialled with the host's sockets first, and answered only then. Who is refused there is refused here; else bytes are
 * carried both ways, each end of file on its own. What one side can't take stays with the other, whose window closes.
 */
#include "host.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/loop.h>
#include <unistd.h>

static struct host host;

struct flow {
    struct tcpip_waiter waiter;
    struct tcpip_tcp_forward_request *request; /* until there is a client */
    struct tcpip_endpoint *client;
    int server;
    struct tcpip_loop_fd *watch; /* NULL: the server has hung up, and what it left can be read without waiting */
    struct tcpip_view up;        /* lent by the client, and not all sent; length 0: nothing */
    bool server_ended, client_ended, client_full;
};

static void flow_end(struct flow *flow, bool broken)
{
    if (flow->watch != NULL)
        tcpip_loop_remove_fd(flow->watch);
    if (flow->up.length > 0)
        tcpip_buffer_unref(flow->up.buffer);
    if (flow->client != NULL) {
        must(tcpip_endpoint_set_option(flow->client, TCPIP_OPTION_LINGER, broken ? 0 : -1), "linger"); /* 0: a reset */
        tcpip_endpoint_close(flow->client);
    }
    close(flow->server);
    free(flow);
}

/* As far as it goes: what isn't taken was only peeked at. False: something broke. */
static bool server_to_client(struct flow *flow)
{
    static char data[65536];
    enum tcpip_error error = TCPIP_OK;
    while (!flow->server_ended && error == TCPIP_OK) {
        ssize_t got = recv(flow->server, data, sizeof(data), MSG_PEEK);
        size_t done = 0;
        if (got < 0)
            return errno == EAGAIN;
        flow->server_ended = got == 0;
        error = got == 0 ? tcpip_endpoint_shutdown(flow->client, TCPIP_SHUTDOWN_WRITE)
                         : tcpip_endpoint_write(flow->client, data, (size_t)got, 0, NULL, &done);
        flow->client_full = error == TCPIP_ERR_WOULD_BLOCK;
        (void)!recv(flow->server, data, done, MSG_TRUNC);
    }
    return error == TCPIP_OK || flow->client_full;
}

static bool client_to_server(struct flow *flow)
{
    while (!flow->client_ended) {
        size_t count = 1, done;
        enum tcpip_error error = TCPIP_OK;
        if (flow->up.length == 0)
            error = tcpip_endpoint_read_views(flow->client, &flow->up, &count, SIZE_MAX, &done, NULL);
        flow->client_ended = error == TCPIP_ERR_CLOSED_FOR_RECEIVE;
        if (error != TCPIP_OK)
            return error == TCPIP_ERR_WOULD_BLOCK || (flow->client_ended && shutdown(flow->server, SHUT_WR) == 0);
        ssize_t sent = send(flow->server, tcpip_view_data(&flow->up), flow->up.length, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        tcpip_view_trim_front(&flow->up, (uint32_t)sent);
        if (flow->up.length == 0)
            tcpip_buffer_unref(flow->up.buffer);
    }
    return true;
}

static void flow_run(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct flow *flow = TCPIP_CONTAINER_OF(waiter, struct flow, waiter);
    (void)ready;
    bool whole = server_to_client(flow) && client_to_server(flow);
    if (!whole || (flow->server_ended && flow->client_ended))
        flow_end(flow, !whole);
    else if (flow->watch != NULL)
        tcpip_loop_set_fd(flow->watch, (flow->server_ended || flow->client_full ? 0 : TCPIP_LOOP_READ) |
                                           (flow->up.length > 0 ? TCPIP_LOOP_WRITE : 0));
}

static enum tcpip_tcp_verdict refusal(int error)
{
    return error == ECONNREFUSED ? TCPIP_TCP_FORWARD_RESET : TCPIP_TCP_FORWARD_HOST_UNREACHABLE;
}

static void on_server(void *ctx, uint32_t events)
{
    struct flow *flow = ctx;
    int error = 0;
    if (flow->client == NULL) { /* the call is answered, and so is the client's */
        (void)getsockopt(flow->server, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof(error)});
        if (error != 0) {
            tcpip_tcp_forward_decide(host.stack, flow->request, refusal(error));
            flow_end(flow, true);
            return;
        }
        must(tcpip_stack_new_endpoint(host.stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6, &flow->client), "client");
        must(tcpip_tcp_forward_accept(host.stack, flow->request, flow->client), "accept");
        flow->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = flow_run};
        tcpip_endpoint_waiter_add(flow->client, &flow->waiter);
    } else if (events & TCPIP_LOOP_HANG_UP)
        flow->watch = (tcpip_loop_remove_fd(flow->watch), NULL);
    flow_run(&flow->waiter, 0);
}

static enum tcpip_tcp_verdict on_syn(void *ctx, struct tcpip_tcp_forward_request *request)
{
    struct tcpip_full_address to;
    tcpip_tcp_forward_addresses(request, &to, ctx);
    struct sockaddr_in6 server = {.sin6_family = AF_INET6, .sin6_port = htons(to.port)};
    memcpy(&server.sin6_addr, tcpip_address_to_mapped(&to.address).bytes, sizeof(server.sin6_addr));
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 && errno != EINPROGRESS)
        return close(fd), refusal(errno);
    struct flow *flow = calloc(1, sizeof(*flow));
    must(flow == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "flow");
    *flow = (struct flow){.request = request, .server = fd};
    must(tcpip_loop_add_fd(host.loop, fd, TCPIP_LOOP_WRITE, on_server, flow, &flow->watch), "watch");
    tcpip_tcp_forward_set_data(request, flow);
    return TCPIP_TCP_FORWARD_DEFER;
}

static void on_gone(void *ctx, struct tcpip_tcp_forward_request *request, enum tcpip_error why)
{
    (void)ctx, (void)why;
    flow_end(tcpip_tcp_forward_data(request), true);
}

int main(void)
{
    struct tcpip_tcp_forwarder forwarder = {.size = sizeof(forwarder), .on_syn = on_syn, .on_gone = on_gone};
    host_open(&host);
    must(tcpip_stack_set_promiscuous(host.stack, 1, true), "promiscuous"); /* packets to any address are ours, */
    must(tcpip_stack_set_spoofing(host.stack, 1, true), "spoofing");       /* and we send from any */
    must(tcpip_tcp_set_forwarder(host.stack, &forwarder), "forwarder");
    tcpip_loop_run(host_loop(&host));
}
