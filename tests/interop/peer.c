// SPDX-License-Identifier: MIT
/* peer.c: a stack behind a TUN, for the kernel's TCP to talk to: what tests/interop/run starts.
 *
 *     peer --tun NAME [--tap] [--mtu N] [--offload] [--pcap FILE] [--loss PPM] [--reorder PPM] [--duplicate PPM]
 *          [--delay US] [--hole BYTES] [--seed N] [--md5 SECRET] [--ao ALGORITHM,SECRET]
 *          [--connect ADDRESS,PORT,FLOWS,BYTES]
 *
 * Addresses: 10.99.0.2/24 and fd99::2/64. Services: port 7 gives back what it gets, 9 checks what it gets against the
 * pattern and answers "ok COUNT" or "bad COUNT" at its end, 19 reads a line with a number and sends so many bytes of
 * the pattern. With --connect it calls FLOWS times, sends BYTES of the pattern each, and expects the same answer. Ends
 * when standard input ends; prints its counters as JSON then. The pattern: byte i is table[i % 65521], table from a
 * fixed generator, which the other side knows. A datagram to port 7 that says "send MODE BYTES" is answered with so
 * many bytes of the pattern, sent with this PATH_MTU_DISCOVERY, or with "too big"; any other with "ok COUNT" or "bad
 * COUNT". Before its counters it says how many connections it has accepted, and how many of these with timestamps, SACK
 * and window scaling. With --md5 or --ao (sha1, aes, or sha1-bare, which leaves options out; KeyID 1) all connections
 * are signed.
 *
 * UDP's port 8 gives back datagrams. Lines of standard input are commands, each answered by a line: `call ARGUMENTS` as
 * --connect, answered when all calls have ended; `fault LOSS DUPLICATE REORDER DELAY` changes the line, if there were
 * faults from the start; `impatience` shortens TIME-WAIT and asks idle peers whether they are there (a reset that is
 * lost isn't repeated); `rest` gives back unused memory and says what is still used: bytes, established connections,
 * TIME-WAIT records, sessions.
 *
 * Not here: what is expected (run). */
#include <tcpip/fdbased.h>
#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PERIOD = 65521, CHUNK = 65536 };

struct peer {
    struct tcpip_env env;
    struct tcpip_loop *loop;
    struct tcpip_stack *stack;
    struct tcpip_link *fd_link, *ethernet, *sniffer, *fault;
    FILE *pcap;
    uint8_t pattern[PERIOD + CHUNK];
    uint32_t failed, finished, flows;
    uint32_t accepted, with_options;
    struct tcpip_endpoint *datagrams;
    struct tcpip_waiter datagram_waiter;
    const char *md5, *ao; /* secret; algorithm,secret */
    struct tcpip_fault_profile faults;
    uint32_t sessions;
    char command[256];
    size_t command_bytes;
};

enum service { ECHO, SINK, SOURCE, CALLER };

struct session {
    struct peer *peer;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    enum service service;
    uint64_t read, to_write, written;
    bool bad, got_line, shut, ended;
    char line[64];
    size_t line_bytes;
    uint8_t pending[CHUNK]; /* echo: read and not yet written */
    size_t pending_from, pending_to;
};

struct udp_echo {
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
};

struct listener {
    struct peer *peer;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    enum service service;
};

static void must(enum tcpip_error error, const char *what)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "peer: %s: %s\n", what, tcpip_error_text(error));
    exit(1);
}

static void pattern_init(uint8_t *pattern)
{
    uint32_t x = 12345;
    for (int i = 0; i < PERIOD; i++) {
        x = x * 1103515245u + 12345u;
        pattern[i] = (uint8_t)(x >> 16);
    }
    for (int i = 0; i < CHUNK; i++)
        pattern[PERIOD + i] = pattern[i % PERIOD];
}

static void session_end(struct session *session)
{
    tcpip_endpoint_close(session->endpoint);
    session->peer->sessions--;
    free(session);
}

/* Writes pattern bytes until `to_write` is reached. True: all written. */
static bool session_write_pattern(struct session *session)
{
    while (session->written < session->to_write) {
        uint64_t left = session->to_write - session->written;
        size_t size = left < CHUNK ? (size_t)left : CHUNK, done;
        enum tcpip_error error = tcpip_endpoint_write(
            session->endpoint, session->peer->pattern + session->written % PERIOD, size, 0, NULL, &done);
        if (error != TCPIP_OK) {
            session->ended = error != TCPIP_ERR_WOULD_BLOCK;
            return false;
        }
        session->written += done;
    }
    return true;
}

