// SPDX-License-Identifier: MIT
/* library.c: scenarios on the library: one stack with a loopback link, in virtual time.
 *
 * Errors become errno by the socket layer's own table.
 *
 * Owns:     the stack of the current scenario.
 * Not here: comparing. */
#include "parity.h"
#include "test_env.h"

#include "socket/socket.h"

#include <tcpip/tcpip.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct library {
    struct side side;
    struct test_env world;
    struct tcpip_link *link;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *endpoints[PARITY_SOCKETS];
    bool v6[PARITY_SOCKETS];
    unsigned port_base;
};

static const struct tcpip_network_protocol *const library_network[] = {&tcpip_ipv4, &tcpip_ipv6, NULL};
static const struct tcpip_transport_protocol *const library_transport[] = {&tcpip_tcp, NULL};
static const struct tcpip_protocols library_protocols = {library_network, library_transport};

/* What must work on any machine. */
#define need(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))
static void give_up(const char *what, int line)
{
    fflush(stdout);
    fprintf(stderr, "library.c:%d: not so: %s\n", line, what);
    abort();
}

static void library_trace(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    (void)tcpip_event_print(event, line, sizeof(line));
    printf("# %s\n", line);
}

static void settle(struct library *l)
{
    for (int i = 0; tcpip_stack_deadline(l->stack) <= l->world.now; i++) {
        need(i < 100000); /* busy without time passing */
        (void)tcpip_stack_advance(l->stack, 0);
    }
}

static void run(struct library *l, tcpip_ns duration)
{
    tcpip_ns end = l->world.now + duration;
    settle(l);
    for (tcpip_ns next; (next = tcpip_stack_deadline(l->stack)) <= end;) {
        l->world.now = next > l->world.now ? next : l->world.now;
        settle(l);
    }
    l->world.now = end;
}

/* Which call a step is. */
static enum socket_call call_of(const struct step *step)
{
    static const struct {
        const char *verb;
        enum socket_call call;
    } calls[] = {{"bind", SOCKET_CALL_BIND},     {"connect", SOCKET_CALL_CONNECT},  {"listen", SOCKET_CALL_LISTEN},
                 {"accept", SOCKET_CALL_ACCEPT}, {"write", SOCKET_CALL_SEND},       {"more", SOCKET_CALL_SEND},
                 {"read", SOCKET_CALL_RECEIVE},  {"peek", SOCKET_CALL_RECEIVE},     {"peer", SOCKET_CALL_NAME},
                 {"err", SOCKET_CALL_ERROR},     {"shutdown", SOCKET_CALL_SHUTDOWN}};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (step_is(step, calls[i].verb))
            return calls[i].call;
    return SOCKET_CALL_OPTION;
}

/* By the socket layer's own table. */
static int errno_of(const struct step *step, enum tcpip_error error)
{
    return tcpip__socket_errno(call_of(step), error);
}

static void full_address(const struct library *l, const char *name, unsigned port, struct tcpip_full_address *out)
{
    const char *text = address_of(name);
    memset(out, 0, sizeof(*out));
    if (text != NULL)
        need(tcpip_address_parse(text, &out->address) == TCPIP_OK);
    out->port = (uint16_t)(port == 0 ? 0 : l->port_base + port);
}

static void show_address(const struct library *l, const struct tcpip_full_address *address, char *out)
{
    char text[TCPIP_ADDRESS_TEXT_MAX];
    (void)tcpip_address_format(&address->address, text);
    result_address(out, text, address->port, l->port_base);
}

struct library_option {
    const char *name;
    enum tcpip_option option;
    int64_t unit; /* one of the kernel's is so many here */
};
static const struct library_option library_options[] = {
    {"reuse", TCPIP_OPTION_REUSE_ADDRESS, 1},
    {"reuseport", TCPIP_OPTION_REUSE_PORT, 1},
    {"keepalive", TCPIP_OPTION_KEEPALIVE, 1},
    {"lowat", TCPIP_OPTION_RECEIVE_LOW_WATER, 1},
    {"v6only", TCPIP_OPTION_V6_ONLY, 1},
    {"nodelay", TCPIP_OPTION_NO_DELAY, 1},
    {"cork", TCPIP_OPTION_CORK, 1},
    {"keepidle", TCPIP_OPTION_KEEPALIVE_IDLE, TCPIP_SECOND},
    {"keepintvl", TCPIP_OPTION_KEEPALIVE_INTERVAL, TCPIP_SECOND},
    {"keepcnt", TCPIP_OPTION_KEEPALIVE_COUNT, 1},
    {"syncnt", TCPIP_OPTION_SYN_COUNT, 1},
    {"usertimeout", TCPIP_OPTION_USER_TIMEOUT, TCPIP_MS},
    {"maxseg", TCPIP_OPTION_MAX_SEGMENT, 1},
    {"notsent", TCPIP_OPTION_NOT_SENT_LOW_WATER, 1},
    {"ttl", TCPIP_OPTION_TTL, 1},
    {"tos", TCPIP_OPTION_TOS, 1},
    {"defer", TCPIP_OPTION_DEFER_ACCEPT, TCPIP_SECOND},
    {"linger2", TCPIP_OPTION_LINGER2, TCPIP_SECOND},
    {"linger", TCPIP_OPTION_LINGER, TCPIP_SECOND},
    {"mark", TCPIP_OPTION_MARK, 1},
    {"clamp", TCPIP_OPTION_WINDOW_CLAMP, 1},
    {"fastack", TCPIP_OPTION_QUICK_ACK, 1},
};

