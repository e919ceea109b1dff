// SPDX-License-Identifier: MIT
/* server.c: a server and its connections within one stack, over its loopback NIC: what p4, p5, p6 and p11 stand on.
 *
 * Not here: what is measured (connections.c, growth.c). */
#include "bench.h"

enum { MESSAGE = 64 };

void bench_server_init(struct bench_server *server)
{
    server->stack = bench_loopback_stack(&server->env, &server->link, 0);
    server->address = (struct tcpip_full_address){.address = tcpip_address_v4(127, 0, 0, 1), .port = 80};
    bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &server->listener),
               "endpoint");
    bench_must(tcpip_endpoint_bind(server->listener, &server->address, NULL, NULL), "bind");
    bench_must(tcpip_endpoint_listen(server->listener, 1024), "listen");
}

void bench_server_fini(struct bench_server *server)
{
    tcpip_stack_free(server->stack);
    tcpip_loopback_free(server->link);
}

void bench_server_connect(struct bench_server *server, struct tcpip_endpoint **client, struct tcpip_endpoint **accepted)
{
    bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client), "endpoint");
    enum tcpip_error error = tcpip_endpoint_connect(*client, &server->address);
    bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
    bench_must(tcpip_endpoint_accept(server->listener, accepted, NULL), "accept");
}

void bench_exchange(struct tcpip_endpoint *client, struct tcpip_endpoint *server)
{
    uint8_t message[MESSAGE] = {1};
    size_t done;
    bench_must(tcpip_endpoint_write(client, message, MESSAGE, 0, NULL, &done), "request");
    bench_must(tcpip_endpoint_read(server, message, MESSAGE, &done, NULL), "request");
    bench_must(tcpip_endpoint_write(server, message, MESSAGE, 0, NULL, &done), "answer");
    bench_must(tcpip_endpoint_read(client, message, MESSAGE, &done, NULL), "answer");
}

/* Connections from different source addresses, so that no 4-tuple runs out: 127.0.0.2 and on. */
void bench_server_connections(struct bench_server *server, uint32_t count, struct tcpip_endpoint **out)
{
    enum { PER_ADDRESS = 20000 };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t host = 2 + i / PER_ADDRESS;
        struct tcpip_full_address from = {
            .address = tcpip_address_v4(127, 0, (uint8_t)(host >> 8), (uint8_t)host),
            .port = (uint16_t)(1024 + i % PER_ADDRESS),
        };
        struct tcpip_prefix prefix = {.address = from.address, .bits = 8};
        if (i % PER_ADDRESS == 0)
            bench_must(tcpip_stack_add_address(server->stack, 1, &prefix, NULL), "address");
        bench_must(tcpip_stack_new_endpoint(server->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &out[2 * i]),
                   "endpoint");
        bench_must(tcpip_endpoint_bind(out[2 * i], &from, NULL, NULL), "bind");
        enum tcpip_error error = tcpip_endpoint_connect(out[2 * i], &server->address);
        bench_must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
        bench_must(tcpip_endpoint_accept(server->listener, &out[2 * i + 1], NULL), "accept");
    }
}