static enum tcpip_error session_check_input(struct session *session)
{
    uint8_t buffer[CHUNK];
    size_t done;
    enum tcpip_error error;
    while ((error = tcpip_endpoint_read(session->endpoint, buffer, sizeof(buffer), &done, NULL)) == TCPIP_OK) {
        if (memcmp(buffer, session->peer->pattern + session->read % PERIOD, done) != 0)
            session->bad = true;
        session->read += done;
    }
    return error;
}

static void session_sink(struct session *session)
{
    enum tcpip_error error = session_check_input(session);
    if (error == TCPIP_ERR_WOULD_BLOCK)
        return;
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) {
        char answer[64];
        size_t done;
        int size = snprintf(answer, sizeof(answer), "%s %llu\n", session->bad ? "bad" : "ok",
                            (unsigned long long)session->read);
        (void)!tcpip_endpoint_write(session->endpoint, answer, (size_t)size, 0, NULL, &done);
    }
    session->ended = true;
}

static void session_line(struct session *session)
{
    size_t done;
    enum tcpip_error error = TCPIP_OK;
    while (!session->got_line) {
        size_t room = sizeof(session->line) - 1 - session->line_bytes;
        error = tcpip_endpoint_read(session->endpoint, session->line + session->line_bytes, room, &done, NULL);
        if (error != TCPIP_OK)
            break;
        session->line_bytes += done;
        session->line[session->line_bytes] = '\0';
        session->got_line = strchr(session->line, '\n') != NULL;
    }
    if (!session->got_line && error != TCPIP_ERR_WOULD_BLOCK)
        session->ended = true;
}

static void session_source(struct session *session)
{
    if (!session->got_line) {
        session_line(session);
        if (!session->got_line)
            return;
        session->to_write = strtoull(session->line, NULL, 10);
    }
    if (session_write_pattern(session))
        session->ended = true;
}

static void session_echo(struct session *session)
{
    for (;;) {
        size_t done;
        if (session->pending_from == session->pending_to) {
            session->pending_from = session->pending_to = 0;
            enum tcpip_error error =
                tcpip_endpoint_read(session->endpoint, session->pending, CHUNK, &session->pending_to, NULL);
            if (error != TCPIP_OK) {
                session->pending_to = 0;
                session->ended = error != TCPIP_ERR_WOULD_BLOCK;
                return;
            }
        }
        enum tcpip_error error = tcpip_endpoint_write(session->endpoint, session->pending + session->pending_from,
                                                      session->pending_to - session->pending_from, 0, NULL, &done);
        if (error != TCPIP_OK) {
            session->ended = error != TCPIP_ERR_WOULD_BLOCK;
            return;
        }
        session->pending_from += done;
    }
}

/* Sends its bytes, shuts its side, and reads the verdict. */
static void session_caller(struct session *session)
{
    struct peer *peer = session->peer;
    int64_t pending = 0;
    if (session_write_pattern(session) && !session->shut)
        session->shut = tcpip_endpoint_shutdown(session->endpoint, TCPIP_SHUTDOWN_WRITE) == TCPIP_OK;
    if (session->shut && !session->got_line)
        session_line(session);
    (void)!tcpip_endpoint_get_option(session->endpoint, TCPIP_OPTION_ERROR, &pending);
    if (session->got_line || session->ended || pending != 0) {
        char expected[64];
        snprintf(expected, sizeof(expected), "ok %llu\n", (unsigned long long)session->to_write);
        if (!session->got_line || strcmp(session->line, expected) != 0)
            peer->failed++;
        peer->finished++;
        session->ended = true;
    }
}

static void session_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct session *session = TCPIP_CONTAINER_OF(waiter, struct session, waiter);
    (void)ready;
    switch (session->service) {
    case ECHO:
        session_echo(session);
        break;
    case SINK:
        session_sink(session);
        break;
    case SOURCE:
        session_source(session);
        break;
    case CALLER:
        session_caller(session);
        break;
    }
    if (session->ended)
        session_end(session);
}

