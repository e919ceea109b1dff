// SPDX-License-Identifier: MIT
/* http_test.c: requests and bodies: whole, cut at every byte, and such as only an enemy sends. */
#include "http.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Gives `text` in two pieces, cut at `cut`, then parses. Returns the status; 0: good. */
static int parse_cut(struct http_reader *reader, const char *text, size_t cut, struct http_request *out)
{
    size_t size = strlen(text), used = 0;
    http_reader_reset(reader);
    int status = http_reader_feed(reader, (const uint8_t *)text, cut, &used);
    if (status == 0) {
        assert_int_equal(used, cut);
        status = http_reader_feed(reader, (const uint8_t *)text + cut, size - cut, &used);
        used += cut;
    }
    if (status != 200)
        return status != 0 ? status : -1;
    assert_true(used <= size);
    return http_request_parse(reader, out);
}

static int parse(struct http_reader *reader, const char *text, struct http_request *out)
{
    return parse_cut(reader, text, 0, out);
}

#define HOST "Host: stack\r\n"

static void test_a_request_is_the_same_wherever_it_is_cut(void **state)
{
    static const char text[] = "\r\nPUT /a%20b/./c?query HTTP/1.1\r\n" HOST
                               "content-LENGTH: 12\r\nConnection: x,  close\r\nExpect: 100-Continue\r\n"
                               "Range: bytes=3-7\r\nIf-Range:\"tag\"  \r\n\r\nrest";
    static struct http_reader reader;
    struct http_request request;
    (void)state;
    for (size_t cut = 0; cut < sizeof(text) - 4; cut++) {
        assert_int_equal(parse_cut(&reader, text, cut, &request), 0);
        assert_int_equal(request.method, HTTP_PUT);
        assert_string_equal(request.path, "a b/c");
        assert_false(request.folder);
        assert_true(request.has_length && request.length == 12 && !request.chunked);
        assert_true(request.expects_continue && !request.keep_alive && !request.http_1_0);
        assert_true(request.range.present && request.range.first == 3 && request.range.last == 7);
        assert_string_equal(request.if_range, "\"tag\"");
        assert_null(request.if_none_match);
    }
}

static void test_a_head_ends_where_it_ends_and_the_rest_is_left(void **state)
{
    static const char text[] = "GET / HTTP/1.1\n" HOST "\nGET /next";
    static struct http_reader reader;
    size_t used;
    (void)state;
    http_reader_reset(&reader);
    assert_int_equal(http_reader_feed(&reader, (const uint8_t *)text, sizeof(text) - 1, &used), 200);
    assert_string_equal(text + used, "GET /next");
}

static void test_paths_are_decoded_and_cannot_leave(void **state)
{
    static const struct {
        const char *target;
        int status;
        const char *path;
        bool folder;
    } cases[] = {
        {"/", 0, "", true},
        {"//", 0, "", true},
        {"/a", 0, "a", false},
        {"/a/", 0, "a", true},
        {"//a//b", 0, "a/b", false},
        {"/./a/./b/.", 0, "a/b", true},
        {"/%61%2E%62", 0, "a.b", false},
        {"/...", 0, "...", false},
        {"/a?b/../c", 0, "a", false},
        {"http://host", 0, "", true},
        {"HTTP://host:80/a", 0, "a", false},
        {"http://host?q", 0, "", true},
        {"/..", 403, NULL, false},
        {"/a/../b", 403, NULL, false},
        {"/%2e%2E", 403, NULL, false},
        {"/%2e%2e%2f", 400, NULL, false},
        {"/a%00", 400, NULL, false},
        {"/%", 400, NULL, false},
        {"/%1", 400, NULL, false},
        {"/%g1", 400, NULL, false},
        {"/a#b", 400, NULL, false},
        {"a", 400, NULL, false},
        {"*", 400, NULL, false},
        {"http://", 400, NULL, false},
        {"http:///a", 400, NULL, false},
        {"ftp://host/a", 400, NULL, false},
    };
    static struct http_reader reader;
    struct http_request request;
    char text[200];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].target);
        int status = parse(&reader, text, &request);
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].target, status, cases[i].status);
        if (status == 0) {
            assert_string_equal(request.path, cases[i].path);
            assert_int_equal(request.folder, cases[i].folder);
        }
    }
}

