// SPDX-License-Identifier: MIT
/* serve_reply.c: what `tcpip serve` answers to a request.
 *
 * Owns:        a struct reply's text and file until reply_free.
 * Not here:    understanding requests (http.c), sending answers (serve_conn.c), opening files safely (serve_tree.c). */
#include "serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void reply_init(struct reply *reply)
{
    *reply = (struct reply){.file = -1};
}

void reply_free(struct reply *reply)
{
    free(reply->text);
    if (reply->file >= 0)
        close(reply->file);
    reply_init(reply);
}

/* ---- heads ---- */

/* The lines that every answer has. */
static FILE *head_begin(struct reply *reply, const struct http_request *request, int status)
{
    char date[HTTP_DATE_BYTES];
    FILE *out = open_memstream(&reply->text, &reply->text_bytes);
    if (out == NULL)
        return NULL;
    http_date(time(NULL), date);
    reply->close = reply->close || !request->keep_alive;
    fprintf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: tcpip/%d.%d\r\n", status, http_status_text(status), date,
            TCPIP_VERSION_MAJOR, TCPIP_VERSION_MINOR);
    if (reply->close)
        fputs("Connection: close\r\n", out);
    else if (request->http_1_0)
        fputs("Connection: keep-alive\r\n", out);
    return out;
}

/* `body` NULL: none. A HEAD is told its length only. */
static void head_end(FILE *out, struct reply *reply, const struct http_request *request, const char *body, size_t size)
{
    if (body != NULL)
        fprintf(out, "Content-Length: %zu\r\n", size);
    fputs("\r\n", out);
    if (body != NULL && request->method != HTTP_HEAD)
        fwrite(body, 1, size, out);
    if (fclose(out) != 0) {
        free(reply->text);
        reply->text = NULL;
    }
}

static const char *allowed_methods(const struct server *server)
{
    return server->read_only ? "GET, HEAD, OPTIONS" : "GET, HEAD, PUT, OPTIONS";
}

void reply_status(struct reply *reply, const struct server *server, const struct http_request *request, int status)
{
    char body[64] = "";
    FILE *out = head_begin(reply, request, status);
    if (out == NULL)
        return;
    if (status >= 400)
        snprintf(body, sizeof(body), "%d %s\n", status, http_status_text(status));
    if (status == 405)
        fprintf(out, "Allow: %s\r\n", allowed_methods(server));
    if (status >= 400)
        fputs("Content-Type: text/plain\r\n", out);
    /* A 204 has no body by its nature, and says nothing of its length (RFC 9110 8.6). */
    head_end(out, reply, request, status == 204 ? NULL : body, strlen(body));
}

void reply_options(struct reply *reply, const struct server *server, const struct http_request *request)
{
    FILE *out = head_begin(reply, request, 204);
    if (out == NULL)
        return;
    fprintf(out, "Allow: %s\r\n", allowed_methods(server));
    head_end(out, reply, request, NULL, 0);
}

/* ---- folders ---- */

static void reply_moved(struct reply *reply, const struct http_request *request)
{
    char *path = tree_escape(request->path);
    FILE *out = path != NULL ? head_begin(reply, request, 301) : NULL;
    if (out != NULL) {
        fprintf(out, "Location: %s/\r\n", path);
        head_end(out, reply, request, "", 0);
    }
    free(path);
}

static void reply_list(struct reply *reply, const struct http_request *request, int folder)
{
    size_t size;
    char *page = tree_list(folder, request->path, &size);
    FILE *out = page != NULL ? head_begin(reply, request, 200) : NULL;
    if (out != NULL) {
        fputs("Content-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\n", out);
        head_end(out, reply, request, page, size);
    }
    free(page);
}

/* ---- files ---- */

/* Changes with every change of the file that a clock can tell. */
static void entity_tag(const struct stat *stat, char *out, size_t size)
{
    snprintf(out, size, "\"%" PRIxMAX "-%" PRIxMAX "%09lx-%" PRIxMAX "\"", (uintmax_t)stat->st_ino,
             (uintmax_t)stat->st_mtim.tv_sec, (unsigned long)stat->st_mtim.tv_nsec, (uintmax_t)stat->st_size);
}

/* Is the range to be looked at? Not if the client's copy is of another state of the file (RFC 9110 13.1.5). */
static bool range_applies(const struct http_request *request, const char *tag, const char *modified)
{
    if (!request->range.present || request->method != HTTP_GET)
        return false;
    return request->if_range == NULL || http_tag_matches(request->if_range, tag, false) ||
           strcmp(request->if_range, modified) == 0;
}

/* Takes the descriptor. */
static void reply_file(struct reply *reply, const struct http_request *request, int file, const struct stat *stat)
{
    char tag[80], modified[HTTP_DATE_BYTES];
    uint64_t size = (uint64_t)stat->st_size, first = 0, count = size;
    int status = 200;
    entity_tag(stat, tag, sizeof(tag));
    http_date(stat->st_mtime, modified);
    if (request->if_none_match != NULL && http_tag_matches(request->if_none_match, tag, true))
        status = 304;
    else if (range_applies(request, tag, modified))
        status = http_range_resolve(&request->range, size, &first, &count) ? 206 : 416;

    FILE *out = head_begin(reply, request, status);
    if (out == NULL) {
        close(file);
        return;
    }
    fprintf(out, "Accept-Ranges: bytes\r\nETag: %s\r\nLast-Modified: %s\r\n", tag, modified);
    if (status == 416) {
        fprintf(out, "Content-Range: bytes */%" PRIu64 "\r\nContent-Length: 0\r\n", size);
    } else if (status != 304) {
        fprintf(out, "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n", http_content_type(request->path), count);
        if (status == 206)
            fprintf(out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", first, first + count - 1,
                    size);
    }
    head_end(out, reply, request, NULL, 0);
    if ((status == 200 || status == 206) && request->method == HTTP_GET) {
        reply->file = file;
        reply->file_at = first;
        reply->file_left = count;
    } else {
        close(file);
    }
}

void reply_get(struct reply *reply, const struct server *server, const struct http_request *request)
{
    struct stat stat;
    int fd = tree_open(server->root, request->path);
    if (fd < 0) {
        reply_status(reply, server, request, tree_status(errno));
        return;
    }
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && !request->folder) {
        reply_file(reply, request, fd, &stat);
        return;
    }
    if (!S_ISDIR(stat.st_mode)) /* a device, a pipe, or "file/" */
        reply_status(reply, server, request, 404);
    else if (!request->folder)
        reply_moved(reply, request);
    else
        reply_list(reply, request, fd);
    close(fd);
}
