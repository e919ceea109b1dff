// SPDX-License-Identifier: MIT
/* tool_http.c: what a client may send to `tcpip serve`: requests, one after the other, with their bodies.
 *
 * The first byte of the input is where the rest is cut in two: a request must mean the same however it arrives. */
#include "../tools/http.h"

#include <stdlib.h>
#include <string.h>

/* What a run came to: the statuses, paths and data, folded. */
struct outcome {
    uint64_t fold;
    size_t used;
};

static void fold(struct outcome *outcome, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        outcome->fold = (outcome->fold ^ at[i]) * 0x100000001b3u;
}

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_request(const struct http_request *request)
{
    uint64_t first, count;
    size_t length = strlen(request->path);
    check(request->path[0] != '/' && (length == 0 || request->path[length - 1] != '/'));
    check(strstr(request->path, "//") == NULL && strstr(request->path, "/../") == NULL);
    check(strcmp(request->path, "..") != 0 && strncmp(request->path, "../", 3) != 0);
    check(!(request->chunked && request->has_length));
    if (request->range.present && http_range_resolve(&request->range, 1000, &first, &count))
        check(count > 0 && first < 1000 && count <= 1000 - first);
}

/* The parser's state between pieces. */
struct session {
    struct http_reader reader;
    struct http_body body; /* DONE: a head is being read */
    bool ended;
};

static size_t take_head(struct session *session, const uint8_t *bytes, size_t size, struct outcome *outcome)
{
    struct http_request request;
    size_t used;
    int status = http_reader_feed(&session->reader, bytes, size, &used);
    check(used <= size);
    if (status == 0)
        return used;
    if (status == 200)
        status = http_request_parse(&session->reader, &request);
    fold(outcome, &status, sizeof(status));
    session->ended = status != 0;
    if (status == 0) {
        check_request(&request);
        fold(outcome, request.path, strlen(request.path));
        http_body_init(&session->body, &request);
        http_reader_reset(&session->reader);
    }
    return used;
}

static size_t take_body(struct session *session, const uint8_t *bytes, size_t size, struct outcome *outcome)
{
    const uint8_t *data;
    size_t data_bytes, used = http_body_feed(&session->body, bytes, size, &data, &data_bytes);
    check(used > 0 && used <= size && data_bytes <= used);
    fold(outcome, data, data_bytes);
    session->ended = session->body.state == HTTP_BODY_BAD;
    return used;
}

static void take(struct session *session, const uint8_t *bytes, size_t size, struct outcome *outcome)
{
    while (size > 0 && !session->ended) {
        size_t used = session->body.state == HTTP_BODY_DONE ? take_head(session, bytes, size, outcome)
                                                            : take_body(session, bytes, size, outcome);
        bytes += used;
        size -= used;
        outcome->used += used;
    }
}

static struct outcome run(const uint8_t *bytes, size_t size, size_t cut)
{
    static struct session session;
    struct outcome outcome = {.fold = 1};
    memset(&session, 0, sizeof(session));
    take(&session, bytes, cut, &outcome);
    take(&session, bytes + cut, size - cut, &outcome);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t cut = (size_t)data[0] * (size - 1) / 256;
    struct outcome whole = run(data + 1, size - 1, 0), parts = run(data + 1, size - 1, cut);
    check(whole.fold == parts.fold && whole.used == parts.used);
    return 0;
}
