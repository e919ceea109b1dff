// SPDX-License-Identifier: MIT
/* http.c: the head of an HTTP/1.1 request.
 *
 * A head is gathered whole, at most 8 KB of it, and then understood at once: so there is no state between bytes but
 * "where does this line begin", and a request cut at any byte is the same request.
 *
 * What two servers could read differently is refused, since that is how requests are smuggled past one of them: blanks
 * before a colon, folded lines, bare CRs, two lengths that differ, a length beside a transfer coding, two Hosts. What
 * is only untidy is taken: an empty line before a request, a line ended by LF alone (RFC 9112 2.2 allows both).
 *
 * Owns:        nothing.
 * Invariants:  a path never has a ".." segment, an empty one, or a zero byte.
 * Not here:    bodies (http_body.c), texts of answers (http_text.c), files (serve_tree.c). */
#include "http.h"

#include <string.h>
#include <strings.h>

/* ---- gathering ---- */

void http_reader_reset(struct http_reader *reader)
{
    reader->size = reader->line_start = reader->lines = 0;
}

int http_reader_feed(struct http_reader *reader, const uint8_t *bytes, size_t size, size_t *used)
{
    for (size_t i = 0; i < size; i++) {
        if (reader->size == HTTP_HEAD_MAX) {
            *used = i;
            return reader->lines == 0 ? 414 : 431;
        }
        reader->bytes[reader->size++] = (char)bytes[i];
        if (bytes[i] != '\n')
            continue;
        uint32_t length = reader->size - 1 - reader->line_start;
        if (length == 1 && reader->bytes[reader->line_start] == '\r')
            length = 0;
        if (length == 0 && reader->lines == 0) {
            http_reader_reset(reader); /* a blank line before the request */
        } else if (length == 0) {
            *used = i + 1;
            return 200;
        } else {
            reader->lines++;
            reader->line_start = reader->size;
        }
    }
    *used = size;
    return 0;
}

/* ---- words ---- */

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The length of the token at `text`. */
static size_t token_length(const char *text)
{
    size_t length = 0;
    while (is_token_char(text[length]))
        length++;
    return length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool parse_decimal(const char **at, uint64_t *out)
{
    const char *digits = *at;
    uint64_t value = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return *at > digits;
}

/* ---- the target ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one segment at *from to *to, both moving on; false: a bad or forbidden escape. */
static bool decode_segment(const char **from, char **to)
{
    while (**from != '/' && **from != '\0') {
        char c = *(*from)++;
        if (c == '%') {
            int high = hex_digit(**from), low = high >= 0 ? hex_digit((*from)[1]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            *from += 2;
            if (c == '\0' || c == '/') /* no name has either; who asks is up to something */
                return false;
        }
        *(*to)++ = c;
    }
    return true;
}

/* In place: what comes out is never longer. Returns 0 or a status. */
static int parse_path(char *target, struct http_request *out)
{
    const char *from = target;
    char *to = target;
    out->path = target;
    out->folder = true;
    while (*from != '\0') {
        if (*from == '/') {
            from++;
            out->folder = true;
            continue;
        }
        char *start = to;
        if (to != target)
            *to++ = '/';
        char *segment = to;
        if (!decode_segment(&from, &to))
            return 400;
        size_t length = (size_t)(to - segment);
        if (length == 2 && memcmp(segment, "..", 2) == 0)
            return 403; /* clients resolve these themselves (RFC 3986 5.2.4) */
        out->folder = length == 1 && segment[0] == '.';
        if (out->folder)
            to = start;
    }
    *to = '\0';
    return 0;
}

static int parse_target(char *target, struct http_request *out)
{
    for (const char *at = target; *at != '\0'; at++) {
        if (*at == '#' || *at == 0x7f)
            return 400;
    }
    if (strcmp(target, "*") == 0 && out->method == HTTP_OPTIONS) {
        out->path = "";
        return 0;
    }
    if (strncasecmp(target, "http://", 7) == 0) { /* RFC 9112 3.2.2: must be taken */
        target += 7;
        size_t authority = strcspn(target, "/?");
        if (authority == 0)
            return 400;
        target += authority;
    } else if (target[0] != '/') {
        return 400;
    }
    target[strcspn(target, "?")] = '\0';
    return parse_path(target, out);
}

/* ---- the request line ---- */

static enum http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET},         {"HEAD", HTTP_HEAD},     {"PUT", HTTP_PUT},
        {"OPTIONS", HTTP_OPTIONS}, {"POST", HTTP_FOREIGN},  {"DELETE", HTTP_FOREIGN},
        {"CONNECT", HTTP_FOREIGN}, {"PATCH", HTTP_FOREIGN}, {"TRACE", HTTP_FOREIGN},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    }
    return HTTP_UNKNOWN;
}

