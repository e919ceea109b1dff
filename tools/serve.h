// SPDX-License-Identifier: MIT
/* serve.h: what the files of `tcpip serve` share: the server, an answer, a connection. */
#ifndef TCPIP_TOOLS_SERVE_H
#define TCPIP_TOOLS_SERVE_H

#include "base/list.h"
#include "host.h"
#include "http.h"
#include "serve_tree.h"

enum {
    SERVE_CHUNK_MIN = 512, /* bytes read from a file at once */
    SERVE_CHUNK_MAX = 65536,
    SERVE_VIEWS = 16,        /* received buffers held at once */
    SERVE_CONNECTIONS = 500, /* each may hold three descriptors open, of the usual 1,024... */
};

struct server {
    struct host host;
    int root;
    struct tcpip_endpoint *listener;
    struct tcpip_waiter waiter;
    struct list connections;
    uint32_t connection_count;
    tcpip_ns timeout_ns;
    uint64_t upload_max_bytes;
    bool read_only;
};

/* An answer: text, then perhaps part of a file. */
struct reply {
    char *text; /* head, and body if it isn't a file's; malloc'd; NULL: none could be made */
    size_t text_bytes, text_sent;
    int file; /* -1: none */
    uint64_t file_at, file_left;
    bool close; /* the last one on its connection */
};

/* serve_reply.c. Each fills in an empty answer. */
void reply_init(struct reply *reply);
void reply_free(struct reply *reply); /* and is empty again */
void reply_get(struct reply *reply, const struct server *server, const struct http_request *request);
void reply_options(struct reply *reply, const struct server *server, const struct http_request *request);
/* Any other: a status, and a sentence for people where it is an error. */
void reply_status(struct reply *reply, const struct server *server, const struct http_request *request, int status);

/* serve_conn.c. The endpoint is the connection's from now on. */
void connection_new(struct server *server, struct tcpip_endpoint *endpoint);
struct connection;
void connection_free(struct connection *connection);
/* The first one there is; NULL: none. */
struct connection *connection_first(struct server *server);

#endif
