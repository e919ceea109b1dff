// SPDX-License-Identifier: MIT
/* echo.c: `tcpip echo`: what comes in on a connection goes back out on it (RFC 862). The smallest server there is.
 *
 * Received data are lent, not copied, and written back as they were lent: an echoed byte is never touched. What cannot
 * be written yet waits, and while it waits nothing more is read: so a peer that doesn't read fills its own window.
 *
 * Owns:        a struct session for each connection. */
#include "base/list.h"
#include "host.h"

#include <stdlib.h>

enum { ECHO_PORT = 7, SESSION_VIEWS = 16 };

struct echo {
    struct host host;
    struct tcpip_endpoint *listener;
    struct tcpip_waiter waiter;
    struct list sessions;
};

struct session {
    struct tcpip_list_node node; /* of echo.sessions */
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    struct tcpip_view views[SESSION_VIEWS]; /* read and not yet written */
    size_t first, count;
};

static void session_free(struct session *session)
{
    for (size_t i = session->first; i < session->count; i++)
        tcpip_buffer_unref(session->views[i].buffer);
    tcpip_endpoint_close(session->endpoint);
    list_remove(&session->node);
    free(session);
}

/* A view may be more than the send buffer ever holds (limits of a small stack): then its bytes are copied. */
static enum tcpip_error session_write(struct session *session, struct tcpip_view *view)
{
    size_t done = 0;
    enum tcpip_error error = tcpip_endpoint_write_view(session->endpoint, view, 0, NULL);
    if (error == TCPIP_OK)
        tcpip_view_trim_front(view, view->length);
    if (error != TCPIP_ERR_MESSAGE_TOO_LONG)
        return error;
    error = tcpip_endpoint_write(session->endpoint, tcpip_view_data(view), view->length, 0, NULL, &done);
    if (error == TCPIP_OK)
        tcpip_view_trim_front(view, (uint32_t)done);
    return error;
}

static enum tcpip_error session_pump(struct session *session)
{
    while (true) {
        enum tcpip_error error = TCPIP_OK;
        size_t done;
        while (session->first < session->count) {
            struct tcpip_view *view = &session->views[session->first];
            error = session_write(session, view);
            if (error != TCPIP_OK)
                return error;
            if (view->length > 0)
                continue;
            tcpip_buffer_unref(view->buffer);
            session->first++;
        }
        session->first = session->count = 0;
        size_t count = SESSION_VIEWS;
        error = tcpip_endpoint_read_views(session->endpoint, session->views, &count, SIZE_MAX, &done, NULL);
        if (error != TCPIP_OK)
            return error;
        session->count = count;
    }
}

static void on_session(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct session *session = TCPIP_CONTAINER_OF(waiter, struct session, waiter);
    (void)ready;
    if (session_pump(session) != TCPIP_ERR_WOULD_BLOCK)
        session_free(session); /* the peer has finished, and has been given everything; or it has gone */
}

static void on_listener(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct echo *echo = TCPIP_CONTAINER_OF(waiter, struct echo, waiter);
    struct tcpip_endpoint *endpoint;
    (void)ready;
    while (tcpip_endpoint_accept(echo->listener, &endpoint, NULL) == TCPIP_OK) {
        struct session *session = calloc(1, sizeof(*session));
        if (session == NULL) {
            tcpip_endpoint_close(endpoint);
            continue;
        }
        session->endpoint = endpoint;
        session->waiter.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT;
        session->waiter.fn = on_session;
        list_push_back(&echo->sessions, &session->node);
        tcpip_endpoint_waiter_add(endpoint, &session->waiter);
        on_session(&session->waiter, 0); /* what came before the waiter did */
    }
}

static int echo_run(const struct options *options)
{
    struct echo echo = {.waiter = {.mask = TCPIP_EVENT_IN, .fn = on_listener}};
    int status = host_open(&echo.host, options);
    if (status != EXIT_GOOD)
        return status;
    list_init(&echo.sessions);
    echo.listener = host_listen(&echo.host, options->port != 0 ? options->port : ECHO_PORT);
    if (echo.listener != NULL) {
        tcpip_endpoint_waiter_add(echo.listener, &echo.waiter);
        echo.host.ends_with_child = true;
        host_run(&echo.host);
        tcpip_stack_enter(echo.host.stack); /* one flush for all that is closed now */
        tcpip_endpoint_close(echo.listener);
        for (struct tcpip_list_node *node; (node = list_first(&echo.sessions)) != NULL;)
            session_free(list_entry(node, struct session, node));
        tcpip_stack_leave(echo.host.stack);
    } else {
        echo.host.status = EXIT_FAILED;
    }
    return host_close(&echo.host);
}

const struct command command_echo = {
    .name = "echo",
    .summary = "a TCP server that sends back what it receives",
    .arguments = "",
    .examples = "  tcpip echo --netns -- sh -c 'echo hello | nc -N 10.77.0.2 7'\n"
                "      in a network namespace made for the purpose, with the kernel's TCP as the client\n"
                "  tcpip echo --tun tun0 --address 10.0.0.2/24 --host-address 10.0.0.1/24 --listen 7000\n"
                "      as root: on an interface of this machine, until interrupted; then: nc 10.0.0.2 7000\n"
                "  tcpip echo --netns --fault loss=5%,delay=50ms --stats -- nc 10.77.0.2 7\n"
                "      over a bad line, and how TCP coped with it\n",
    .notes = "It listens on port 7. With a PROGRAM the exit status is the program's.\n",
    .options = {&option_listen},
    .run = echo_run,
};