static struct session *session_new(struct peer *peer, struct tcpip_endpoint *endpoint, enum service service)
{
    struct session *session = calloc(1, sizeof(*session));
    must(session == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK, "session");
    session->peer = peer;
    session->endpoint = endpoint;
    session->service = service;
    peer->sessions++;
    session->waiter.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT | TCPIP_EVENT_RDHUP;
    session->waiter.fn = session_ready;
    tcpip_endpoint_waiter_add(endpoint, &session->waiter);
    return session;
}

static void listener_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct listener *listener = TCPIP_CONTAINER_OF(waiter, struct listener, waiter);
    struct tcpip_endpoint *endpoint;
    (void)ready;
    while (tcpip_endpoint_accept(listener->endpoint, &endpoint, NULL) == TCPIP_OK) {
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        must(tcpip_endpoint_tcp_info(endpoint, &info), "information");
        listener->peer->accepted++;
        listener->peer->with_options += info.timestamps && info.sack && info.window_scaling;
        session_ready(&session_new(listener->peer, endpoint, listener->service)->waiter, 0);
    }
}

static void datagram_answer(struct peer *peer, const uint8_t *data, size_t size, const struct tcpip_full_address *from)
{
    char text[32] = "";
    unsigned mode, bytes;
    size_t done;
    memcpy(text, data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
    if (sscanf(text, "send %u %u", &mode, &bytes) != 2 || bytes > CHUNK) {
        int length =
            snprintf(text, sizeof(text), "%s %zu", memcmp(data, peer->pattern, size) == 0 ? "ok" : "bad", size);
        (void)!tcpip_endpoint_write(peer->datagrams, text, (size_t)length, 0, from, &done);
        return;
    }
    must(tcpip_endpoint_set_option(peer->datagrams, TCPIP_OPTION_PATH_MTU_DISCOVERY, mode), "path MTU discovery");
    if (tcpip_endpoint_write(peer->datagrams, peer->pattern, bytes, 0, from, &done) == TCPIP_ERR_MESSAGE_TOO_LONG)
        (void)!tcpip_endpoint_write(peer->datagrams, "too big", 7, 0, from, &done);
}

static void datagram_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct peer *peer = TCPIP_CONTAINER_OF(waiter, struct peer, datagram_waiter);
    static uint8_t data[CHUNK];
    struct tcpip_full_address from;
    size_t done;
    (void)ready;
    while (tcpip_endpoint_read(peer->datagrams, data, sizeof(data), &done, &from) == TCPIP_OK)
        datagram_answer(peer, data, done, &from);
}

static void serve_datagrams(struct peer *peer)
{
    struct tcpip_full_address any = {.port = 7};
    must(tcpip_stack_new_endpoint(peer->stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6, &peer->datagrams), "endpoint");
    must(tcpip_endpoint_bind(peer->datagrams, &any, NULL, NULL), "bind");
    peer->datagram_waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN, .fn = datagram_ready};
    tcpip_endpoint_waiter_add(peer->datagrams, &peer->datagram_waiter);
}

/* Keys for everybody. */
static void sign(const struct peer *peer, struct tcpip_endpoint *endpoint)
{
    for (uint8_t len = 4; len <= 16; len = (uint8_t)(len + 12)) {
        const char *secret = peer->ao != NULL ? strchr(peer->ao, ',') : NULL;
        struct tcpip_prefix everybody = {.address = {.len = len}};
        if (peer->md5 != NULL) {
            struct tcpip_tcp_md5_key key = {
                .size = sizeof(key), .peer = everybody, .secret = peer->md5, .secret_bytes = strlen(peer->md5)};
            must(tcpip_tcp_md5_key_set(endpoint, &key), "--md5");
        } else if (secret != NULL) {
            struct tcpip_tcp_ao_key key = {
                .size = sizeof(key),
                .peer = everybody,
                .secret = secret + 1,
                .secret_bytes = strlen(secret + 1),
                .algorithm = strncmp(peer->ao, "aes", 3) == 0 ? TCPIP_TCP_AO_AES_128_CMAC : TCPIP_TCP_AO_HMAC_SHA1,
                .send_id = 1,
                .receive_id = 1,
                .exclude_options = strstr(peer->ao, "-bare,") != NULL,
            };
            must(tcpip_tcp_ao_key_add(endpoint, &key), "--ao");
        }
    }
}

