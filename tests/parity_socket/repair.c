// SPDX-License-Identifier: MIT
/* repair.c: scenarios: TCP_REPAIR: what each option takes and tells, and connections that are taken apart and made anew
 * by hand, in the middle of a conversation.
 */
#include "play.h"

enum { OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK = 4, OPTION_TIMESTAMPS = 8 };

static int number_of(int fd, int queue)
{
    int number = 0;
    socklen_t length = sizeof(number);
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)));
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &length));
    return number;
}

static void choose(int fd, int queue)
{
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)));
}

static void in_repair(int fd)
{
    int yes = TCP_REPAIR_ON;
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &yes, sizeof(yes)));
}

/* On a socket that isn't connected. */
static void options(void)
{
    static const int values[] = {0, 2, -2, -1, 1, 1};
    int fd = make_tcp(AF_INET), value = 0;
    char window[24] = {0};
    socklen_t length = sizeof(value);
    GET(fd, IPPROTO_TCP, TCP_REPAIR);
    GET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE);
    GET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
    GET(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, &length));
    length = 20;
    DO(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, &length));
    SET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    SET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, 100);
    SET(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, 100);
    SET(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, 100);
    SET(fd, IPPROTO_TCP, TCP_TIMESTAMP, 100);
    SET(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        say("%d", values[i]);
        SET(fd, IPPROTO_TCP, TCP_REPAIR, values[i]);
        GET(fd, IPPROTO_TCP, TCP_REPAIR);
        GET(fd, SOL_SOCKET, SO_REUSEADDR);
    }
    GET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE);
    GET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
    SET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, 100);
    for (int queue = -1; queue < 4; queue++) {
        say("queue %d", queue);
        SET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue);
        GET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE);
        SET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, 1000 * queue);
        GET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
        RECV(fd, 10, 0);
        RECV(fd, 10, MSG_PEEK);
        RECV(fd, 10, MSG_PEEK | MSG_DONTWAIT);
        DO(send(fd, "x", 1, MSG_NOSIGNAL));
    }
    SET(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, 100);
    SET(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, 100);
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, 20));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, 24));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, bad_pointer(), 20));
    SET(fd, IPPROTO_TCP, TCP_TIMESTAMP, 100);
    SET(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
    SET(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    GET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ); /* the queue is still chosen */
    DO(listen(fd, 1));
    SET(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
    SET(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
    SET(make_udp(AF_INET), IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
}

/* Looking into a connection. */
static void look(void)
{
    int ends[2];
    char data[64];
    make_pair(AF_INET, ends);
    MUST(send(ends[0], "to be read", 10, 0));
    AWAIT(ends[1], POLLIN);
    int before = 0;
    in_repair(ends[1]);
    GET(ends[1], IPPROTO_TCP, TCP_REPAIR);
    RECV(ends[1], 64, MSG_PEEK);
    RECV(ends[1], 64, 0);
    choose(ends[1], TCP_RECV_QUEUE);
    RECV(ends[1], 64, MSG_PEEK);
    RECV(ends[1], 4, MSG_PEEK);
    RECV(ends[1], 64, 0);
    choose(ends[1], TCP_SEND_QUEUE);
    RECV(ends[1], 64, MSG_PEEK);
    RECV(ends[1], 64, 0);
    DO(recv(ends[1], data, 0, MSG_PEEK));
    say("numbers match %d", number_of(ends[1], TCP_RECV_QUEUE) == (in_repair(ends[0]), number_of(ends[0], 2)));
    SET(ends[1], IPPROTO_TCP, TCP_QUEUE_SEQ, 5);
    choose(ends[1], TCP_SEND_QUEUE);
    SET(ends[1], IPPROTO_TCP, TCP_QUEUE_SEQ, 5);
    before = number_of(ends[1], TCP_SEND_QUEUE);
    DO(send(ends[1], "never sent", 10, 0));
    say("%d more", number_of(ends[1], TCP_SEND_QUEUE) - before);
    RECV(ends[1], 64, MSG_PEEK);
    RECV(ends[1], 10, MSG_PEEK);
    RECV(ends[1], 9, MSG_PEEK);
    before = number_of(ends[1], TCP_RECV_QUEUE);
    DO(send(ends[1], " and more", 9, 0));
    say("%d more", number_of(ends[1], TCP_RECV_QUEUE) - before);
    RECV(ends[1], 64, MSG_PEEK);
    choose(ends[1], TCP_NO_QUEUE);
    DO(send(ends[1], "x", 1, MSG_NOSIGNAL));
    DO(send(ends[1], "", 0, MSG_NOSIGNAL));
    READY(ends[1]);
    SET(ends[1], IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
    RECV(ends[1], 64, 0);
    SET(ends[1], IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
    GET(ends[1], IPPROTO_TCP, TCP_REPAIR_QUEUE);
}

struct taken {
    int sent, received;
    struct tcp_repair_window window;
    int timestamp;
    struct tcp_info info;
};

static void take_apart(int fd, struct taken *out)
{
    socklen_t length = sizeof(out->window);
    in_repair(fd);
    out->sent = number_of(fd, TCP_SEND_QUEUE);
    out->received = number_of(fd, TCP_RECV_QUEUE);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &out->window, &length));
    length = sizeof(out->timestamp);
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &out->timestamp, &length));
    length = sizeof(out->info);
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &out->info, &length));
    say("%d unread, options %d", out->received - (int)out->window.rcv_wup, out->info.tcpi_options & 7);
}