static void library_option(struct library *l, const struct step *step, char *out)
{
    struct tcpip_endpoint *ep = l->endpoints[step->who];
    for (size_t i = 0; i < sizeof(library_options) / sizeof(library_options[0]); i++) {
        const struct library_option *option = &library_options[i];
        if (strcmp(option->name, step->words[2]) != 0)
            continue;
        int64_t value = step->number < 0 ? step->number : step->number * option->unit;
        bool set = step_is(step, "set");
        enum tcpip_error error = set ? tcpip_endpoint_set_option(ep, option->option, value)
                                     : tcpip_endpoint_get_option(ep, option->option, &value);
        if (error != TCPIP_OK)
            result_error(out, errno_of(step, error));
        else
            result_number(out, set ? 0 : value < 0 ? (long)value : (long)(value / option->unit));
        return;
    }
    snprintf(out, PARITY_RESULT, "no such option");
}

static void library_ask(struct library *l, const struct step *step, char *out)
{
    struct tcpip_endpoint *ep = l->endpoints[step->who];
    struct tcpip_full_address address;
    enum tcpip_error error;
    int64_t value = 0;
    if (step_is(step, "poll")) {
        result_events(out, tcpip_endpoint_readiness(ep, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP));
    } else if (step_is(step, "err")) {
        need(tcpip_endpoint_get_option(ep, TCPIP_OPTION_ERROR, &value) == TCPIP_OK);
        result_error(out, errno_of(step, (enum tcpip_error)value));
    } else if (step_is(step, "name")) {
        tcpip_endpoint_local_address(ep, &address);
        show_address(l, &address, out);
    } else if (step_is(step, "peer")) {
        error = tcpip_endpoint_remote_address(ep, &address);
        if (error == TCPIP_OK)
            show_address(l, &address, out);
        else
            result_error(out, errno_of(step, error));
    } else if (step_is(step, "queue")) {
        error = tcpip_endpoint_get_option(ep, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &value);
        if (error == TCPIP_OK)
            result_number(out, (long)value);
        else
            result_error(out, errno_of(step, error));
    } else if (step_is(step, "state")) {
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        need(tcpip_endpoint_tcp_info(ep, &info) == TCPIP_OK);
        bool wait = info.state == TCPIP_TCP_FIN_WAIT_1 || info.state == TCPIP_TCP_FIN_WAIT_2;
        snprintf(out, PARITY_RESULT, "%s", wait ? "FIN-WAIT" : tcpip_tcp_state_name(info.state));
    } else {
        library_option(l, step, out);
    }
}

struct peek_room {
    size_t left;
};

/* A socket layer peeks into a buffer of the caller's. */
static bool peek_into(void *ctx, const void *data, size_t size)
{
    struct peek_room *room = ctx;
    (void)data;
    room->left -= size < room->left ? size : room->left;
    return room->left > 0;
}