static void serve(struct peer *peer, struct listener *listener, uint16_t port, enum service service)
{
    struct tcpip_full_address any = {.port = port};
    listener->peer = peer;
    listener->service = service;
    must(tcpip_stack_new_endpoint(peer->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6, &listener->endpoint),
         "endpoint");
    sign(peer, listener->endpoint);
    must(tcpip_endpoint_bind(listener->endpoint, &any, NULL, NULL), "bind");
    must(tcpip_endpoint_listen(listener->endpoint, 128), "listen");
    listener->waiter.mask = TCPIP_EVENT_IN;
    listener->waiter.fn = listener_ready;
    tcpip_endpoint_waiter_add(listener->endpoint, &listener->waiter);
}

static void udp_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    static uint8_t buffer[CHUNK];
    struct udp_echo *echo = TCPIP_CONTAINER_OF(waiter, struct udp_echo, waiter);
    struct tcpip_full_address from;
    size_t size, done;
    (void)ready;
    while (tcpip_endpoint_read(echo->endpoint, buffer, sizeof(buffer), &size, &from) == TCPIP_OK)
        (void)!tcpip_endpoint_write(echo->endpoint, buffer, size, 0, &from, &done); /* lost, as datagrams are */
}

static void serve_udp(struct peer *peer, struct udp_echo *echo, uint16_t port)
{
    struct tcpip_full_address any = {.port = port};
    must(tcpip_stack_new_endpoint(peer->stack, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6, &echo->endpoint), "endpoint");
    must(tcpip_endpoint_bind(echo->endpoint, &any, NULL, NULL), "bind");
    echo->waiter.mask = TCPIP_EVENT_IN;
    echo->waiter.fn = udp_ready;
    tcpip_endpoint_waiter_add(echo->endpoint, &echo->waiter);
}

static void call(struct peer *peer, char *text)
{
    struct tcpip_full_address to = {0};
    char *address = strtok(text, ","), *port = strtok(NULL, ","), *flows = strtok(NULL, ","),
         *bytes = strtok(NULL, ",");
    must(bytes == NULL ? TCPIP_ERR_INVALID_ARGUMENT : tcpip_address_parse(address, &to.address), "--connect");
    to.port = (uint16_t)atoi(port);
    peer->flows = (uint32_t)atoi(flows);
    uint32_t network = to.address.len == 4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    for (uint32_t i = 0; i < peer->flows; i++) {
        struct tcpip_endpoint *endpoint;
        must(tcpip_stack_new_endpoint(peer->stack, TCPIP_PROTOCOL_TCP, network, &endpoint), "endpoint");
        sign(peer, endpoint);
        session_new(peer, endpoint, CALLER)->to_write = strtoull(bytes, NULL, 10);
        enum tcpip_error error = tcpip_endpoint_connect(endpoint, &to);
        must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error, "connect");
    }
}

static void pcap_write(void *ctx, const void *bytes, size_t size)
{
    struct peer *peer = ctx;
    fwrite(bytes, 1, size, peer->pcap);
}

static void add_address(struct peer *peer, const char *text, const char *route_text)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry route = {.nic = 1};
    must(tcpip_prefix_parse(text, &prefix), text);
    must(tcpip_stack_add_address(peer->stack, 1, &prefix, &properties), text);
    must(tcpip_prefix_parse(route_text, &route.destination), route_text);
    must(tcpip_stack_add_route(peer->stack, &route), route_text);
}

/* What is used when nothing is going on. */
static void say_rest(struct peer *peer)
{
    struct tcpip_stats stats;
    tcpip_stack_trim(peer->stack);
    tcpip_stack_stats(peer->stack, &stats);
    printf("rest %llu %llu %llu %u\n", (unsigned long long)stats.memory_bytes,
           (unsigned long long)stats.tcp.current_established, (unsigned long long)stats.tcp.time_wait_current,
           peer->sessions);
}

