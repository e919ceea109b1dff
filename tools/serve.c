// SPDX-License-Identifier: MIT
/* serve.c: `tcpip serve`: a folder over HTTP/1.1, from this stack.
 *
 * Owns:        the listener, the root's descriptor.
 * Not here:    a connection (serve_conn.c), an answer (serve_reply.c), the files (serve_tree.c). */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SERVE_PORT = 80 };
#define SERVE_TIMEOUT (60 * TCPIP_SECOND)

static void on_listener(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct server *server = TCPIP_CONTAINER_OF(waiter, struct server, waiter);
    struct tcpip_endpoint *endpoint;
    (void)ready;
    while (tcpip_endpoint_accept(server->listener, &endpoint, NULL) == TCPIP_OK)
        connection_new(server, endpoint);
}

static void serve_until_end(struct server *server)
{
    struct connection *connection;
    tcpip_endpoint_waiter_add(server->listener, &server->waiter);
    server->host.ends_with_child = true;
    host_run(&server->host);
    tcpip_stack_enter(server->host.stack);
    tcpip_endpoint_close(server->listener);
    while ((connection = connection_first(server)) != NULL)
        connection_free(connection);
    tcpip_stack_leave(server->host.stack);
}

static int serve_run(const struct options *options)
{
    struct server server = {
        .root = open(options->arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .waiter = {.mask = TCPIP_EVENT_IN, .fn = on_listener},
        .timeout_ns = options->timeout_ns != 0 ? options->timeout_ns : SERVE_TIMEOUT,
        .upload_max_bytes = options->upload_max_bytes != 0 ? options->upload_max_bytes : UINT64_MAX,
        .read_only = options->read_only,
    };
    if (server.root < 0) {
        fprintf(stderr, "tcpip serve: cannot serve %s: %s\n", options->arguments[0], strerror(errno));
        return EXIT_FAILED;
    }
    list_init(&server.connections);
    int status = host_open(&server.host, options);
    if (status == EXIT_GOOD) {
        server.listener = host_listen(&server.host, options->port != 0 ? options->port : SERVE_PORT);
        if (server.listener != NULL)
            serve_until_end(&server);
        else
            server.host.status = EXIT_FAILED;
        status = host_close(&server.host);
    }
    close(server.root);
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "a folder over HTTP: download, upload, ranges",
    .arguments = "DIRECTORY",
    .arguments_min = 1,
    .arguments_max = 1,
    .examples =
        "  tcpip serve --netns . -- curl -O http://10.77.0.2/file\n"
        "      in a network namespace made for the purpose; curl is the kernel's TCP, the server is this stack\n"
        "  tcpip serve --netns . -- curl -T file 'http://[fd77::2]/copy'\n"
        "      an upload, over IPv6\n"
        "  tcpip serve --tun tun0 --address 10.0.0.2/24 --host-address 10.0.0.1/24 /srv\n"
        "      as root: on an interface of this machine, until interrupted\n"
        "  tcpip serve --netns . --fault loss=1%,delay=10ms --pcap run.pcapng --stats -- \\\n"
        "      curl -o /dev/null http://10.77.0.2/file\n"
        "      over a bad line, with a capture and the counters afterwards\n",
    .notes = "It listens on port 80. GET, HEAD and PUT; one range per request; symbolic links are not followed.\n"
             "With a PROGRAM the exit status is the program's.\n",
    .options = {&option_listen, &option_read_only, &option_max_upload, &option_timeout},
    .run = serve_run,
};
