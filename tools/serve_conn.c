// SPDX-License-Identifier: MIT
/* serve_conn.c: one connection of `tcpip serve`.
 *
 *     HEAD  ->  (BODY, for a PUT)  ->  SEND  ->  HEAD ...                 the next request
 *                                       \  ->  LINGER  ->  the end        the last one
 *
 * Each state is a step, run until it must wait for the network; one request is answered whole before the next is looked
 * at, however many have come. Received bytes stay in the stack's buffers, lent, until they are understood or written to
 * a file; bytes of a file are read straight into a buffer of the stack and handed over. Nothing is copied here. All
 * that a step writes leaves in one flush, at the end of the turn it runs in: a head needs no hint that a file follows.
 *
 * LINGER: after the last answer, what the client still sends is read and thrown away for a moment, since closing with
 * unread data resets the connection, and a reset may overtake the answer at the client (RFC 9112 9.6).
 *
 * Owns:        struct connection, its endpoint, received views, the upload and the answer under way.
 * Invariants:  a timer is armed as long as the connection lives; a head must be complete by a fixed time, everything
 *              else must only make progress.
 * Not here:    what is answered (serve_reply.c), the listener (serve.c). */
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <tcpip/timer.h>
#include <unistd.h>

#define HEAD_TIMEOUT (30 * TCPIP_SECOND)
#define LINGER_TIMEOUT (2 * TCPIP_SECOND)

enum connection_state { CONNECTION_HEAD, CONNECTION_BODY, CONNECTION_SEND, CONNECTION_LINGER };

struct connection {
    struct tcpip_list_node node; /* of server.connections */
    struct server *server;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    struct tcpip_timer timer; /* armed for deadline_at, or earlier */
    tcpip_ns deadline_at;
    enum connection_state state;

    struct tcpip_view views[SERVE_VIEWS]; /* received, from `first` on not used up */
    size_t first, count;
    struct http_reader reader;
    struct http_request request;
    struct http_body body;
    struct upload upload;
    bool owes_continue; /* the client waits for 100 before it sends the body */

    struct reply reply;
    struct tcpip_view chunk; /* of the file: read, not yet taken by the endpoint; buffer NULL: none */
};

enum step { STEP_ON, STEP_WAIT, STEP_END };

/* ---- time ---- */

static void set_deadline(struct connection *c, tcpip_ns in)
{
    struct tcpip_stack *stack = c->server->host.stack;
    c->deadline_at = tcpip_stack_now(stack) + in;
    if (!tcpip_timer_armed(&c->timer) || c->timer.at > c->deadline_at)
        tcpip_timer_set(stack, &c->timer, c->deadline_at);
}

static void progress(struct connection *c)
{
    set_deadline(c, c->server->timeout_ns);
}

/* ---- input ---- */

static void drop_view(struct connection *c)
{
    tcpip_buffer_unref(c->views[c->first++].buffer);
}

/* Makes sure that there is something to look at. */
static enum tcpip_error fill(struct connection *c)
{
    size_t done;
    if (c->first < c->count)
        return TCPIP_OK;
    c->first = 0;
    c->count = SERVE_VIEWS;
    enum tcpip_error error = tcpip_endpoint_read_views(c->endpoint, c->views, &c->count, SIZE_MAX, &done, NULL);
    if (error != TCPIP_OK)
        c->count = 0;
    return error;
}

static enum step step_of(enum tcpip_error error)
{
    return error == TCPIP_OK ? STEP_ON : error == TCPIP_ERR_WOULD_BLOCK ? STEP_WAIT : STEP_END;
}

/* ---- a request ---- */

static enum step answer(struct connection *c)
{
    if (c->reply.text == NULL)
        return STEP_END; /* no memory, not even for saying so */
    c->state = CONNECTION_SEND;
    progress(c);
    return STEP_ON;
}

static enum step answer_status(struct connection *c, int status)
{
    reply_status(&c->reply, c->server, &c->request, status);
    return answer(c);
}