static int parse_version(const char *version, struct http_request *out)
{
    if (strncmp(version, "HTTP/", 5) != 0 || version[5] < '0' || version[5] > '9' || version[6] != '.' ||
        version[7] < '0' || version[7] > '9' || version[8] != '\0')
        return 400;
    if (version[5] != '1')
        return 505;
    out->http_1_0 = version[7] == '0';
    return 0;
}

static int parse_request_line(char *line, struct http_request *out, char **target)
{
    size_t method = token_length(line);
    if (method == 0 || line[method] != ' ')
        return 400;
    line[method] = '\0';
    *target = line + method + 1;
    char *space = strchr(*target, ' ');
    if (space == NULL || space == *target || strchr(*target, '\t') != NULL)
        return 400;
    *space = '\0';
    out->method = method_of(line);
    return parse_version(space + 1, out);
}

/* ---- the fields ---- */

/* What the fields said, before it is judged together. */
struct head_fields {
    struct http_request *request;
    bool host, transfer_coding, close, keep_alive, expect;
};

static int take_host(struct head_fields *fields, const char *value)
{
    (void)value;
    int status = fields->host ? 400 : 0;
    fields->host = true;
    return status;
}

static int take_connection(struct head_fields *fields, const char *value)
{
    while (*value != '\0') {
        size_t length = token_length(value);
        if (length == 5 && strncasecmp(value, "close", 5) == 0)
            fields->close = true;
        if (length == 10 && strncasecmp(value, "keep-alive", 10) == 0)
            fields->keep_alive = true;
        value += length;
        if (*value != '\0' && *value != ',' && !is_blank(*value))
            return 400;
        value += strspn(value, ", \t");
    }
    return 0;
}

static int take_content_length(struct head_fields *fields, const char *value)
{
    struct http_request *request = fields->request;
    uint64_t length;
    if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')
        return 400;
    if (!parse_decimal(&value, &length))
        return 413;
    if (request->has_length && request->length != length)
        return 400;
    request->has_length = true;
    request->length = length;
    return 0;
}

static int take_transfer_encoding(struct head_fields *fields, const char *value)
{
    int status = fields->transfer_coding ? 400 : strcasecmp(value, "chunked") == 0 ? 0 : 501;
    fields->transfer_coding = true;
    fields->request->chunked = true;
    return status;
}

static int take_expect(struct head_fields *fields, const char *value)
{
    fields->expect = strcasecmp(value, "100-continue") == 0;
    return fields->expect ? 0 : 417;
}

/* A range that isn't understood is as if it weren't there (RFC 9110 14.2); so are several at once. */
static int take_range(struct head_fields *fields, const char *value)
{
    struct http_range range = {.present = true, .last = UINT64_MAX};
    if (strncasecmp(value, "bytes=", 6) != 0)
        return 0;
    value += 6;
    if (*value == '-') {
        range.suffix = true;
    } else if (!parse_decimal(&value, &range.first) || *value != '-') {
        return 0;
    }
    value++;
    if ((*value != '\0' || range.suffix) && !parse_decimal(&value, &range.last))
        return 0;
    if (*value == '\0' && (range.suffix || range.first <= range.last))
        fields->request->range = range;
    return 0;
}

static int take_content_range(struct head_fields *fields, const char *value)
{
    (void)value;
    fields->request->content_range = true;
    return 0;
}

static int take_if_none_match(struct head_fields *fields, const char *value)
{
    fields->request->if_none_match = value;
    return 0;
}

static int take_if_range(struct head_fields *fields, const char *value)
{
    fields->request->if_range = value;
    return 0;
}

