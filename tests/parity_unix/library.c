// SPDX-License-Identifier: MIT
/* library.c: the steps on the library's unix endpoints, with errno as a layer of sockets would say it. */
#include "test_env.h"
#include "twin.h"

#include <tcpip/stack.h>
#include <tcpip/unix.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct library {
    const char *directory;
    struct test_env env;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *ep[SLOTS];
    uint32_t references;
    struct tcpip_unix_credentials self;
};

struct library *library_new(const char *directory)
{
    static const struct tcpip_transport_protocol *const transport[] = {&tcpip_unix, NULL};
    static const struct tcpip_protocols protocols = {NULL, transport};
    struct library *library = calloc(1, sizeof(*library));
    library->directory = directory;
    test_env_init(&library->env, 1);
    failing_require(tcpip_stack_new(&library->env.env, NULL, &protocols, &library->stack) == TCPIP_OK);
    library->self = (struct tcpip_unix_credentials){getpid(), getuid(), getgid()};
    return library;
}

void library_free(struct library *library)
{
    for (int i = 0; i < SLOTS; i += 2) /* the others end with the stack */
        if (library->ep[i] != NULL)
            tcpip_endpoint_close(library->ep[i]);
    tcpip_stack_free(library->stack);
    if (library->references != 0)
        abort();
    test_env_fini(&library->env);
    free(library);
}

uint32_t library_references(const struct library *library)
{
    return library->references;
}

static int library_errno(enum call call, enum tcpip_error error)
{
    switch (error) {
    case TCPIP_OK:
        return 0;
    case TCPIP_ERR_WOULD_BLOCK:
        return EAGAIN;
    case TCPIP_ERR_NOT_CONNECTED:
        return ENOTCONN;
    case TCPIP_ERR_CLOSED_FOR_SEND:
        return EPIPE;
    case TCPIP_ERR_CLOSED_FOR_RECEIVE: /* a layer of sockets says "end" instead, unless it may not wait */
        return call == CALL_ACCEPT ? EAGAIN : -1;
    case TCPIP_ERR_CONNECTION_REFUSED:
        return ECONNREFUSED;
    case TCPIP_ERR_CONNECTION_RESET:
        return ECONNRESET;
    case TCPIP_ERR_NAME_NOT_FOUND:
        return ENOENT;
    case TCPIP_ERR_WRONG_TYPE:
        return EPROTOTYPE;
    case TCPIP_ERR_ALREADY_CONNECTED:
        return EISCONN;
    case TCPIP_ERR_PORT_IN_USE:
        return EADDRINUSE;
    case TCPIP_ERR_NOT_PERMITTED:
        return EPERM;
    case TCPIP_ERR_NOT_SUPPORTED:
        return EOPNOTSUPP;
    case TCPIP_ERR_MESSAGE_TOO_LONG:
        return EMSGSIZE;
    case TCPIP_ERR_INVALID_ARGUMENT:
    case TCPIP_ERR_INVALID_ENDPOINT_STATE:
        return EINVAL;
    default:
        return 10000 + (int)error;
    }
}

static void *library_clone(void *object)
{
    ((struct library *)object)->references++;
    return object;
}

static void library_release(void *object)
{
    ((struct library *)object)->references--;
}

static const struct tcpip_unix_reference_ops library_reference_ops = {library_clone, library_release};

static struct tcpip_unix_address library_address(const struct library *library, int name)
{
    struct tcpip_unix_address address = {.size = 0};
    if (name >= 0)
        address.size = name_bytes(library->directory, name, address.bytes);
    return address;
}

static enum tcpip_error library_send(struct library *library, const struct step *step, struct answer *out)
{
    uint8_t data[DATA_MAX];
    struct tcpip_unix_reference references[8];
    struct tcpip_unix_address to = library_address(library, step->name);
    struct tcpip_unix_credentials said = {getpid(), (uint32_t)step->uid, getgid()};
    struct tcpip_unix_send beside = {.size = sizeof(beside),
                                     .to = step->name >= 0 ? &to : NULL,
                                     .credentials = step->uid >= 0 ? &said : NULL,
                                     .references = references,
                                     .reference_count = step->references};
    struct tcpip_io io[2] = {{data, step->size / 3}, {data + step->size / 3, step->size - step->size / 3}};
    size_t done;
    memset(data, step->fill, sizeof(data));
    for (uint32_t i = 0; i < step->references; i++)
        references[i] = (struct tcpip_unix_reference){library_clone(library), &library_reference_ops};
    enum tcpip_error error = tcpip_unix_sendmsg(library->ep[step->slot], io, 2, &beside, &done);
    if (error != TCPIP_OK)
        for (uint32_t i = 0; i < step->references; i++)
            library_release(library);
    out->bytes = (uint32_t)done;
    return error;
}

