// SPDX-License-Identifier: MIT
/* foreign_loop.c: a stack in a loop that knows nothing of it: plain poll(2), and a client in the manner of netcat.
 *
 *     foreign_loop ADDRESS PORT       from 10.1.0.2 behind tun0; standard input goes out, what comes goes to standard
 *                                     output; ends when the peer has ended, or with what went wrong
 *
 * What any loop owes a stack is in main: sleep no longer than tcpip_stack_deadline() says; read the link when its
 * descriptor is readable, write it when it asked for that; advance. No waiters here: after each round the program looks
 * for itself what the endpoint can do. */
#include "host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/fdbased.h>
#include <unistd.h>

struct client {
    struct tcpip_endpoint *endpoint;
    bool connected, input_ended, shut, ended;
    size_t from, to; /* of data: read from standard input and not yet written */
    char data[16384];
};

static void call(struct client *client, struct tcpip_stack *stack, const char *address, const char *port)
{
    struct tcpip_full_address to = {.port = (uint16_t)strtoul(port, NULL, 10)};
    must(tcpip_address_parse(address, &to.address), address);
    must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client->endpoint), "endpoint");
    enum tcpip_error error = tcpip_endpoint_connect(client->endpoint, &to);
    must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
}

/* Is it connected now? How a connect went is told by the ERROR option. */
static void client_connect(struct client *client)
{
    int64_t error = 0;
    if (tcpip_endpoint_readiness(client->endpoint, TCPIP_EVENT_OUT) == 0)
        return;
    must(tcpip_endpoint_get_option(client->endpoint, TCPIP_OPTION_ERROR, &error), "option");
    must((enum tcpip_error)error, "connect");
    client->connected = true;
}

static void client_send(struct client *client)
{
    size_t done = 0;
    enum tcpip_error error = TCPIP_OK;
    if (client->from < client->to)
        error = tcpip_endpoint_write(client->endpoint, client->data + client->from, client->to - client->from, 0, NULL,
                                     &done);
    must(error == TCPIP_ERR_WOULD_BLOCK ? TCPIP_OK : error, "write");
    client->from += done;
    if (client->input_ended && client->from == client->to && !client->shut) {
        must(tcpip_endpoint_shutdown(client->endpoint, TCPIP_SHUTDOWN_WRITE), "shutdown");
        client->shut = true;
    }
}

static void client_receive(struct client *client)
{
    char buffer[16384];
    size_t done;
    enum tcpip_error error;
    while ((error = tcpip_endpoint_read(client->endpoint, buffer, sizeof(buffer), &done, NULL)) == TCPIP_OK)
        fwrite(buffer, 1, done, stdout);
    client->ended = error == TCPIP_ERR_CLOSED_FOR_RECEIVE;
    must(client->ended || error == TCPIP_ERR_WOULD_BLOCK ? TCPIP_OK : error, "read");
}

static void client_read_input(struct client *client)
{
    ssize_t got = read(STDIN_FILENO, client->data, sizeof(client->data));
    client->from = 0;
    client->to = got > 0 ? (size_t)got : 0;
    client->input_ended = got <= 0;
}

/* poll's milliseconds until the stack needs us; rounded up, so as not to spin for the last one. */
static int patience(struct tcpip_stack *stack)
{
    tcpip_ns deadline = tcpip_stack_deadline(stack), now = tcpip_stack_now(stack);
    if (deadline <= now)
        return 0;
    tcpip_ns ms = (deadline - now - 1) / TCPIP_MS + 1;
    return deadline == TCPIP_NEVER ? -1 : ms < 60000 ? (int)ms : 60000;
}

int main(int argc, char **argv)
{
    static struct client client;
    struct host host;
    if (argc != 3) {
        fprintf(stderr, "usage: foreign_loop ADDRESS PORT\n");
        return 2;
    }
    host_open(&host);
    struct tcpip_stack *stack = host.stack;
    struct tcpip_link *link = host.link;
    call(&client, stack, argv[1], argv[2]);

    while (!client.ended) {
        bool hungry = client.connected && client.from == client.to && !client.input_ended;
        struct pollfd fds[2] = {
            {.fd = tcpip_fdbased_fd(link), .events = POLLIN},
            {.fd = hungry ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (tcpip_fdbased_wants_write(link))
            fds[0].events |= POLLOUT;
        (void)!poll(fds, 2, patience(stack));

        tcpip_stack_enter(stack); /* one turn for all of it: what is written leaves in one flush */
        if (fds[0].revents & POLLIN)
            (void)tcpip_fdbased_read(link, 64);
        else if (fds[0].revents & (POLLERR | POLLHUP))
            tcpip_fdbased_hang_up(link);
        if (fds[0].revents & POLLOUT)
            tcpip_fdbased_write_ready(link);
        (void)tcpip_stack_advance(stack, 0);
        if (fds[1].revents != 0)
            client_read_input(&client);
        if (!client.connected)
            client_connect(&client);
        if (client.connected) {
            client_send(&client);
            client_receive(&client);
        }
        tcpip_stack_leave(stack);
    }
    tcpip_endpoint_close(client.endpoint);
    host_close(&host);
    return 0;
}
