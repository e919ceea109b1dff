// SPDX-License-Identifier: MIT
/* http_body.c: the body of an HTTP/1.1 request: so many bytes, or chunked (RFC 9112 7.1).
 *
 *     4;name=value\r\n   data   \r\n   ...   0\r\n   trailers   \r\n
 *
 * Data are pointed at where they lie. Extensions and trailers are skipped, and limited: they would be a way to keep a
 * server busy with nothing. Every CRLF must be one; where a chunk ends is no place for tolerance.
 *
 * Owns:        nothing.
 * Invariants:  `left` is the data still to come in LENGTH and CHUNK; a size never exceeds INT64_MAX. */
#include "http.h"

enum { PADDING_MAX = 4096 };

void http_body_init(struct http_body *body, const struct http_request *request)
{
    *body = (struct http_body){.state = HTTP_BODY_DONE};
    if (request->chunked) {
        body->state = HTTP_BODY_SIZE;
    } else if (request->has_length && request->length > 0) {
        body->state = HTTP_BODY_LENGTH;
        body->left = request->length;
    }
}

static int chunk_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http_body_state take_size(struct http_body *body, uint8_t c)
{
    int digit = chunk_digit(c);
    if (digit >= 0) {
        if (body->left > (uint64_t)INT64_MAX >> 4)
            return HTTP_BODY_BAD;
        body->left = body->left << 4 | (uint64_t)digit;
        return HTTP_BODY_SIZE_DIGITS;
    }
    if (body->state == HTTP_BODY_SIZE) /* not one digit */
        return HTTP_BODY_BAD;
    if (c == ';' || c == ' ' || c == '\t')
        return HTTP_BODY_EXTENSION;
    return c == '\r' ? HTTP_BODY_SIZE_LF : HTTP_BODY_BAD;
}

/* In a line that nobody reads: where to when it ends. */
static enum http_body_state skip_line(struct http_body *body, uint8_t c, enum http_body_state then)
{
    if (c == '\r')
        return then;
    return c == '\n' || ++body->padding > PADDING_MAX ? HTTP_BODY_BAD : body->state;
}

static enum http_body_state expect_lf(uint8_t c, enum http_body_state then)
{
    return c == '\n' ? then : HTTP_BODY_BAD;
}

/* One byte that is not data. */
static enum http_body_state take_framing(struct http_body *body, uint8_t c)
{
    switch (body->state) {
    case HTTP_BODY_SIZE:
    case HTTP_BODY_SIZE_DIGITS:
        return take_size(body, c);
    case HTTP_BODY_EXTENSION:
        return skip_line(body, c, HTTP_BODY_SIZE_LF);
    case HTTP_BODY_SIZE_LF:
        return expect_lf(c, body->left > 0 ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILER);
    case HTTP_BODY_CHUNK_CR:
        return c == '\r' ? HTTP_BODY_CHUNK_LF : HTTP_BODY_BAD;
    case HTTP_BODY_CHUNK_LF:
        return expect_lf(c, HTTP_BODY_SIZE);
    case HTTP_BODY_TRAILER:
        if (c == '\r')
            return HTTP_BODY_END_LF;
        body->state = HTTP_BODY_TRAILER_LINE;
        return skip_line(body, c, HTTP_BODY_BAD);
    case HTTP_BODY_TRAILER_LINE:
        return skip_line(body, c, HTTP_BODY_TRAILER_LF);
    case HTTP_BODY_TRAILER_LF:
        return expect_lf(c, HTTP_BODY_TRAILER);
    case HTTP_BODY_END_LF:
        return expect_lf(c, HTTP_BODY_DONE);
    case HTTP_BODY_DONE:
    case HTTP_BODY_LENGTH:
    case HTTP_BODY_CHUNK:
    case HTTP_BODY_BAD:
        break;
    }
    return HTTP_BODY_BAD;
}

size_t http_body_feed(struct http_body *body, const uint8_t *bytes, size_t size, const uint8_t **data,
                      size_t *data_bytes)
{
    size_t at = 0;
    *data = bytes;
    *data_bytes = 0;
    while (at < size && body->state != HTTP_BODY_DONE && body->state != HTTP_BODY_BAD) {
        if (body->state != HTTP_BODY_LENGTH && body->state != HTTP_BODY_CHUNK) {
            body->state = take_framing(body, bytes[at++]);
            continue;
        }
        size_t count = size - at;
        if (count > body->left)
            count = (size_t)body->left;
        *data = bytes + at;
        *data_bytes = count;
        body->left -= count;
        if (body->left == 0)
            body->state = body->state == HTTP_BODY_LENGTH ? HTTP_BODY_DONE : HTTP_BODY_CHUNK_CR;
        return at + count;
    }
    return at;
}
