// SPDX-License-Identifier: MIT
/* socket_echo.c: echo.c as one has always written it: sockets that block, a thread for each connection. */
#include "host.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <tcpip/socket.h>

static struct tcpip_sockets *sockets;

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char data[16384];
    ssize_t size;
    while ((size = tcpip_recv(sockets, fd, data, sizeof(data), 0)) > 0)
        if (tcpip_send(sockets, fd, data, (size_t)size, MSG_NOSIGNAL) != size)
            break;
    tcpip_close(sockets, fd);
    return NULL;
}

int main(void)
{
    struct host host;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(7)};
    host_open(&host);
    must(tcpip_sockets_new(host.stack, NULL, &sockets), "sockets");
    must(tcpip_sockets_add_link(sockets, host.link), "link");

    int listener = tcpip_socket(sockets, AF_INET, SOCK_STREAM, 0), fd;
    if (tcpip_bind(sockets, listener, (struct sockaddr *)&here, sizeof(here)) < 0 ||
        tcpip_listen(sockets, listener, 128) < 0)
        return perror("port 7"), 1;
    while ((fd = tcpip_accept(sockets, listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            tcpip_close(sockets, fd);
    }
    return perror("accept"), 1;
}