static void library_move(struct library *l, const struct step *step, char *out)
{
    static const char data[65536];
    static char room[65536];
    struct tcpip_endpoint *ep = l->endpoints[step->who];
    struct tcpip_full_address address;
    enum tcpip_error error;
    size_t bytes = step->number < (long)sizeof(data) ? (size_t)step->number : sizeof(data), done = 0;
    if (step_is(step, "write")) {
        error = tcpip_endpoint_write(ep, data, bytes, 0, NULL, &done);
    } else if (step_is(step, "more")) {
        error = tcpip_endpoint_write(ep, data, bytes, TCPIP_WRITE_MORE, NULL, &done);
    } else if (step_is(step, "read")) {
        error = tcpip_endpoint_read(ep, room, bytes, &done, NULL);
        error = error == TCPIP_ERR_CLOSED_FOR_RECEIVE ? TCPIP_OK : error;
    } else if (step_is(step, "peek")) {
        struct peek_room peek = {bytes};
        error = tcpip_endpoint_peek(ep, peek_into, &peek, &done);
        done = error == TCPIP_OK ? bytes - peek.left : 0;
        error = error == TCPIP_ERR_CLOSED_FOR_RECEIVE ? TCPIP_OK : error;
    } else if (step_is(step, "bind")) {
        full_address(l, step->words[2], (unsigned)step->number, &address);
        error = tcpip_endpoint_bind(ep, &address, NULL, NULL);
    } else if (step_is(step, "connect")) {
        if (step->words[2][0] == '@')
            tcpip_endpoint_local_address(l->endpoints[step->words[2][1] - 'a'], &address);
        else
            full_address(l, step->words[2], (unsigned)step->number, &address);
        error = tcpip_endpoint_connect(ep, &address);
    } else if (step_is(step, "listen")) {
        error = tcpip_endpoint_listen(ep, (int)step->number);
    } else {
        uint32_t how = (strchr(step->words[2], 'r') != NULL ? (uint32_t)TCPIP_SHUTDOWN_READ : 0) |
                       (strchr(step->words[2], 'w') != NULL ? (uint32_t)TCPIP_SHUTDOWN_WRITE : 0);
        error = tcpip_endpoint_shutdown(ep, how);
    }
    if (error != TCPIP_OK)
        result_error(out, errno_of(step, error));
    else
        result_number(out, (long)done);
}

static void library_step(struct side *side, const struct step *step, char *out)
{
    struct library *l = (struct library *)side;
    static const char *const asks[] = {"poll", "err", "name", "peer", "queue", "state", "set", "get"};
    result_number(out, 0);
    if (step_is(step, "wait")) {
        run(l, step->number * TCPIP_MS);
        return;
    }
    if (step_is(step, "new")) {
        l->v6[step->who] = step->number == 6;
        need(tcpip_stack_new_endpoint(l->stack, TCPIP_PROTOCOL_TCP,
                                      step->number == 6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4,
                                      &l->endpoints[step->who]) == TCPIP_OK);
        return;
    }
    if (l->endpoints[step->who] == NULL) {
        snprintf(out, PARITY_RESULT, "no socket");
        return;
    }
    bool asked = false;
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
        asked = asked || step_is(step, asks[i]);
    if (asked) {
        library_ask(l, step, out);
    } else if (step_is(step, "accept")) {
        struct tcpip_endpoint *accepted;
        enum tcpip_error error = tcpip_endpoint_accept(l->endpoints[step->who], &accepted, NULL);
        if (error == TCPIP_OK)
            l->endpoints[step->words[2][0] - 'a'] = accepted;
        result_error(out, errno_of(step, error));
    } else if (step_is(step, "close")) {
        tcpip_endpoint_close(l->endpoints[step->who]);
        l->endpoints[step->who] = NULL;
    } else {
        library_move(l, step, out);
    }
    run(l, 300 * TCPIP_US);
}

static void library_begin(struct side *side, unsigned port_base)
{
    struct library *l = (struct library *)side;
    struct tcpip_prefix prefix;
    struct tcpip_address_properties no_dad = {.size = sizeof(no_dad), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry routes[2] = {{.nic = 1}, {.nic = 1}};
    test_env_init(&l->world, port_base);
    if (getenv("TEST_TRACE") != NULL)
        l->world.env.trace = library_trace;
    l->port_base = port_base;
    memset(l->endpoints, 0, sizeof(l->endpoints));
    l->link = tcpip_loopback_new(&l->world.env, 0);
    need(l->link != NULL);
    need(tcpip_stack_new(&l->world.env, NULL, &library_protocols, &l->stack) == TCPIP_OK);
    need(tcpip_stack_create_nic(l->stack, 1, l->link, NULL) == TCPIP_OK);
    need(tcpip_prefix_parse("127.0.0.1/8", &prefix) == TCPIP_OK);
    need(tcpip_stack_add_address(l->stack, 1, &prefix, NULL) == TCPIP_OK);
    routes[0].destination = prefix;
    need(tcpip_prefix_parse("::1/128", &prefix) == TCPIP_OK);
    need(tcpip_stack_add_address(l->stack, 1, &prefix, &no_dad) == TCPIP_OK);
    routes[1].destination = prefix;
    need(tcpip_stack_set_route_table(l->stack, routes, 2, TCPIP_ROUTE_FIRST_MATCH) == TCPIP_OK);
}

static void library_end(struct side *side)
{
    struct library *l = (struct library *)side;
    for (int i = 0; i < PARITY_SOCKETS; i++)
        if (l->endpoints[i] != NULL)
            tcpip_endpoint_close(l->endpoints[i]);
    settle(l);
    tcpip_stack_free(l->stack);
    tcpip_loopback_free(l->link);
    test_env_fini(&l->world);
}

struct side *library_side(void)
{
    static struct library library = {.side = {library_begin, library_step, library_end}};
    return &library.side;
}