static enum step begin_upload(struct connection *c)
{
    const struct http_request *request = &c->request;
    int status = 0;
    if (request->content_range)
        status = 400; /* a part of a file taken for the whole would destroy it (RFC 9110 14.5) */
    else if (!request->chunked && !request->has_length)
        status = 411;
    else if (request->has_length && request->length > c->server->upload_max_bytes)
        status = 413;
    else if (request->folder || request->path[0] == '\0')
        status = 409;
    if (status == 0)
        status = upload_begin(&c->upload, c->server->root, request->path);
    if (status != 0) {
        c->reply.close = true; /* rather than swallow a body that nobody wants */
        return answer_status(c, status);
    }
    c->owes_continue = request->expects_continue;
    c->state = CONNECTION_BODY;
    progress(c);
    return STEP_ON;
}

static enum step take_request(struct connection *c)
{
    const struct http_request *request = &c->request;
    int status = http_request_parse(&c->reader, &c->request);
    if (status != 0)
        return answer_status(c, status);
    http_body_init(&c->body, request);
    if (request->method == HTTP_PUT && !c->server->read_only)
        return begin_upload(c);
    c->reply.close = c->body.state != HTTP_BODY_DONE; /* a body that means nothing here */
    if (request->method == HTTP_GET || request->method == HTTP_HEAD)
        reply_get(&c->reply, c->server, request);
    else if (request->method == HTTP_OPTIONS)
        reply_options(&c->reply, c->server, request);
    else
        reply_status(&c->reply, c->server, request, 405);
    return answer(c);
}

static enum step step_head(struct connection *c)
{
    enum tcpip_error error = fill(c);
    if (error != TCPIP_OK)
        return step_of(error);
    struct tcpip_view *view = &c->views[c->first];
    bool begins = c->reader.size == 0;
    size_t used;
    int status = http_reader_feed(&c->reader, tcpip_view_data(view), view->length, &used);
    tcpip_view_trim_front(view, (uint32_t)used);
    if (view->length == 0)
        drop_view(c);
    if (begins && c->reader.size != 0)
        set_deadline(c, HEAD_TIMEOUT);
    if (status == 200)
        return take_request(c);
    if (status == 0)
        return STEP_ON;
    c->request = (struct http_request){.path = ""};
    return answer_status(c, status);
}

/* ---- a body ---- */

/* Runs of data in consecutive views, written with one call. */
struct gather {
    struct iovec runs[SERVE_VIEWS];
    int count;
    size_t bytes;
};

/* Looks at what has come, up to a full gather; `*views` are used up and may go when it is written. */
static void gather_body(struct connection *c, struct gather *gather, size_t *views)
{
    *gather = (struct gather){.count = 0};
    *views = 0;
    while (c->first + *views < c->count && gather->count < SERVE_VIEWS) {
        struct tcpip_view *view = &c->views[c->first + *views];
        const uint8_t *data;
        size_t data_bytes;
        size_t used = http_body_feed(&c->body, tcpip_view_data(view), view->length, &data, &data_bytes);
        tcpip_view_trim_front(view, (uint32_t)used);
        if (data_bytes > 0) {
            gather->runs[gather->count++] = (struct iovec){(void *)(uintptr_t)data, data_bytes};
            gather->bytes += data_bytes;
        }
        if (view->length == 0)
            ++*views;
        if (c->body.state == HTTP_BODY_DONE || c->body.state == HTTP_BODY_BAD)
            break;
    }
}

