// SPDX-License-Identifier: MIT
/* echo.c: TCP in user space: a server at 10.1.0.2, port 7, behind tun0, that gives back what it gets. */
#include <tcpip/fdbased.h>
#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

#include <stdio.h>
#include <stdlib.h>

struct session { /* of a connection, or the listener's */
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    size_t from, to; /* of data: read and not yet written */
    char data[16384];
};

static void must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "echo: %s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

static void start(struct tcpip_endpoint *endpoint, void (*fn)(struct tcpip_waiter *, uint32_t))
{
    struct session *session = calloc(1, sizeof(*session));
    must(session == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "session");
    session->endpoint = endpoint;
    session->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = fn};
    tcpip_endpoint_waiter_add(endpoint, &session->waiter);
    fn(&session->waiter, 0); /* for what came before it was registered */
}

static void on_connection(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct session *session = TCPIP_CONTAINER_OF(waiter, struct session, waiter);
    enum tcpip_error error = TCPIP_OK;
    (void)ready;
    while (error == TCPIP_OK) {
        if (session->from == session->to) {
            session->from = 0;
            error = tcpip_endpoint_read(session->endpoint, session->data, sizeof(session->data), &session->to, NULL);
        } else {
            size_t done, size = session->to - session->from;
            error = tcpip_endpoint_write(session->endpoint, session->data + session->from, size, 0, NULL, &done);
            session->from += done;
        }
    }
    if (error == TCPIP_ERR_WOULD_BLOCK)
        return; /* the waiter hears when there is more to read, or room to write */
    tcpip_endpoint_close(session->endpoint);
    free(session);
}

static void on_listener(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct tcpip_endpoint *connection;
    (void)ready;
    while (tcpip_endpoint_accept(TCPIP_CONTAINER_OF(waiter, struct session, waiter)->endpoint, &connection, NULL) ==
           TCPIP_OK)
        start(connection, on_connection);
}

int main(void)
{
    struct tcpip_env env;
    struct tcpip_stack *stack;
    struct tcpip_loop *loop;
    struct tcpip_tun tun;
    struct tcpip_link *link;
    struct tcpip_endpoint *listener;
    struct tcpip_prefix address;
    struct tcpip_tun_options tun_options = {.size = sizeof(tun_options), .name = "tun0"};
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = 1};
    struct tcpip_full_address port7 = {.port = 7};

    tcpip_posix_env(&env);
    must(tcpip_stack_new(&env, NULL, &tcpip_protocols_all, &stack), "stack");
    must(tcpip_tun_open(&tun_options, &tun, NULL), "tun0");
    struct tcpip_fdbased_options link_options = tcpip_tun_link_options(&tun);
    must(tcpip_fdbased_new(&env, &link_options, &link), "link");
    must(tcpip_stack_create_nic(stack, 1, link, NULL), "NIC");
    must(tcpip_prefix_parse("10.1.0.2/24", &address), "address");
    must(tcpip_stack_add_address(stack, 1, &address, NULL), "address");
    must(tcpip_stack_add_route(stack, &everywhere), "route");

    must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), "endpoint");
    must(tcpip_endpoint_bind(listener, &port7, NULL, NULL), "bind");
    must(tcpip_endpoint_listen(listener, 128), "listen");
    start(listener, on_listener);

    must(tcpip_loop_new(&env, NULL, &loop), "loop");
    must(tcpip_loop_add_stack(loop, stack), "loop");
    must(tcpip_loop_add_link(loop, link), "loop");
    tcpip_loop_run(loop); /* until it is killed */
}