static int make_anew(const struct taken *taken, int family, int port, int peer_port)
{
    int fd = make_tcp(family);
    struct tcp_repair_opt agreed[] = {
        {OPTION_MSS, 32768},
        {OPTION_SCALE, (uint32_t)taken->info.tcpi_snd_wscale | (uint32_t)taken->info.tcpi_rcv_wscale << 16},
        {OPTION_SACK, 0},
        {OPTION_TIMESTAMPS, 0},
    };
    static const struct tcp_repair_opt wrong[] = {
        {OPTION_SCALE, 15}, {OPTION_SCALE, 15 << 16}, {OPTION_SACK, 1}, {OPTION_TIMESTAMPS, 1}, {77, 1}};
    in_repair(fd);
    DO(bind(fd, loopback(family, port), address_size(family)));
    choose(fd, TCP_SEND_QUEUE);
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &taken->sent, sizeof(int)));
    choose(fd, TCP_RECV_QUEUE);
    MUST(setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &taken->received, sizeof(int)));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, agreed, sizeof(agreed)));
    DO(connect(fd, loopback(family, peer_port), address_size(family)));
    say("numbers kept %d",
        number_of(fd, TCP_SEND_QUEUE) == taken->sent && number_of(fd, TCP_RECV_QUEUE) == taken->received);
    SET(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, 5);
    READY(fd);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, &wrong[i], sizeof(wrong[i])));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, agreed, sizeof(agreed)));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, agreed, sizeof(agreed[0]) - 1));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &taken->timestamp, sizeof(int)));
    struct tcp_repair_window window = taken->window;
    window.max_window = window.snd_wnd - 1;
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof(window)));
    window = taken->window;
    window.rcv_wup = (uint32_t)taken->received + 1;
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof(window)));
    window = taken->window;
    window.snd_wl1 = (uint32_t)taken->received + window.rcv_wnd + 1;
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof(window)));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &taken->window, sizeof(window)));
    socklen_t length = sizeof(window);
    DO(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, &length));
    say("windows kept %d", memcmp(&window, &taken->window, sizeof(window)) == 0);
    return fd;
}