/* Returns 0 or a status. */
static int write_gathered(struct connection *c, struct gather *gather)
{
    struct iovec *runs = gather->runs;
    if (gather->bytes > c->server->upload_max_bytes - c->upload.bytes)
        return 413;
    while (gather->bytes > 0) {
        ssize_t written = writev(c->upload.fd, runs, gather->count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return tree_status(written < 0 ? errno : ENOSPC);
        gather->bytes -= (size_t)written;
        c->upload.bytes += (uint64_t)written;
        while (gather->count > 0 && (size_t)written >= runs->iov_len) {
            written -= (ssize_t)runs->iov_len;
            runs++;
            gather->count--;
        }
        if (written > 0) {
            runs->iov_base = (uint8_t *)runs->iov_base + written;
            runs->iov_len -= (size_t)written;
        }
    }
    return 0;
}

static enum step refuse_body(struct connection *c, int status)
{
    upload_abort(&c->upload);
    c->reply.close = true;
    return answer_status(c, status);
}

static enum step send_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t done;
    if (c->first < c->count) { /* the body comes already */
        c->owes_continue = false;
        return STEP_ON;
    }
    enum tcpip_error error = tcpip_endpoint_write(c->endpoint, text, sizeof(text) - 1, 0, NULL, &done);
    if (error != TCPIP_OK)
        return step_of(error);
    c->owes_continue = false;
    return done == sizeof(text) - 1 ? STEP_ON : STEP_END; /* a buffer that small isn't worth a state */
}

static enum step step_body(struct connection *c)
{
    struct gather gather;
    size_t views;
    if (c->body.state == HTTP_BODY_DONE)
        return answer_status(c, upload_commit(&c->upload));
    enum step step = c->owes_continue ? send_continue(c) : STEP_ON;
    if (step != STEP_ON)
        return step;
    enum tcpip_error error = fill(c);
    if (error != TCPIP_OK)
        return step_of(error);
    gather_body(c, &gather, &views);
    if (c->body.state == HTTP_BODY_BAD)
        return refuse_body(c, 400);
    int status = write_gathered(c, &gather);
    if (status != 0)
        return refuse_body(c, status);
    for (; views > 0; views--)
        drop_view(c);
    progress(c);
    return STEP_ON;
}

/* ---- an answer ---- */

static enum step send_text(struct connection *c)
{
    struct reply *reply = &c->reply;
    size_t done;
    while (reply->text_sent < reply->text_bytes) {
        enum tcpip_error error = tcpip_endpoint_write(c->endpoint, reply->text + reply->text_sent,
                                                      reply->text_bytes - reply->text_sent, 0, NULL, &done);
        if (error != TCPIP_OK)
            return step_of(error);
        reply->text_sent += done;
        progress(c);
    }
    return STEP_ON;
}

/* A piece is taken whole or not at all: a quarter of what the endpoint holds leaves it something to send while the next
 * piece waits. The buffer grows with the path, and the pieces with it. */
static size_t chunk_size(const struct connection *c)
{
    int64_t room;
    if (tcpip_endpoint_get_option(c->endpoint, TCPIP_OPTION_SEND_BUFFER_SIZE, &room) != TCPIP_OK)
        room = 0;
    size_t size = room / 4 > SERVE_CHUNK_MAX ? SERVE_CHUNK_MAX : (size_t)room / 4;
    if (size < SERVE_CHUNK_MIN)
        size = SERVE_CHUNK_MIN;
    return size < c->reply.file_left ? size : (size_t)c->reply.file_left;
}

/* Reads the next bytes of the file into a buffer of the stack's. */
static enum step read_chunk(struct connection *c)
{
    struct reply *reply = &c->reply;
    size_t size = chunk_size(c);
    struct tcpip_buffer *buffer = tcpip_buffer_new(c->server->host.stack, size);
    if (buffer == NULL)
        return STEP_END;
    ssize_t got;
    do
        got = pread(reply->file, buffer->data, size, (off_t)reply->file_at);
    while (got < 0 && errno == EINTR);
    if (got <= 0) { /* it was truncated meanwhile: less than was promised, and only the end of the connection says so */
        tcpip_buffer_unref(buffer);
        return STEP_END;
    }
    c->chunk = (struct tcpip_view){buffer, 0, (uint32_t)got};
    reply->file_at += (uint64_t)got;
    reply->file_left -= (uint64_t)got;
    return STEP_ON;
}

