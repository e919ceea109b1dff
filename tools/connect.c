// SPDX-License-Identifier: MIT
/* connect.c: `tcpip connect`: a TCP connection with the standard input and output at its other end.
 *
 * Two pumps that don't know of each other. Input: what is read goes to the endpoint; while the endpoint is full nothing
 * is read; the end of the input is a FIN. Output: received buffers are lent and written from where they lie; while the
 * output is full nothing is received, and the peer's window closes. Neither pump may block, or the stack would stand
 * still: a pipe or terminal as output is opened anew, so that only this description of it is non-blocking; a file never
 * blocks for long.
 *
 * It ends when the peer has finished and all of it was written, after our own last bytes were acknowledged.
 *
 * Owns:        struct client; the descriptor of the output if it is a new one.
 */
#include "host.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <tcpip/timer.h>
#include <unistd.h>

enum { INPUT_BYTES = 65536, OUTPUT_VIEWS = 16 };
#define RETRY_INTERVAL (100 * TCPIP_MS)
#define LAST_BYTES_TIMEOUT (5 * TCPIP_SECOND)
#define PROGRAM_WAIT (5 * TCPIP_SECOND) /* for the program after "--" to begin to listen */

enum client_state { CLIENT_CONNECTING, CLIENT_CONNECTED, CLIENT_FINISHING };

struct client {
    struct host host;
    struct tcpip_full_address peer;
    char peer_text[TCPIP_FULL_ADDRESS_TEXT_MAX];
    enum client_state state;
    struct tcpip_endpoint *endpoint; /* NULL: between two attempts */
    struct tcpip_waiter waiter;
    struct tcpip_timer timer; /* the next attempt; or the end of patience */
    tcpip_ns give_up_at;

    struct tcpip_loop_fd *input; /* NULL: it is over, or needs no watching */
    bool input_plain;            /* a file: always ready */
    bool input_ready, input_over;
    size_t input_at, input_size;
    uint8_t input_bytes[INPUT_BYTES];

    int output_fd;
    bool output_is_socket;
    struct tcpip_loop_fd *output; /* NULL: plain */
    struct tcpip_view views[OUTPUT_VIEWS];
    size_t first, count;
};

static void client_fail(struct client *client, const char *what, const char *why)
{
    host_say(&client->host, "%s %s: %s", what, client->peer_text, why);
    host_stop(&client->host, EXIT_FAILED);
}

static void drop_endpoint(struct client *client)
{
    if (client->endpoint != NULL)
        tcpip_endpoint_close(client->endpoint);
    client->endpoint = NULL;
}

/* ---- from the input to the endpoint ---- */

static void watch_input(struct client *client, bool on)
{
    if (client->input != NULL)
        tcpip_loop_set_fd(client->input, on ? TCPIP_LOOP_READ : 0);
}

static void end_input(struct client *client)
{
    if (client->input != NULL)
        tcpip_loop_remove_fd(client->input);
    client->input = NULL;
    client->input_over = true;
    if (tcpip_endpoint_shutdown(client->endpoint, TCPIP_SHUTDOWN_WRITE) != TCPIP_OK) {
        /* The connection has ended meanwhile; the other pump hears why. */
    }
}

/* False: nothing now. */
static bool read_input(struct client *client)
{
    if (!client->input_ready && !client->input_plain)
        return false;
    ssize_t size = read(STDIN_FILENO, client->input_bytes, INPUT_BYTES);
    client->input_ready = false;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return client->input_plain;
    client->input_at = 0;
    client->input_size = size > 0 ? (size_t)size : 0;
    if (size <= 0)
        end_input(client);
    return true;
}

static void pump_input(struct client *client)
{
    while (client->state == CLIENT_CONNECTED && !client->input_over) {
        size_t done;
        if (client->input_at == client->input_size) {
            if (!read_input(client)) {
                watch_input(client, true);
                return;
            }
            continue;
        }
        enum tcpip_error error = tcpip_endpoint_write(client->endpoint, client->input_bytes + client->input_at,
                                                      client->input_size - client->input_at, 0, NULL, &done);
        if (error != TCPIP_OK) {
            watch_input(client, false);
            if (error != TCPIP_ERR_WOULD_BLOCK)
                client_fail(client, "sending to", tcpip_error_text(error));
            return;
        }
        client->input_at += done;
    }
}

static void on_input(void *ctx, uint32_t events)
{
    struct client *client = ctx;
    (void)events; /* a hang-up is read as the end */
    client->input_ready = true;
    pump_input(client);
}

/* ---- from the endpoint to the output ---- */