/* The server's end is closed without a word, made anew, and talks on; the client never knows. */
static void move(int family)
{
    int listener = make_listener(family, 5000, 4), client = make_tcp(family);
    struct taken taken;
    DO(bind(client, loopback(family, 5001), address_size(family)));
    DO(connect(client, loopback(family, 5000), address_size(family)));
    int server = FD(accept(listener, NULL, NULL));
    DO(send(client, "before", 6, 0));
    RECV(server, 10, 0);
    DO(send(server, "the move", 8, 0));
    RECV(client, 10, 0);
    take_apart(server, &taken);
    DO(close(server));
    READY(client);
    server = make_anew(&taken, family, 5000, 5001);
    SET(server, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
    GET(server, SOL_SOCKET, SO_REUSEADDR);
    NAME(server);
    PEER(server);
    DO(send(server, "behind", 6, 0));
    RECV(client, 10, 0);
    DO(send(client, "it", 2, 0));
    RECV(server, 10, 0);
    DO(shutdown(server, SHUT_WR));
    RECV(client, 10, 0);
    DO(close(client));
    RECV(server, 10, 0);
}

static void move_v4(void)
{
    move(AF_INET);
}

static void move_v6(void)
{
    move(AF_INET6);
}

/* With bytes that wait to be read, and others that the peer never got: those go out again by and by. */
static void move_queues(void)
{
    int listener = make_listener(AF_INET, 5000, 4), client = make_tcp(AF_INET);
    struct taken taken;
    DO(bind(client, V4("127.0.0.1", 5001)));
    DO(connect(client, V4("127.0.0.1", 5000)));
    int server = FD(accept(listener, NULL, NULL));
    take_apart(server, &taken);
    DO(close(server));
    server = make_anew(&taken, AF_INET, 5000, 5001);
    choose(server, TCP_RECV_QUEUE);
    choose(server, TCP_SEND_QUEUE);
    DO(send(server, "never arrived", 13, 0));
    RECV(server, 100, MSG_PEEK);
    SET(server, IPPROTO_TCP, TCP_REPAIR_OPTIONS, 1);
    READY(server);
    SET(server, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
    RECV(client, 100, MSG_WAITALL | MSG_PEEK | MSG_DONTWAIT);
    AWAIT(client, POLLIN);
    RECV(client, 100, 0);
    DO(send(server, "later", 5, 0));
    RECV(client, 100, 0);
    DO(send(client, "answer", 6, 0));
    RECV(server, 100, 0);
}

/* Silence, whatever ends it. */
static void silence(void)
{
    int ends[2], ends_v6[2];
    make_pair(AF_INET, ends);
    in_repair(ends[1]);
    DO(connect(ends[1], &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    GET(ends[1], SOL_SOCKET, SO_ERROR);
    GET(ends[1], IPPROTO_TCP, TCP_REPAIR);
    READY(ends[0]);
    DO(connect(ends[1], &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    GET(ends[1], SOL_SOCKET, SO_ERROR);
    make_pair(AF_INET6, ends_v6);
    MUST(send(ends_v6[0], "unread", 6, 0));
    AWAIT(ends_v6[1], POLLIN);
    in_repair(ends_v6[1]);
    DO(close(ends_v6[1]));
    READY(ends_v6[0]);
    DO(send(ends_v6[0], "x", 1, 0)); /* nobody knows of it any more */
    AWAIT(ends_v6[0], POLLHUP);
    RECV(ends_v6[0], 1, 0);
}

/* Ports are shared with everybody. */
static void ports(void)
{
    int listener = make_listener(AF_INET, 5000, 1), fd = make_tcp(AF_INET), other = make_tcp(AF_INET);
    (void)listener;
    DO(bind(fd, V4("127.0.0.1", 5000)));
    in_repair(fd);
    DO(bind(fd, V4("127.0.0.1", 5000)));
    NAME(fd);
    in_repair(other);
    DO(bind(other, V4("127.0.0.1", 5000)));
    DO(connect(other, V4("127.0.0.1", 5001))); /* where nobody is */
    READY(other);
    DO(connect(other, V4("127.0.0.1", 5001)));
    DO(connect(fd, V4("127.0.0.1", 5001)));
    DO(close(other));
}

const struct scenario repair_scenarios[] = {
    {"repair/options", options},
    {"repair/look", look},
    {"repair/move_v4", move_v4},
    {"repair/move_v6", move_v6},
    {"repair/move_queues", move_queues},
    {"repair/silence", silence},
    {"repair/ports", ports},
    {NULL, NULL},
};
