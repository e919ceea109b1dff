// SPDX-License-Identifier: MIT
/* http.h: HTTP/1.1 on the server's side (RFC 9110, RFC 9112): bytes to requests, bodies, ranges. Pure functions of
 * bytes that come in pieces of any size; no endpoint, no file. */
#ifndef TCPIP_TOOLS_HTTP_H
#define TCPIP_TOOLS_HTTP_H

#include <tcpip/base.h>
#include <time.h>

enum {
    HTTP_HEAD_MAX = 8192, /* request line and fields */
    HTTP_FIELDS_MAX = 64,
    HTTP_DATE_BYTES = 30, /* with the terminating zero */
};

/* ---- the head of a request ---- */

/* Gathers a head; start with zeroes, and again after each request. */
struct http_reader {
    char bytes[HTTP_HEAD_MAX + 1];
    uint32_t size;       /* gathered so far; 0: no request has begun */
    uint32_t line_start; /* of the line that is not complete yet */
    uint32_t lines;      /* complete ones */
};

void http_reader_reset(struct http_reader *reader);
/* Takes bytes up to the end of the head; `*used` says how many. Returns 0: more are needed; 200: the head is complete;
 * 414 or 431: it is too long. */
int http_reader_feed(struct http_reader *reader, const uint8_t *bytes, size_t size, size_t *used);

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_PUT,
    HTTP_OPTIONS,
    HTTP_FOREIGN, /* one that exists and isn't offered here */
    HTTP_UNKNOWN,
};

struct http_range {
    bool present;
    bool suffix;          /* the last `last` bytes */
    uint64_t first, last; /* inclusive; last is UINT64_MAX when it was left out */
};

/* Strings point into the reader. */
struct http_request {
    enum http_method method;
    bool http_1_0;
    bool keep_alive;
    bool expects_continue;
    bool chunked;
    bool has_length;
    uint64_t length;
    bool content_range; /* a PUT of a part */
    struct http_range range;
    const char *if_none_match; /* NULL: not there */
    const char *if_range;
    /* Decoded, without empty and "." segments, joined by single slashes, none at either end; "" is the root. */
    const char *path;
    bool folder; /* the target ended in a slash */
};

/* Understands a complete head, whose bytes it changes. Returns 0, or the status that is the answer; then at least
 * `keep_alive` is valid (and false). */
int http_request_parse(struct http_reader *reader, struct http_request *out);

/* Which bytes of `size` a range means; false: none (416). */
bool http_range_resolve(const struct http_range *range, uint64_t size, uint64_t *first, uint64_t *count);
/* Does an If-None-Match or If-Range list name this entity tag? */
bool http_tag_matches(const char *list, const char *tag, bool weak_too);

/* ---- the body of a request ---- */

enum http_body_state {
    HTTP_BODY_DONE,
    HTTP_BODY_LENGTH, /* so many bytes */
    HTTP_BODY_SIZE,   /* chunked: the size of a chunk, before its first digit */
    HTTP_BODY_SIZE_DIGITS,
    HTTP_BODY_EXTENSION,
    HTTP_BODY_SIZE_LF,
    HTTP_BODY_CHUNK,
    HTTP_BODY_CHUNK_CR,
    HTTP_BODY_CHUNK_LF,
    HTTP_BODY_TRAILER, /* at the beginning of a trailer line */
    HTTP_BODY_TRAILER_LINE,
    HTTP_BODY_TRAILER_LF,
    HTTP_BODY_END_LF,
    HTTP_BODY_BAD, /* not chunked coding: 400, and the connection is of no more use */
};

struct http_body {
    enum http_body_state state;
    uint64_t left;    /* of the body, or of the chunk */
    uint32_t padding; /* bytes of extensions and trailers so far */
};

void http_body_init(struct http_body *body, const struct http_request *request);
/* Takes bytes up to the end of a run of data, of the body, or of what was given; returns how many. `*data` are the
 * data among them (`*data_bytes` may be 0). Call until all is taken, or the state is DONE or BAD. */
size_t http_body_feed(struct http_body *body, const uint8_t *bytes, size_t size, const uint8_t **data,
                      size_t *data_bytes);

/* ---- what answers are made of ---- */

const char *http_status_text(int status);
/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void http_date(time_t at, char out[HTTP_DATE_BYTES]);
/* By the end of a file's name. */
const char *http_content_type(const char *name);

#endif
