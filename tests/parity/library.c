// SPDX-License-Identifier: MIT
/* library.c: the calls of a program on the library's endpoints, and their errors in the kernel's words.
 *
 * Owns:       a stack with a loopback NIC.
 * Invariants: none.
 * Not here:   the language (player.c). */
#include "player.h"
#include "test_env.h"

#include "socket/socket.h"

#include <tcpip/endpoint.h>
#include <tcpip/stack.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct library {
    struct test_env world;
    struct tcpip_stack *stack;
    struct tcpip_link *loopback;
    struct tcpip_endpoint *ep[PLAYER_SOCKETS];
};

/* In the kernel's words, by the socket layer's own table. */
static const char *library_error(enum socket_call call, enum tcpip_error error)
{
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
        return "end";
    int number = tcpip__socket_errno(call, error);
    return number == 0 ? "ok" : strerrorname_np(number);
}

/* Which call a verb is. */
static enum socket_call library_socket_call(const char *verb)
{
    static const struct {
        const char *verb;
        enum socket_call call;
    } calls[] = {
        {"bind", SOCKET_CALL_BIND},         {"connect", SOCKET_CALL_CONNECT}, {"disconnect", SOCKET_CALL_CONNECT},
        {"send", SOCKET_CALL_SEND},         {"name", SOCKET_CALL_NAME},       {"peer", SOCKET_CALL_NAME},
        {"shutdown", SOCKET_CALL_SHUTDOWN}, {"listen", SOCKET_CALL_LISTEN},   {"socket", SOCKET_CALL_SOCKET}};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strncmp(verb, calls[i].verb, strlen(calls[i].verb)) == 0)
            return calls[i].call;
    return SOCKET_CALL_OPTION;
}

static struct tcpip_full_address library_address(const struct player_step *step, int word)
{
    struct tcpip_full_address address = {.port = (uint16_t)player_number(step, step->word[word + 1])};
    assert_int_equal(tcpip_address_parse(step->word[word], &address.address), TCPIP_OK);
    return address;
}

static void library_show(const struct player_step *step, const struct tcpip_full_address *address, char *out,
                         size_t size)
{
    char text[TCPIP_ADDRESS_TEXT_MAX];
    (void)tcpip_address_format(&address->address, text);
    player_show_address(step, out, size, text, address->port);
}

static void library_receive(struct tcpip_endpoint *ep, const struct player_step *step, char *answer)
{
    static char data[70000];
    char text[TCPIP_ADDRESS_TEXT_MAX];
    struct tcpip_io io = {(uint8_t *)data, step->words > 2 ? (size_t)player_number(step, step->word[2]) : sizeof(data)};
    struct tcpip_full_address from;
    struct tcpip_control control;
    size_t done;
    enum tcpip_error error = tcpip_endpoint_recvmsg(ep, &io, 1, &done, &from, &control);
    if (error != TCPIP_OK) {
        strcpy(answer, library_error(SOCKET_CALL_RECEIVE, error));
        return;
    }
    player_show_data(answer, data, done);
    strcat(answer, " from ");
    library_show(step, &from, answer + strlen(answer), 64);
    size_t at = strlen(answer);
    if ((control.present & TCPIP_CONTROL_PACKET_INFO) != 0) {
        (void)tcpip_address_format(&control.packet_info.address, text);
        at += (size_t)snprintf(answer + at, PLAYER_ANSWER - at, " to=%s", text);
    }
    if ((control.present & TCPIP_CONTROL_TTL) != 0)
        at += (size_t)snprintf(answer + at, PLAYER_ANSWER - at, " ttl=%d", control.ttl);
    if ((control.present & TCPIP_CONTROL_TOS) != 0)
        at += (size_t)snprintf(answer + at, PLAYER_ANSWER - at, " tos=%d", control.tos);
    if ((control.present & TCPIP_CONTROL_TRUNCATED) != 0)
        (void)snprintf(answer + at, PLAYER_ANSWER - at, " cut");
}

struct library_peek {
    char data[70000];
    size_t bytes;
};

