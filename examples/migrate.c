// SPDX-License-Identifier: MIT
/* migrate.c: connections that outlive their process. An echo server at 10.1.0.2, port 7, behind tun0, which also waits
 * at a unix socket for its successor: run it again with the same PATH, and the second process takes over from the
 * first, which ends. It gets the TUN and each connection as bytes (tcpip/save.h), with all that is under way; the peers
 * notice a pause.
 *
 * Until the successor says that it has everything, nothing is lost: if it dies before, the connections thaw. What the
 * application knows of a connection would go along; an echo knows nothing (echo_service.c).
 * Whoever may connect to PATH gets all of it. Not here: handshakes under way, which tcpip_stack_save takes, too.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tcpip/loop.h>
#include <tcpip/save.h>
#include <unistd.h>

static struct host host;
static struct tcpip_tun tun;
static struct echo *echo;

static void must_be(bool fine, const char *what)
{
    if (fine)
        return;
    perror(what);
    exit(1);
}

static bool freeze(void *ctx, struct tcpip_endpoint *connection)
{
    (void)ctx;
    return tcpip_endpoint_freeze(connection) == TCPIP_OK;
}

static bool thaw(void *ctx, struct tcpip_endpoint *connection)
{
    (void)ctx;
    return tcpip_endpoint_thaw(connection) == TCPIP_OK;
}

static bool forget(void *ctx, struct tcpip_endpoint *connection)
{
    (void)ctx;
    tcpip_endpoint_forget(connection);
    return true;
}

static bool give(void *ctx, struct tcpip_endpoint *connection)
{
    int successor = *(const int *)ctx;
    size_t size;
    bool sent = tcpip_endpoint_save(connection, NULL, 0, &size) == TCPIP_ERR_NO_BUFFER_SPACE;
    char *bytes = malloc(size);
    sent = sent && bytes != NULL && tcpip_endpoint_save(connection, bytes, size, &size) == TCPIP_OK &&
           send(successor, &size, sizeof(size), MSG_NOSIGNAL) == (ssize_t)sizeof(size) &&
           send(successor, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
    free(bytes);
    return sent;
}

/* The TUN, then each connection behind its size; the successor answers with a byte when it has them all. */
static bool move(int successor)
{
    bool moved = echo_each(echo, freeze, NULL) && host_send_tun(successor, &tun) && echo_each(echo, give, &successor) &&
                 shutdown(successor, SHUT_WR) == 0 && recv(successor, &(char){0}, 1, 0) == 1;
    (void)echo_each(echo, moved ? forget : thaw, NULL);
    close(successor);
    return moved;
}

static void take(int predecessor)
{
    must_be(host_receive_tun(predecessor, &tun), "TUN");
    host_open_over(&host, &tun);
    echo = echo_new(host.stack, 7);
    for (size_t size; recv(predecessor, &size, sizeof(size), MSG_WAITALL) == (ssize_t)sizeof(size);) {
        struct tcpip_endpoint *endpoint;
        char *bytes = malloc(size);
        must_be(bytes != NULL && recv(predecessor, bytes, size, MSG_WAITALL) == (ssize_t)size, "connection");
        must(tcpip_endpoint_restore(host.stack, bytes, size, NULL, &endpoint), "restore");
        echo_add(echo, endpoint);
        free(bytes);
    }
    must_be(send(predecessor, "", 1, MSG_NOSIGNAL) == 1, "predecessor");
    close(predecessor);
}

static void on_successor(void *ctx, uint32_t events)
{
    (void)events;
    tcpip_loop_stop(((struct host *)ctx)->loop); /* connections are moved between two turns, not in the middle of one */
}

int main(int argc, char **argv)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct tcpip_loop_fd *watch;
    int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must_be(argc == 2 && snprintf(path.sun_path, sizeof(path.sun_path), "%s", argv[1]) > 0, "PATH");
    if (connect(door, (struct sockaddr *)&path, sizeof(path)) == 0) {
        take(door);
        door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    } else {
        host_open_tun(&tun);
        host_open_over(&host, &tun);
        echo = echo_new(host.stack, 7);
    }
    unlink(path.sun_path);
    must_be(bind(door, (struct sockaddr *)&path, sizeof(path)) == 0 && listen(door, 1) == 0, path.sun_path);
    must(tcpip_loop_add_fd(host_loop(&host), door, TCPIP_LOOP_READ, on_successor, &host, &watch), "watch");
    do
        tcpip_loop_run(host.loop);
    while (!move(accept(door, NULL, NULL)));
}