static void test_heads_that_could_be_read_in_two_ways_are_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "a: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "a: b\rc: d\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST ": d\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "a\r\n\r\n", 400},
        {"GET /\t HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET  HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1x\r\n" HOST "\r\n", 400},
        {"GET / HTTP/11\r\n" HOST "\r\n", 400},
        {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/3.0\r\n" HOST "\r\n", 505},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 0},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", 0},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 413},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0},
        {"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417},
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"POST * HTTP/1.1\r\n" HOST "\r\n", 0},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
    };
    static struct http_reader reader;
    struct http_request request;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = parse(&reader, cases[i].text, &request);
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].text, status, cases[i].status);
        if (status != 0)
            assert_false(request.keep_alive);
    }
}

static void test_a_zero_byte_is_nobodys_end_of_a_string(void **state)
{
    static const char text[] = "GET /a\0b HTTP/1.1\r\n" HOST "\r\n";
    static struct http_reader reader;
    struct http_request request;
    size_t used;
    (void)state;
    http_reader_reset(&reader);
    assert_int_equal(http_reader_feed(&reader, (const uint8_t *)text, sizeof(text) - 1, &used), 200);
    assert_int_equal(http_request_parse(&reader, &request), 400);
}

static void test_a_head_has_limits(void **state)
{
    static struct http_reader reader;
    struct http_request request;
    size_t used;
    (void)state;
    static char long_text[2 * HTTP_HEAD_MAX];
    memset(long_text, 'a', sizeof(long_text));
    http_reader_reset(&reader);
    assert_int_equal(http_reader_feed(&reader, (const uint8_t *)long_text, sizeof(long_text), &used), 414);
    assert_int_equal(used, HTTP_HEAD_MAX);
    memcpy(long_text, "GET / HTTP/1.1\r\na: ", 19);
    http_reader_reset(&reader);
    assert_int_equal(http_reader_feed(&reader, (const uint8_t *)long_text, sizeof(long_text), &used), 431);

    size_t size = (size_t)snprintf(long_text, sizeof(long_text), "GET / HTTP/1.1\r\n" HOST);
    for (int i = 1; i < HTTP_FIELDS_MAX; i++)
        size += (size_t)snprintf(long_text + size, sizeof(long_text) - size, "a%d: b\r\n", i);
    snprintf(long_text + size, sizeof(long_text) - size, "\r\n");
    assert_int_equal(parse(&reader, long_text, &request), 0);
    snprintf(long_text + size, sizeof(long_text) - size, "one: more\r\n\r\n");
    assert_int_equal(parse(&reader, long_text, &request), 431);
}

static void test_connections_are_kept_as_each_version_has_it(void **state)
{
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: Keep-Alive\r\nConnection: , CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
        {"GET / HTTP/1.7\r\n" HOST "\r\n", true},
    };
    static struct http_reader reader;
    struct http_request request;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&reader, cases[i].text, &request), 0);
        assert_int_equal(request.keep_alive, cases[i].keep);
    }
}

static void test_ranges_that_mean_nothing_are_as_if_absent(void **state)
{
    static const struct {
        const char *value;
        bool present;
        uint64_t first, count; /* of ten bytes; count 0: not satisfiable */
    } cases[] = {
        {"bytes=0-", true, 0, 10},  {"bytes=9-9", true, 9, 1},    {"bytes=5-100", true, 5, 5},
        {"Bytes=-4", true, 6, 4},   {"bytes=-100", true, 0, 10},  {"bytes=-0", true, 0, 0},
        {"bytes=10-", true, 0, 0},  {"bytes=3-2", false, 0, 0},   {"bytes=1-2,4-5", false, 0, 0},
        {"bytes=a-b", false, 0, 0}, {"bytes=-", false, 0, 0},     {"bytes 1-2", false, 0, 0},
        {"bytes=1", false, 0, 0},   {"bytes=1-2 ,", false, 0, 0}, {"bytes=0-18446744073709551615", false, 0, 0},
    };
    static struct http_reader reader;
    struct http_request request;
    char text[200];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t first = 0, count = 0;
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "Range: %s\r\n\r\n", cases[i].value);
        assert_int_equal(parse(&reader, text, &request), 0);
        if (request.range.present != cases[i].present)
            fail_msg("%s: %d", cases[i].value, request.range.present);
        if (!request.range.present)
            continue;
        assert_int_equal(http_range_resolve(&request.range, 10, &first, &count), cases[i].count != 0);
        if (cases[i].count != 0)
            assert_true(first == cases[i].first && count == cases[i].count);
    }
    struct http_range all = {.present = true, .last = UINT64_MAX};
    uint64_t first, count;
    assert_false(http_range_resolve(&all, 0, &first, &count));
    assert_true(http_range_resolve(&all, INT64_MAX, &first, &count));
    assert_true(count == INT64_MAX);
}