static enum tcpip_error library_recv(struct library *library, const struct step *step, struct answer *out)
{
    struct tcpip_unix_reference references[TCPIP_UNIX_REFERENCES_MAX];
    struct tcpip_unix_receive beside = {.size = sizeof(beside),
                                        .peek = step->flag,
                                        .references = references,
                                        .reference_room = TCPIP_UNIX_REFERENCES_MAX};
    struct tcpip_io io[2] = {{out->data, step->size / 2}, {out->data + step->size / 2, step->size - step->size / 2}};
    size_t done;
    enum tcpip_error error = tcpip_unix_recvmsg(library->ep[step->slot], io, 2, &beside, &done);
    if (error != TCPIP_OK)
        return error;
    out->bytes = (uint32_t)done;
    out->from = name_index(library->directory, beside.from.bytes, beside.from.size);
    out->references = (uint32_t)beside.reference_count;
    for (size_t i = 0; i < beside.reference_count; i++)
        references[i].ops->release(references[i].object);
    out->has_credentials = beside.has_credentials;
    if (beside.has_credentials) {
        out->pid = beside.credentials.pid;
        out->uid = beside.credentials.uid;
        out->gid = beside.credentials.gid;
    }
    return TCPIP_OK;
}

static enum tcpip_error library_named(struct library *library, const struct step *step, struct answer *out)
{
    struct tcpip_unix_address address;
    enum tcpip_error error = step->call == CALL_LOCAL ? tcpip_unix_local_address(library->ep[step->slot], &address)
                                                      : tcpip_unix_remote_address(library->ep[step->slot], &address);
    if (error == TCPIP_OK)
        out->from = name_index(library->directory, address.bytes, address.size);
    return error;
}

static enum tcpip_error library_look(struct library *library, const struct step *step, struct answer *out)
{
    struct tcpip_endpoint *ep = library->ep[step->slot];
    struct tcpip_unix_credentials peer;
    enum tcpip_error error;
    switch (step->call) {
    case CALL_READY:
        out->value = tcpip_endpoint_readiness(ep, TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP);
        return TCPIP_OK;
    case CALL_UNREAD:
        return tcpip_endpoint_get_option(ep, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &out->value);
    case CALL_ERROR:
        error = tcpip_endpoint_get_option(ep, TCPIP_OPTION_ERROR, &out->value);
        out->value = library_errno(step->call, (enum tcpip_error)out->value);
        return error;
    case CALL_PEERCRED:
        error = tcpip_unix_peer_credentials(ep, &peer);
        out->pid = peer.pid;
        out->uid = (int)peer.uid;
        out->gid = (int)peer.gid;
        return error;
    default:
        return library_named(library, step, out);
    }
}

static enum tcpip_error library_change(struct library *library, const struct step *step)
{
    struct tcpip_endpoint **ep = &library->ep[step->slot], **other = &library->ep[step->other];
    struct tcpip_unix_address address = library_address(library, step->name);
    enum tcpip_error error;
    switch (step->call) {
    case CALL_NEW:
        error = tcpip_unix_new(library->stack, (enum tcpip_unix_type)step->size, ep);
        return error == TCPIP_OK ? tcpip_unix_set_credentials(*ep, &library->self) : error;
    case CALL_PAIR:
        return tcpip_unix_pair(library->stack, (enum tcpip_unix_type)step->size, &library->self, ep, other);
    case CALL_CLOSE:
        tcpip_endpoint_close(*ep);
        *ep = NULL;
        return TCPIP_OK;
    case CALL_BIND:
    case CALL_AUTOBIND:
        return tcpip_unix_bind(*ep, &address, NULL, NULL);
    case CALL_UNLINK:
        return tcpip_unix_unlink(library->stack, &address);
    case CALL_CONNECT:
        return tcpip_unix_connect(*ep, &address);
    case CALL_DISCONNECT:
        return tcpip_unix_connect(*ep, NULL);
    case CALL_LISTEN:
        return tcpip_endpoint_listen(*ep, (int)step->size);
    case CALL_ACCEPT:
        return tcpip_endpoint_accept(*ep, other, NULL);
    case CALL_SHUTDOWN:
        return tcpip_endpoint_shutdown(*ep, step->size + 1);
    default:
        return tcpip_endpoint_set_option(*ep, TCPIP_OPTION_PASSCRED, step->flag);
    }
}

void library_do(struct library *library, const struct step *step, struct answer *out)
{
    enum tcpip_error error;
    memset(out, 0, sizeof(*out));
    if (step->call == CALL_SEND)
        error = library_send(library, step, out);
    else if (step->call == CALL_RECV)
        error = library_recv(library, step, out);
    else
        error = step->call >= CALL_READY ? library_look(library, step, out) : library_change(library, step);
    out->error = library_errno(step->call, error);
    if (out->error == -1) { /* the end: nothing, of nobody */
        out->error = 0;
        out->from = SHOWN_UNNAMED;
    }
}
