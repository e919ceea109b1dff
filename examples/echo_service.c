// SPDX-License-Identifier: MIT
/* echo_service.c: a TCP echo server made of waiters: each hears when there is more to do, and does it. */
#include "host.h"

#include <stdlib.h>

struct session {                  /* of a connection, or the listener's */
    struct session *next, **link; /* in echo->sessions */
    struct echo *echo;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    size_t from, to; /* of data: read and not yet written */
    char data[16384];
};

struct echo {
    struct session *sessions;
};

static void session_free(struct session *session)
{
    tcpip_endpoint_close(session->endpoint);
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
    free(session);
}

static void start(struct echo *echo, struct tcpip_endpoint *endpoint, void (*fn)(struct tcpip_waiter *, uint32_t))
{
    struct session *session = calloc(1, sizeof(*session));
    must(session == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "session");
    session->echo = echo;
    session->next = echo->sessions;
    session->link = &echo->sessions;
    if (session->next != NULL)
        session->next->link = &session->next;
    echo->sessions = session;
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
    session_free(session);
}

static void on_listener(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct session *listener = TCPIP_CONTAINER_OF(waiter, struct session, waiter);
    struct tcpip_endpoint *connection;
    (void)ready;
    while (tcpip_endpoint_accept(listener->endpoint, &connection, NULL) == TCPIP_OK)
        start(listener->echo, connection, on_connection);
}

struct echo *echo_new(struct tcpip_stack *stack, uint16_t port)
{
    struct tcpip_full_address here = {.port = port};
    struct tcpip_endpoint *listener;
    struct echo *echo = calloc(1, sizeof(*echo));
    must(echo == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "echo");
    must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener), "endpoint");
    must(tcpip_endpoint_bind(listener, &here, NULL, NULL), "bind");
    must(tcpip_endpoint_listen(listener, 128), "listen");
    start(echo, listener, on_listener);
    return echo;
}

void echo_free(struct echo *echo)
{
    while (echo->sessions != NULL)
        session_free(echo->sessions);
    free(echo);
}