static void test_entity_tags_are_compared_whole(void **state)
{
    (void)state;
    assert_true(http_tag_matches("\"a\"", "\"a\"", false));
    assert_true(http_tag_matches("\"b\", \"a\"", "\"a\"", false));
    assert_true(http_tag_matches("W/\"a\"", "\"a\"", true));
    assert_false(http_tag_matches("W/\"a\"", "\"a\"", false));
    assert_true(http_tag_matches("*", "\"a\"", true));
    assert_false(http_tag_matches("*", "\"a\"", false));
    assert_false(http_tag_matches("\"ab\"", "\"a\"", true));
    assert_false(http_tag_matches("\"a", "\"a\"", true));
    assert_false(http_tag_matches("a", "\"a\"", true));
    assert_false(http_tag_matches("", "\"a\"", true));
    assert_false(http_tag_matches("\"", "\"a\"", true));
}

/* ---- bodies ---- */

struct collected {
    char bytes[256];
    size_t size;
};

/* Gives `text` in pieces of `piece` bytes; returns how many were taken. */
static size_t feed(struct http_body *body, const char *text, size_t piece, struct collected *out)
{
    size_t size = strlen(text), at = 0;
    out->size = 0;
    while (at < size && body->state != HTTP_BODY_DONE && body->state != HTTP_BODY_BAD) {
        const uint8_t *data;
        size_t data_bytes, most = size - at < piece ? size - at : piece;
        size_t used = http_body_feed(body, (const uint8_t *)text + at, most, &data, &data_bytes);
        assert_true(used > 0 && used <= most);
        if (data_bytes > 0) {
            assert_true(data >= (const uint8_t *)text + at && data + data_bytes <= (const uint8_t *)text + at + used);
            assert_true(out->size + data_bytes <= sizeof(out->bytes));
            memcpy(out->bytes + out->size, data, data_bytes);
            out->size += data_bytes;
        }
        at += used;
    }
    return at;
}

static void test_a_chunked_body_is_the_same_in_pieces_of_any_size(void **state)
{
    static const char text[] =
        "5\r\nhello\r\n1;ext=\"x\"\r\n \r\n000A  \r\nthe world!\r\n0;last\r\nA: b\r\nC: d\r\n\r\nrest";
    struct http_request request = {.chunked = true};
    (void)state;
    for (size_t piece = 1; piece <= sizeof(text); piece++) {
        struct http_body body;
        struct collected got;
        http_body_init(&body, &request);
        size_t used = feed(&body, text, piece, &got);
        assert_int_equal(body.state, HTTP_BODY_DONE);
        assert_string_equal(text + used, "rest");
        assert_int_equal(got.size, 16);
        assert_memory_equal(got.bytes, "hello the world!", 16);
    }
}

static void test_what_is_not_chunked_coding_is_bad_wherever_it_is_cut(void **state)
{
    static const char *const cases[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        " 1\r\n",
        "1\n",
        "1\rx",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rb",
        "0\r\n\rx",
        "0\r\n\n",
        "0\r\na: b\n",
        "0\r\na: b\rc",
        "1;ext\n",
        "1;ext\rx",
        "8000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "1\r\na\r\n\r\n",
    };
    struct http_request request = {.chunked = true};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece <= strlen(cases[i]); piece++) {
            struct http_body body;
            struct collected got;
            http_body_init(&body, &request);
            feed(&body, cases[i], piece, &got);
            if (body.state != HTTP_BODY_BAD)
                fail_msg("%s in pieces of %zu: state %d", cases[i], piece, (int)body.state);
        }
    }
}