static enum step send_file(struct connection *c)
{
    while (c->chunk.buffer != NULL || c->reply.file_left > 0) {
        if (c->chunk.buffer == NULL && read_chunk(c) != STEP_ON)
            return STEP_END;
        enum tcpip_error error = tcpip_endpoint_write_view(c->endpoint, &c->chunk, 0, NULL);
        if (error == TCPIP_ERR_NO_BUFFER_SPACE)
            return STEP_WAIT; /* the stack's memory is used up; what is acknowledged gives some back */
        if (error != TCPIP_OK)
            return step_of(error);
        tcpip_buffer_unref(c->chunk.buffer);
        c->chunk.buffer = NULL;
        progress(c);
    }
    return STEP_ON;
}

static enum step step_send(struct connection *c)
{
    enum step step = send_text(c);
    if (step == STEP_ON)
        step = send_file(c);
    if (step != STEP_ON)
        return step;
    bool last = c->reply.close;
    reply_free(&c->reply);
    http_reader_reset(&c->reader);
    if (!last) {
        c->state = CONNECTION_HEAD;
        progress(c);
        return STEP_ON;
    }
    if (tcpip_endpoint_shutdown(c->endpoint, TCPIP_SHUTDOWN_WRITE) != TCPIP_OK)
        return STEP_END;
    c->state = CONNECTION_LINGER;
    set_deadline(c, LINGER_TIMEOUT);
    return STEP_ON;
}

static enum step step_linger(struct connection *c)
{
    enum tcpip_error error = fill(c);
    while (c->first < c->count)
        drop_view(c);
    return step_of(error);
}

/* ---- a life ---- */

static void run(struct connection *c)
{
    static enum step (*const steps[])(struct connection *) = {
        [CONNECTION_HEAD] = step_head,
        [CONNECTION_BODY] = step_body,
        [CONNECTION_SEND] = step_send,
        [CONNECTION_LINGER] = step_linger,
    };
    enum step step;
    do
        step = steps[c->state](c);
    while (step == STEP_ON);
    if (step == STEP_END)
        connection_free(c);
}

static void on_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)ready;
    run(TCPIP_CONTAINER_OF(waiter, struct connection, waiter));
}

static void on_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct connection *c = TCPIP_CONTAINER_OF(timer, struct connection, timer);
    if (now < c->deadline_at) { /* there was progress since it was armed */
        tcpip_timer_set(c->server->host.stack, timer, c->deadline_at);
    } else if (c->state == CONNECTION_HEAD && c->reader.size > 0) {
        c->request = (struct http_request){.path = ""};
        if (answer_status(c, 408) == STEP_ON)
            run(c);
        else
            connection_free(c);
    } else {
        connection_free(c);
    }
}

void connection_new(struct server *server, struct tcpip_endpoint *endpoint)
{
    struct connection *c = server->connection_count < SERVE_CONNECTIONS ? calloc(1, sizeof(struct connection)) : NULL;
    if (c == NULL) {
        tcpip_endpoint_close(endpoint);
        return;
    }
    c->server = server;
    c->endpoint = endpoint;
    c->waiter.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT;
    c->waiter.fn = on_ready;
    c->timer.fn = on_timer;
    upload_init(&c->upload);
    reply_init(&c->reply);
    list_push_back(&server->connections, &c->node);
    server->connection_count++;
    tcpip_endpoint_waiter_add(endpoint, &c->waiter);
    progress(c);
    run(c);
}

void connection_free(struct connection *c)
{
    tcpip_timer_cancel(c->server->host.stack, &c->timer);
    upload_abort(&c->upload);
    reply_free(&c->reply);
    if (c->chunk.buffer != NULL)
        tcpip_buffer_unref(c->chunk.buffer);
    while (c->first < c->count)
        drop_view(c);
    tcpip_endpoint_close(c->endpoint);
    list_remove(&c->node);
    c->server->connection_count--;
    free(c);
}

struct connection *connection_first(struct server *server)
{
    struct tcpip_list_node *node = list_first(&server->connections);
    return node != NULL ? list_entry(node, struct connection, node) : NULL;
}