static void obey(struct peer *peer, char *line)
{
    struct tcpip_fault_profile *faults = &peer->faults;
    unsigned delay_us;
    if (strncmp(line, "call ", 5) == 0) {
        call(peer, line + 5);
        return;
    }
    if (sscanf(line, "fault %u %u %u %u", &faults->loss_ppm, &faults->duplicate_ppm, &faults->reorder_ppm, &delay_us) ==
        4) {
        faults->delay_ns = delay_us * TCPIP_US;
        tcpip_fault_set(peer->fault, faults, faults);
        printf("done\n");
    } else if (strcmp(line, "impatience") == 0) {
        must(tcpip_stack_set_default(peer->stack, TCPIP_OPTION_TIME_WAIT, TCPIP_SECOND), line);
        must(tcpip_stack_set_default(peer->stack, TCPIP_OPTION_KEEPALIVE, 1), line);
        must(tcpip_stack_set_default(peer->stack, TCPIP_OPTION_KEEPALIVE_IDLE, 10 * TCPIP_SECOND), line);
        must(tcpip_stack_set_default(peer->stack, TCPIP_OPTION_KEEPALIVE_INTERVAL, 2 * TCPIP_SECOND), line);
        printf("done\n");
    } else if (strcmp(line, "rest") == 0) {
        say_rest(peer);
    } else {
        printf("what is %s?\n", line);
    }
    fflush(stdout);
}

static void input_ready(void *ctx, uint32_t events)
{
    struct peer *peer = ctx;
    char *end;
    (void)events;
    ssize_t got = read(0, peer->command + peer->command_bytes, sizeof(peer->command) - 1 - peer->command_bytes);
    if (got <= 0) {
        tcpip_loop_stop(peer->loop);
        return;
    }
    peer->command_bytes += (size_t)got;
    peer->command[peer->command_bytes] = '\0';
    while ((end = strchr(peer->command, '\n')) != NULL) {
        *end = '\0';
        obey(peer, peer->command);
        peer->command_bytes -= (size_t)(end + 1 - peer->command);
        memmove(peer->command, end + 1, peer->command_bytes + 1);
    }
}

struct arguments {
    const char *tun, *pcap, *md5, *ao;
    char *connect;
    bool tap, offload;
    uint32_t mtu;
    uint64_t seed;
    struct tcpip_fault_profile fault;
    bool faulty;
};

static void parse(int argc, char **argv, struct arguments *out)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--tap") == 0 || strcmp(name, "--offload") == 0) {
            *(strcmp(name, "--tap") == 0 ? &out->tap : &out->offload) = true;
            continue;
        }
        char *value = i + 1 < argc ? argv[++i] : NULL;
        must(value == NULL ? TCPIP_ERR_INVALID_ARGUMENT : TCPIP_OK, name);
        uint32_t number = (uint32_t)strtoul(value, NULL, 10);
        if (strcmp(name, "--tun") == 0)
            out->tun = value;
        else if (strcmp(name, "--pcap") == 0)
            out->pcap = value;
        else if (strcmp(name, "--md5") == 0)
            out->md5 = value;
        else if (strcmp(name, "--ao") == 0)
            out->ao = value;
        else if (strcmp(name, "--connect") == 0)
            out->connect = value;
        else if (strcmp(name, "--mtu") == 0)
            out->mtu = number;
        else if (strcmp(name, "--seed") == 0)
            out->seed = number;
        else if (strcmp(name, "--loss") == 0)
            out->fault.loss_ppm = number;
        else if (strcmp(name, "--duplicate") == 0)
            out->fault.duplicate_ppm = number;
        else if (strcmp(name, "--reorder") == 0)
            out->fault.reorder_ppm = number;
        else if (strcmp(name, "--hole") == 0)
            out->fault.mtu = number;
        else if (strcmp(name, "--delay") == 0)
            out->fault.delay_ns = number * TCPIP_US;
        else
            must(TCPIP_ERR_INVALID_ARGUMENT, name);
        out->faulty = out->faulty || out->fault.loss_ppm != 0 || out->fault.duplicate_ppm != 0 ||
                      out->fault.reorder_ppm != 0 || out->fault.delay_ns != 0 || out->fault.mtu != 0;
    }
    out->fault.reorder_ns = 2 * TCPIP_MS;
}