static void test_extensions_and_trailers_are_limited(void **state)
{
    struct http_request request = {.chunked = true};
    struct http_body body;
    const uint8_t *data;
    size_t data_bytes, taken = 0;
    (void)state;
    http_body_init(&body, &request);
    assert_int_equal(http_body_feed(&body, (const uint8_t *)"0\r\n", 3, &data, &data_bytes), 3);
    for (; body.state != HTTP_BODY_BAD && taken < 100000; taken++)
        assert_int_equal(http_body_feed(&body, (const uint8_t *)"a", 1, &data, &data_bytes), 1);
    assert_true(taken < 10000);
}

static void test_a_body_of_known_length_ends_there(void **state)
{
    struct http_request request = {.has_length = true, .length = 5};
    struct http_body body;
    struct collected got;
    (void)state;
    http_body_init(&body, &request);
    assert_int_equal(feed(&body, "hello world", 3, &got), 5);
    assert_int_equal(body.state, HTTP_BODY_DONE);
    assert_memory_equal(got.bytes, "hello", 5);
    request.length = 0;
    http_body_init(&body, &request);
    assert_int_equal(body.state, HTTP_BODY_DONE);
}

/* What nobody thought of: heads and bodies with bytes changed, inserted and cut out. Sanitizers are the judge. */
static void test_random_damage_is_survived(void **state)
{
    static const char *const seeds[] = {
        "PUT /a%20b/../c?d HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\nRange: bytes=1-2\r\n\r\n",
        "GET http://h/x/./y HTTP/1.1\nHost: s\nConnection: close, x\nIf-Range: W/\"a\"\n\n",
        "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
    };
    static struct http_reader reader;
    uint32_t random = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t size = strlen(seeds[round % 3]), used;
        memcpy(text, seeds[round % 3], size + 1);
        for (int i = 0; i < 1 + round % 4; i++) {
            random = random * 1664525 + 1013904223;
            size_t at = (random >> 8) % size;
            if (random >> 30 == 0)
                memmove(text + at, text + at + 1, size - at), size--;
            else
                text[at] = (char)(random >> 30 == 1 ? "\r\n:/.% -"[random % 8] : (int)random);
        }
        struct http_request request = {.chunked = true};
        if (round % 3 < 2) {
            http_reader_reset(&reader);
            if (http_reader_feed(&reader, (const uint8_t *)text, size, &used) == 200 &&
                http_request_parse(&reader, &request) == 0 && request.method != HTTP_FOREIGN)
                assert_null(strstr(request.path, "/../"));
        } else {
            struct http_body body;
            const uint8_t *data;
            size_t data_bytes;
            http_body_init(&body, &request);
            for (size_t at = 0; at < size && body.state != HTTP_BODY_BAD && body.state != HTTP_BODY_DONE;)
                at += http_body_feed(&body, (const uint8_t *)text + at, size - at, &data, &data_bytes);
        }
    }
}

static void test_dates_are_those_of_http(void **state)
{
    char text[HTTP_DATE_BYTES];
    (void)state;
    http_date(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(test_a_head_ends_where_it_ends_and_the_rest_is_left),
        cmocka_unit_test(test_paths_are_decoded_and_cannot_leave),
        cmocka_unit_test(test_heads_that_could_be_read_in_two_ways_are_refused),
        cmocka_unit_test(test_a_zero_byte_is_nobodys_end_of_a_string),
        cmocka_unit_test(test_a_head_has_limits),
        cmocka_unit_test(test_connections_are_kept_as_each_version_has_it),
        cmocka_unit_test(test_ranges_that_mean_nothing_are_as_if_absent),
        cmocka_unit_test(test_entity_tags_are_compared_whole),
        cmocka_unit_test(test_a_chunked_body_is_the_same_in_pieces_of_any_size),
        cmocka_unit_test(test_what_is_not_chunked_coding_is_bad_wherever_it_is_cut),
        cmocka_unit_test(test_extensions_and_trailers_are_limited),
        cmocka_unit_test(test_a_body_of_known_length_ends_there),
        cmocka_unit_test(test_random_damage_is_survived),
        cmocka_unit_test(test_dates_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