static ssize_t write_output(struct client *client, const struct tcpip_view *view)
{
    ssize_t size;
    do
        size = client->output_is_socket
                   ? send(client->output_fd, tcpip_view_data(view), view->length, MSG_DONTWAIT | MSG_NOSIGNAL)
                   : write(client->output_fd, tcpip_view_data(view), view->length);
    while (size < 0 && errno == EINTR);
    return size;
}

/* False: it takes no more now, or never again. */
static bool flush_output(struct client *client)
{
    while (client->first < client->count) {
        struct tcpip_view *view = &client->views[client->first];
        ssize_t size = write_output(client, view);
        if (size < 0) {
            if (errno != EAGAIN || client->output == NULL)
                client_fail(client, "writing what came from", strerror(errno));
            else
                tcpip_loop_set_fd(client->output, TCPIP_LOOP_WRITE);
            return false;
        }
        tcpip_view_trim_front(view, (uint32_t)size);
        if (view->length > 0)
            continue;
        tcpip_buffer_unref(view->buffer);
        client->first++;
    }
    if (client->output != NULL)
        tcpip_loop_set_fd(client->output, 0);
    return true;
}

/* Our last bytes are acknowledged: there is nothing more to wait for. */
static bool all_said(const struct client *client)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    return tcpip_endpoint_tcp_info(client->endpoint, &info) != TCPIP_OK || info.state == TCPIP_TCP_CLOSED ||
           info.state == TCPIP_TCP_TIME_WAIT;
}

static void finish(struct client *client)
{
    client->state = CLIENT_FINISHING;
    if (!client->input_over)
        end_input(client);
    client->give_up_at = tcpip_loop_now(client->host.loop) + LAST_BYTES_TIMEOUT;
    tcpip_timer_set(client->host.stack, &client->timer, client->give_up_at);
    if (all_said(client))
        host_stop(&client->host, EXIT_GOOD);
}

static void pump_output(struct client *client)
{
    while (client->state == CLIENT_CONNECTED && flush_output(client)) {
        size_t done;
        client->first = 0;
        client->count = OUTPUT_VIEWS;
        enum tcpip_error error =
            tcpip_endpoint_read_views(client->endpoint, client->views, &client->count, SIZE_MAX, &done, NULL);
        if (error == TCPIP_OK)
            continue;
        client->count = 0;
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
            finish(client);
        else if (error != TCPIP_ERR_WOULD_BLOCK)
            client_fail(client, "the connection to", tcpip_error_text(error));
        return;
    }
}

static void on_output(void *ctx, uint32_t events)
{
    (void)events;
    pump_output(ctx);
}

/* ---- the standard streams ---- */

static bool open_input(struct client *client)
{
    enum tcpip_error error = tcpip_loop_add_fd(client->host.loop, STDIN_FILENO, 0, on_input, client, &client->input);
    client->input_plain = error == TCPIP_ERR_NOT_PERMITTED; /* epoll doesn't watch files */
    return error == TCPIP_OK || client->input_plain;
}

static bool open_output(struct client *client)
{
    struct stat stat;
    client->output_fd = STDOUT_FILENO;
    if (fstat(STDOUT_FILENO, &stat) != 0)
        return false;
    client->output_is_socket = S_ISSOCK(stat.st_mode);
    if (S_ISFIFO(stat.st_mode) || S_ISCHR(stat.st_mode)) {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        client->output_fd = fd >= 0 ? fd : STDOUT_FILENO;
    }
    enum tcpip_error error =
        tcpip_loop_add_fd(client->host.loop, client->output_fd, 0, on_output, client, &client->output);
    return error == TCPIP_OK || error == TCPIP_ERR_NOT_PERMITTED;
}

/* ---- connecting ---- */

static void connected(struct client *client)
{
    client->state = CLIENT_CONNECTED;
    if (!open_input(client) || !open_output(client)) {
        client_fail(client, "connected to", "but cannot use the standard input or output");
        return;
    }
    pump_input(client);
    pump_output(client);
}

static void attempt_failed(struct client *client, enum tcpip_error error)
{
    tcpip_ns now = tcpip_loop_now(client->host.loop);
    drop_endpoint(client);
    if (error != TCPIP_ERR_CONNECTION_REFUSED || now + RETRY_INTERVAL > client->give_up_at)
        client_fail(client, "cannot connect to", tcpip_error_text(error));
    else
        tcpip_timer_set(client->host.stack, &client->timer, now + RETRY_INTERVAL);
}