static bool library_peek_piece(void *ctx, const void *data, size_t size)
{
    struct library_peek *peek = ctx;
    memcpy(peek->data + peek->bytes, data, size);
    peek->bytes += size;
    return true;
}

static void library_do_peek(struct tcpip_endpoint *ep, char *answer)
{
    static struct library_peek peek;
    size_t done;
    peek.bytes = 0;
    enum tcpip_error error = tcpip_endpoint_peek(ep, library_peek_piece, &peek, &done);
    if (error == TCPIP_OK)
        player_show_data(answer, peek.data, peek.bytes);
    else
        strcpy(answer, library_error(SOCKET_CALL_RECEIVE, error));
}

static enum tcpip_option library_option_named(const char *name)
{
    for (int i = 0; i < TCPIP_OPTION_COUNT; i++) {
        const char *ours = tcpip_option_name((enum tcpip_option)i);
        size_t at = 0;
        while (ours[at] != '\0' && (ours[at] | 0x20) == (name[at] | 0x20))
            at++;
        if (ours[at] == '\0' && name[at] == '\0')
            return (enum tcpip_option)i;
    }
    fail_msg("no option %s", name);
    return TCPIP_OPTION_COUNT;
}

static void library_option(struct tcpip_endpoint *ep, const struct player_step *step, char *answer)
{
    enum tcpip_option option = library_option_named(step->word[2]);
    int64_t value;
    if (step->word[0][0] == 's') {
        strcpy(answer, library_error(SOCKET_CALL_OPTION,
                                     tcpip_endpoint_set_option(ep, option, player_number(step, step->word[3]))));
        return;
    }
    enum tcpip_error error = tcpip_endpoint_get_option(ep, option, &value);
    if (error != TCPIP_OK)
        strcpy(answer, library_error(SOCKET_CALL_OPTION, error));
    else if (option == TCPIP_OPTION_ERROR)
        strcpy(answer, library_error(SOCKET_CALL_ERROR, (enum tcpip_error)value));
    else
        strcpy(answer, value != 0 ? "set" : "0");
}

static void library_poll(const struct tcpip_endpoint *ep, char *answer)
{
    uint32_t ready = tcpip_endpoint_readiness(ep, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP);
    (void)snprintf(answer, PLAYER_ANSWER, "ready%s%s%s%s%s", (ready & TCPIP_EVENT_IN) != 0 ? " in" : "",
                   (ready & TCPIP_EVENT_OUT) != 0 ? " out" : "", (ready & TCPIP_EVENT_ERR) != 0 ? " err" : "",
                   (ready & TCPIP_EVENT_HUP) != 0 ? " hup" : "", (ready & TCPIP_EVENT_RDHUP) != 0 ? " rdhup" : "");
}

static enum tcpip_error library_send(const struct player_step *step, struct tcpip_endpoint *ep)
{
    static char data[200000];
    size_t done, bytes = player_text(step->word[2], data, sizeof(data));
    if (step->words == 3)
        return tcpip_endpoint_write(ep, data, bytes, 0, NULL, &done);
    struct tcpip_full_address to = library_address(step, 3);
    enum tcpip_error error = tcpip_endpoint_write(ep, data, bytes, 0, &to, &done);
    assert_int_equal(done, error == TCPIP_OK ? bytes : 0);
    return error;
}