static void build_links(struct peer *peer, const struct arguments *arguments)
{
    struct tcpip_system_error why;
    struct tcpip_tun tun;
    struct tcpip_tun_options options = {
        .size = sizeof(options), .name = arguments->tun, .tap = arguments->tap, .vnet = arguments->offload};
    if (tcpip_tun_open(&options, &tun, &why) != TCPIP_OK) {
        fprintf(stderr, "peer: %s\n", why.text);
        exit(1);
    }
    struct tcpip_fdbased_options link_options = tcpip_tun_link_options(&tun);
    if (arguments->mtu != 0)
        link_options.mtu = arguments->mtu;
    link_options.owns_fd = true;
    must(tcpip_fdbased_new(&peer->env, &link_options, &peer->fd_link), "link");
    struct tcpip_link *top = peer->fd_link;
    if (arguments->pcap != NULL) {
        struct tcpip_sniffer_options sniffer = {.size = sizeof(sniffer),
                                                .ethernet = arguments->tap,
                                                .name = arguments->tun,
                                                .write = pcap_write,
                                                .ctx = peer};
        peer->pcap = fopen(arguments->pcap, "wb");
        must(peer->pcap == NULL ? TCPIP_ERR_NOT_PERMITTED : TCPIP_OK, arguments->pcap);
        top = peer->sniffer = tcpip_sniffer_new(&peer->env, top, &sniffer);
    }
    if (arguments->tap) {
        struct tcpip_link_address address = {.bytes = {2, 0, 0, 0, 0, 2}, .len = 6};
        top = peer->ethernet = tcpip_ethernet_new(&peer->env, top, address);
    }
    if (arguments->faulty) {
        peer->faults = arguments->fault;
        struct tcpip_fault_options fault = {
            .size = sizeof(fault), .seed = arguments->seed, .out = arguments->fault, .in = arguments->fault};
        top = peer->fault = tcpip_fault_new(&peer->env, top, &fault);
    }
    must(tcpip_stack_create_nic(peer->stack, 1, top, NULL), "NIC");
}

int main(int argc, char **argv)
{
    static struct peer peer;
    static struct listener listeners[3];
    static struct udp_echo udp;
    static char stats_text[65536];
    struct arguments arguments = {.tun = "tun0"};
    parse(argc, argv, &arguments);
    peer.md5 = arguments.md5;
    peer.ao = arguments.ao;
    pattern_init(peer.pattern);
    tcpip_posix_env(&peer.env);
    must(tcpip_loop_new(&peer.env, NULL, &peer.loop), "loop");
    must(tcpip_stack_new(&peer.env, NULL, &tcpip_protocols_all, &peer.stack), "stack");
    build_links(&peer, &arguments);
    add_address(&peer, "10.99.0.2/24", "0.0.0.0/0");
    add_address(&peer, "fd99::2/64", "::/0");
    must(tcpip_loop_add_stack(peer.loop, peer.stack), "loop");
    must(tcpip_loop_add_link(peer.loop, peer.fd_link), "loop");
    serve(&peer, &listeners[0], 7, ECHO);
    serve(&peer, &listeners[1], 9, SINK);
    serve(&peer, &listeners[2], 19, SOURCE);
    serve_datagrams(&peer);
    serve_udp(&peer, &udp, 8);
    struct tcpip_loop_fd *input;
    must(tcpip_loop_add_fd(peer.loop, 0, TCPIP_LOOP_READ, input_ready, &peer, &input), "standard input");
    printf("ready\n");
    fflush(stdout);
    if (arguments.connect != NULL)
        call(&peer, arguments.connect);
    while (tcpip_loop_run_once(peer.loop, TCPIP_NEVER)) {
        if (peer.flows > 0 && peer.finished == peer.flows) {
            printf("called %u failed %u\n", peer.flows, peer.failed);
            fflush(stdout);
            peer.flows = peer.finished = peer.failed = 0;
        }
    }
    struct tcpip_stats stats;
    tcpip_stack_stats(peer.stack, &stats);
    (void)tcpip_stats_print(&stats, TCPIP_STATS_JSON, stats_text, sizeof(stats_text));
    printf("accepted %u with options %u\n%s\n", peer.accepted, peer.with_options, stats_text);
    tcpip_loop_remove_fd(input);
    tcpip_loop_remove_stack(peer.loop, peer.stack);
    tcpip_stack_free(peer.stack);
    tcpip_loop_free(peer.loop);
    if (peer.fault != NULL)
        tcpip_fault_free(peer.fault);
    if (peer.ethernet != NULL)
        tcpip_ethernet_free(peer.ethernet);
    if (peer.sniffer != NULL)
        tcpip_sniffer_free(peer.sniffer);
    tcpip_fdbased_free(peer.fd_link);
    if (peer.pcap != NULL)
        fclose(peer.pcap);
    return 0;
}