static int take_field(struct head_fields *fields, const char *name, const char *value)
{
    static const struct {
        const char *name;
        int (*take)(struct head_fields *fields, const char *value);
    } known[] = {
        {"Host", take_host},
        {"Connection", take_connection},
        {"Content-Length", take_content_length},
        {"Transfer-Encoding", take_transfer_encoding},
        {"Expect", take_expect},
        {"Range", take_range},
        {"Content-Range", take_content_range},
        {"If-None-Match", take_if_none_match},
        {"If-Range", take_if_range},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(known[i].name, name) == 0)
            return known[i].take(fields, value);
    }
    return 0;
}

static int parse_field(struct head_fields *fields, char *line)
{
    size_t name = token_length(line);
    if (name == 0 || line[name] != ':')
        return 400; /* a folded line begins with a blank, and ends here too */
    line[name] = '\0';
    char *value = line + name + 1;
    value += strspn(value, " \t");
    size_t length = strlen(value);
    while (length > 0 && is_blank(value[length - 1]))
        length--;
    value[length] = '\0';
    return take_field(fields, line, value);
}

/* ---- all of it ---- */

/* Ends the line at `*at` with a zero and moves on; NULL: it has a character that no line may have. */
static char *next_line(char **at, const char *end)
{
    char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
    *at = newline + 1;
    if (newline > line && newline[-1] == '\r')
        newline--;
    *newline = '\0';
    for (const char *c = line; c < newline; c++) {
        if ((unsigned char)*c < ' ' && *c != '\t')
            return NULL;
    }
    return line;
}

static int judge_fields(const struct head_fields *fields, struct http_request *out)
{
    if (!out->http_1_0 && !fields->host)
        return 400;
    if (out->chunked && (out->has_length || out->http_1_0))
        return 400;
    out->expects_continue = fields->expect && !out->http_1_0;
    out->keep_alive = !fields->close && (!out->http_1_0 || fields->keep_alive);
    return 0;
}

static int parse_head(struct http_reader *reader, struct http_request *out)
{
    char *at = reader->bytes, *end = reader->bytes + reader->size, *target = NULL;
    struct head_fields fields = {.request = out};
    char *line = next_line(&at, end);
    int status = line == NULL ? 400 : parse_request_line(line, out, &target);
    for (uint32_t i = 1; status == 0 && i < reader->lines; i++) {
        line = next_line(&at, end);
        status = line == NULL ? 400 : i > HTTP_FIELDS_MAX ? 431 : parse_field(&fields, line);
    }
    if (status == 0)
        status = judge_fields(&fields, out);
    if (status == 0 && out->method == HTTP_UNKNOWN)
        return 501;
    if (status == 0 && out->method != HTTP_FOREIGN)
        status = parse_target(target, out);
    return status;
}

int http_request_parse(struct http_reader *reader, struct http_request *out)
{
    *out = (struct http_request){.method = HTTP_UNKNOWN, .path = ""};
    int status = parse_head(reader, out);
    if (status != 0)
        out->keep_alive = false; /* where this request ends is anybody's guess */
    return status;
}

/* ---- ranges and tags ---- */

bool http_range_resolve(const struct http_range *range, uint64_t size, uint64_t *first, uint64_t *count)
{
    if (range->suffix) {
        *count = range->last < size ? range->last : size;
        *first = size - *count;
        return *count > 0;
    }
    if (range->first >= size)
        return false;
    *first = range->first;
    *count = (range->last < size ? range->last + 1 : size) - range->first;
    return true;
}

bool http_tag_matches(const char *list, const char *tag, bool weak_too)
{
    size_t tag_length = strlen(tag);
    if (strcmp(list, "*") == 0)
        return weak_too;
    while (*list != '\0') {
        bool weak = strncmp(list, "W/", 2) == 0;
        list += weak ? 2 : 0;
        size_t length = *list == '"' ? strcspn(list + 1, "\"") + 2 : 0;
        if (length == 0 || list[length - 1] != '"')
            return false;
        if (length == tag_length && memcmp(list, tag, length) == 0 && (weak_too || !weak))
            return true;
        list += length;
        list += strspn(list, ", \t");
    }
    return false;
}