static enum tcpip_error library_call(struct library *library, const struct player_step *step, int slot, char *answer)
{
    const char *verb = step->word[0];
    struct tcpip_full_address address = {0};
    struct tcpip_endpoint *ep = library->ep[slot];
    enum tcpip_error error = TCPIP_OK;
    int64_t next;
    if (strncmp(verb, "socket", 6) == 0)
        return tcpip_stack_new_endpoint(library->stack, TCPIP_PROTOCOL_UDP,
                                        verb[6] == '6' ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4, &library->ep[slot]);
    if (strcmp(verb, "bind") == 0) {
        address = library_address(step, 2);
        return tcpip_endpoint_bind(ep, &address, NULL, NULL);
    }
    if (strcmp(verb, "connect") == 0 || strcmp(verb, "disconnect") == 0) {
        if (verb[0] == 'c')
            address = library_address(step, 2);
        return tcpip_endpoint_connect(ep, &address);
    }
    if (strncmp(verb, "send", 4) == 0)
        return library_send(step, ep);
    if (strcmp(verb, "shutdown") == 0)
        return tcpip_endpoint_shutdown(ep, (uint32_t)(strcmp(step->word[2], "rw") == 0 ? 3
                                                      : step->word[2][0] == 'r'        ? TCPIP_SHUTDOWN_READ
                                                                                       : TCPIP_SHUTDOWN_WRITE));
    if (strcmp(verb, "listen") == 0)
        return tcpip_endpoint_listen(ep, 1);
    if (strcmp(verb, "next") == 0) {
        error = tcpip_endpoint_get_option(ep, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &next);
        (void)snprintf(answer, PLAYER_ANSWER, "%d", (int)next);
        return error;
    }
    if (strcmp(verb, "name") == 0 || strcmp(verb, "peer") == 0) {
        if (verb[0] == 'n')
            tcpip_endpoint_local_address(ep, &address);
        else
            error = tcpip_endpoint_remote_address(ep, &address);
        if (error == TCPIP_OK)
            library_show(step, &address, answer, PLAYER_ANSWER);
        return error;
    }
    if (strcmp(verb, "join") == 0 || strcmp(verb, "leave") == 0) {
        assert_int_equal(tcpip_address_parse(step->word[2], &address.address), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_MULTICAST_NIC, 1), TCPIP_OK);
        return verb[0] == 'j' ? tcpip_endpoint_join_group(ep, 1, &address.address)
                              : tcpip_endpoint_leave_group(ep, 1, &address.address);
    }
    assert_string_equal(verb, "close");
    tcpip_endpoint_close(ep);
    library->ep[slot] = NULL;
    return TCPIP_OK;
}

static void library_step(void *state, const struct player_step *step, char *answer)
{
    struct library *library = state;
    const char *verb = step->word[0];
    int slot = step->word[1][0] - 'a';
    if (strcmp(verb, "recv") == 0) {
        library_receive(library->ep[slot], step, answer);
    } else if (strcmp(verb, "peek") == 0) {
        library_do_peek(library->ep[slot], answer);
    } else if (strcmp(verb, "set") == 0 || strcmp(verb, "get") == 0) {
        library_option(library->ep[slot], step, answer);
    } else if (strcmp(verb, "poll") == 0) {
        library_poll(library->ep[slot], answer);
    } else {
        enum tcpip_error error = library_call(library, step, slot, answer);
        if (error != TCPIP_OK || answer[0] == '\0')
            strcpy(answer, library_error(library_socket_call(verb), error));
    }
}

void library_side_new(struct player_side *side)
{
    struct library *library = calloc(1, sizeof(*library));
    struct tcpip_prefix prefix;
    assert_non_null(library);
    test_env_init(&library->world, 1);
    library->loopback = tcpip_loopback_new(&library->world.env, 0);
    assert_non_null(library->loopback);
    assert_int_equal(tcpip_stack_new(&library->world.env, NULL, &tcpip_protocols_all, &library->stack), TCPIP_OK);
    assert_int_equal(tcpip_stack_create_nic(library->stack, 1, library->loopback, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("127.0.0.1/8", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(library->stack, 1, &prefix, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("::1/128", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(library->stack, 1, &prefix, NULL), TCPIP_OK);
    *side = (struct player_side){library, library_step};
}

void library_side_free(struct player_side *side)
{
    struct library *library = side->state;
    for (int i = 0; i < PLAYER_SOCKETS; i++)
        if (library->ep[i] != NULL)
            tcpip_endpoint_close(library->ep[i]);
    tcpip_stack_free(library->stack);
    tcpip_loopback_free(library->loopback);
    test_env_fini(&library->world);
    free(library);
}