static void on_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct client *client = TCPIP_CONTAINER_OF(waiter, struct client, waiter);
    int64_t error = TCPIP_OK;
    (void)ready;
    switch (client->state) {
    case CLIENT_CONNECTING:
        if (tcpip_endpoint_get_option(client->endpoint, TCPIP_OPTION_ERROR, &error) != TCPIP_OK || error != TCPIP_OK)
            attempt_failed(client, (enum tcpip_error)error);
        else if (tcpip_endpoint_readiness(client->endpoint, TCPIP_EVENT_OUT) & TCPIP_EVENT_OUT)
            connected(client);
        break;
    case CLIENT_CONNECTED:
        pump_input(client);
        pump_output(client);
        break;
    case CLIENT_FINISHING:
        if (all_said(client))
            host_stop(&client->host, EXIT_GOOD);
        break;
    }
}

static void attempt(struct client *client)
{
    uint32_t network = client->peer.address.len == 4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    enum tcpip_error error =
        tcpip_stack_new_endpoint(client->host.stack, TCPIP_PROTOCOL_TCP, network, &client->endpoint);
    if (error != TCPIP_OK) {
        client_fail(client, "cannot connect to", tcpip_error_text(error));
        return;
    }
    tcpip_endpoint_waiter_add(client->endpoint, &client->waiter);
    error = tcpip_endpoint_connect(client->endpoint, &client->peer);
    if (error != TCPIP_ERR_CONNECT_STARTED)
        attempt_failed(client, error);
}

static void on_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct client *client = TCPIP_CONTAINER_OF(timer, struct client, timer);
    (void)now;
    if (client->state == CLIENT_CONNECTING)
        attempt(client);
    else
        host_stop(&client->host, EXIT_GOOD); /* the peer doesn't acknowledge our end; it has sent its own */
}

/* ---- the command ---- */

static bool parse_peer(const struct options *options, struct tcpip_full_address *out, struct complaint *why)
{
    uint64_t port;
    *out = (struct tcpip_full_address){0};
    if (tcpip_address_parse(options->arguments[0], &out->address) != TCPIP_OK)
        return complain(why, "'%.60s' is not an address; give one like 10.77.0.1 or fd77::1", options->arguments[0]);
    if (!units_number(options->arguments[1], 1, 65535, &port))
        return complain(why, "'%.60s' is not a port; give a number from 1 to 65535", options->arguments[1]);
    if (tcpip_address_is_link_local(&out->address))
        out->nic = HOST_NIC;
    out->port = (uint16_t)port;
    return true;
}

static void close_client(struct client *client)
{
    tcpip_timer_cancel(client->host.stack, &client->timer);
    if (client->input != NULL)
        tcpip_loop_remove_fd(client->input);
    if (client->output != NULL)
        tcpip_loop_remove_fd(client->output);
    if (client->output_fd > STDERR_FILENO)
        close(client->output_fd);
    for (; client->first < client->count; client->first++)
        tcpip_buffer_unref(client->views[client->first].buffer);
    drop_endpoint(client);
}

static int connect_run(const struct options *options)
{
    static struct client client; /* large, and there is one */
    client =
        (struct client){.waiter = {.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = on_ready}, .timer.fn = on_timer};
    struct complaint why;
    if (!parse_peer(options, &client.peer, &why)) {
        fprintf(stderr, "tcpip connect: %s\n", why.text);
        return EXIT_USAGE;
    }
    tcpip_full_address_format(&client.peer, client.peer_text);
    int status = host_open(&client.host, options);
    if (status != EXIT_GOOD)
        return status;
    tcpip_ns wait = options->wait_ns != 0 ? options->wait_ns : options->program != NULL ? PROGRAM_WAIT : 0;
    client.give_up_at = tcpip_stack_now(client.host.stack) + wait;
    attempt(&client);
    host_run(&client.host);
    close_client(&client);
    return host_close(&client.host);
}

const struct command command_connect = {
    .name = "connect",
    .summary = "a TCP connection: the standard input goes there, what comes goes to the output",
    .arguments = "ADDRESS PORT",
    .arguments_min = 2,
    .arguments_max = 2,
    .examples = "  echo hello | tcpip connect --netns 10.77.0.1 7000 -- nc -l 7000\n"
                "      to a program in a network namespace made for the purpose\n"
                "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | tcpip connect --tun tun0 --address 10.0.0.2/24 \\\n"
                "      --host-address 10.0.0.1/24 10.0.0.1 80\n"
                "      as root: to a server on this machine\n",
    .notes = "It ends when the peer has finished; a PROGRAM is ended then, too.\n",
    .options = {&option_wait},
    .run = connect_run,
};
