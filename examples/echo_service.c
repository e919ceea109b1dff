// SPDX-License-Identifier: MIT
/* echo_service.c: a TCP echo server made of waiters: each hears when there is more to do, and does it. What can't be
 * written yet stays unread, so a session is its endpoint and nothing else. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

struct session {                  /* of a connection, or the listener's */
    struct session *next, **link; /* in echo->sessions */
    struct echo *echo;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
};

struct echo {
    struct session *sessions;
    struct tcpip_endpoint *listener;
    size_t size; /* of data: the beginning of what some session has to read */
    char data[65536];
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

static bool copy(void *ctx, const void *data, size_t size)
{
    struct echo *echo = ctx;
    size_t room = sizeof(echo->data) - echo->size, part = size < room ? size : room;
    memcpy(echo->data + echo->size, data, part);
    echo->size += part;
    return part == size;
}

static void on_connection(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct session *session = TCPIP_CONTAINER_OF(waiter, struct session, waiter);
    struct echo *echo = session->echo;
    enum tcpip_error error = TCPIP_OK;
    (void)ready;
    for (size_t done; error == TCPIP_OK;) {
        echo->size = 0;
        error = tcpip_endpoint_peek(session->endpoint, copy, echo, &done);
        if (error == TCPIP_OK)
            error = tcpip_endpoint_write(session->endpoint, echo->data, echo->size, 0, NULL, &done);
        if (error == TCPIP_OK)
            error = tcpip_endpoint_read(session->endpoint, echo->data, done, &done, NULL);
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

void echo_add(struct echo *echo, struct tcpip_endpoint *connection)
{
    start(echo, connection, on_connection);
}

bool echo_each(struct echo *echo, bool (*fn)(void *ctx, struct tcpip_endpoint *connection), void *ctx)
{
    bool more = true;
    for (struct session *session = echo->sessions; more && session != NULL; session = session->next)
        more = session->endpoint == echo->listener || fn(ctx, session->endpoint);
    return more;
}

struct echo *echo_new(struct tcpip_stack *stack, uint16_t port)
{
    struct tcpip_full_address here = {.port = port};
    struct echo *echo = calloc(1, sizeof(*echo));
    must(echo == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "echo");
    must(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &echo->listener), "endpoint");
    must(tcpip_endpoint_bind(echo->listener, &here, NULL, NULL), "bind");
    must(tcpip_endpoint_listen(echo->listener, 128), "listen");
    start(echo, echo->listener, on_listener);
    return echo;
}

void echo_free(struct echo *echo)
{
    while (echo->sessions != NULL)
        session_free(echo->sessions);
    free(echo);
}
