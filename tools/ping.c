// SPDX-License-Identifier: MIT
/* ping.c: `tcpip ping`: echo requests, and how long their answers take.
 *
 * The endpoint is a datagram endpoint of ICMP, as unprivileged ping has it on Linux: an echo request goes in, the stack
 * puts its identifier in, the reply comes out. When a request was sent is remembered here, not in the packet: a reply
 * can only be late or missing, not lie about its age.
 *
 * Owns:        struct ping.
 * Not here:    the identifiers, checksums (src/transport/ping.c). */
#include "host.h"

#include <inttypes.h>
#include <string.h>
#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/timer.h>

enum { HEADER_BYTES = 8, MESSAGE_MAX = 65535, REMEMBERED = 4096, DEFAULT_PAYLOAD = 56 };
#define DEFAULT_INTERVAL TCPIP_SECOND
#define DEFAULT_TIMEOUT (2 * TCPIP_SECOND)

struct request {
    tcpip_ns sent_at;
    uint64_t number; /* counted from 1; 0: none */
    bool answered;
};

struct ping {
    struct host host;
    struct tcpip_full_address peer;
    char peer_text[TCPIP_ADDRESS_TEXT_MAX];
    bool v6;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    struct tcpip_timer timer; /* the next request; or the end of waiting for replies */
    tcpip_ns interval_ns, timeout_ns;
    uint64_t count; /* to send; 0: without end */
    uint32_t payload_bytes;
    uint64_t sent, received, duplicates;
    tcpip_ns least_ns, most_ns, sum_ns;
    struct request requests[REMEMBERED]; /* by number */
    uint8_t message[MESSAGE_MAX];
};

/* "12.345": milliseconds. */
static void print_ms(const char *before, tcpip_ns ns, const char *after)
{
    printf("%s%" PRId64 ".%03" PRId64 "%s", before, ns / TCPIP_MS, ns % TCPIP_MS / TCPIP_US, after);
}

static uint8_t payload_byte(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at);
}

/* ---- out ---- */

static void encode_request(struct ping *ping, uint64_t number)
{
    if (ping->v6) {
        struct tcpip_icmpv6_fields fields = {.type = TCPIP_ICMPV6_ECHO_REQUEST, .sequence = (uint16_t)number};
        tcpip_icmpv6_encode(ping->message, &fields);
    } else {
        struct tcpip_icmpv4_fields fields = {.type = TCPIP_ICMPV4_ECHO_REQUEST, .sequence = (uint16_t)number};
        tcpip_icmpv4_encode(ping->message, &fields);
    }
    for (size_t i = 0; i < ping->payload_bytes; i++)
        ping->message[HEADER_BYTES + i] = payload_byte(number, i);
}

static void send_request(struct ping *ping, tcpip_ns now)
{
    uint64_t number = ++ping->sent;
    size_t done;
    encode_request(ping, number);
    ping->requests[number % REMEMBERED] = (struct request){.sent_at = now, .number = number};
    enum tcpip_error error =
        tcpip_endpoint_write(ping->endpoint, ping->message, HEADER_BYTES + ping->payload_bytes, 0, &ping->peer, &done);
    if (error == TCPIP_OK)
        return;
    printf("to %s: seq=%" PRIu64 " %s\n", ping->peer_text, number, tcpip_error_text(error));
    if (error == TCPIP_ERR_NO_ROUTE || error == TCPIP_ERR_MESSAGE_TOO_LONG) /* never will */
        host_stop(&ping->host, EXIT_FAILED);
}

static bool all_sent(const struct ping *ping)
{
    return ping->count != 0 && ping->sent >= ping->count;
}

static void on_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct ping *ping = TCPIP_CONTAINER_OF(timer, struct ping, timer);
    if (all_sent(ping)) {
        host_stop(&ping->host, EXIT_GOOD);
        return;
    }
    send_request(ping, now);
    tcpip_timer_set(ping->host.stack, timer, now + (all_sent(ping) ? ping->timeout_ns : ping->interval_ns));
}

/* ---- in ---- */

/* Returns the number of the request that a reply answers; 0: none of ours. */
static uint64_t number_of_reply(const struct ping *ping, size_t size)
{
    uint8_t type = ping->v6 ? TCPIP_ICMPV6_ECHO_REPLY : TCPIP_ICMPV4_ECHO_REPLY;
    if (size < HEADER_BYTES || ping->message[0] != type)
        return 0;
    uint16_t sequence = ping->v6 ? tcpip_icmpv6_sequence(ping->message) : tcpip_icmpv4_sequence(ping->message);
    /* The latest number that ends so. */
    uint64_t number = ping->sent - (uint16_t)((uint16_t)ping->sent - sequence);
    return number <= ping->sent && ping->requests[number % REMEMBERED].number == number ? number : 0;
}

static bool payload_intact(const struct ping *ping, uint64_t number, size_t size)
{
    if (size != HEADER_BYTES + ping->payload_bytes)
        return false;
    for (size_t i = 0; i < ping->payload_bytes; i++) {
        if (ping->message[HEADER_BYTES + i] != payload_byte(number, i))
            return false;
    }
    return true;
}

static void take_reply(struct ping *ping, size_t size, const struct tcpip_full_address *from,
                       const struct tcpip_control *control)
{
    char text[TCPIP_ADDRESS_TEXT_MAX];
    uint64_t number = number_of_reply(ping, size);
    if (number == 0)
        return;
    struct request *request = &ping->requests[number % REMEMBERED];
    tcpip_ns now = control->present & TCPIP_CONTROL_TIMESTAMP ? control->received_at : tcpip_loop_now(ping->host.loop);
    tcpip_ns took = now > request->sent_at ? now - request->sent_at : 0;
    tcpip_address_format(&from->address, text);
    printf("%zu bytes from %s: seq=%" PRIu64, size, text, number);
    if (control->present & TCPIP_CONTROL_TTL)
        printf(" ttl=%u", control->ttl);
    print_ms(" time=", took, " ms");
    printf("%s%s\n", payload_intact(ping, number, size) ? "" : " (changed on the way)",
           request->answered ? " (again)" : "");
    if (request->answered) {
        ping->duplicates++;
        return;
    }
    request->answered = true;
    ping->least_ns = ping->received == 0 || took < ping->least_ns ? took : ping->least_ns;
    ping->most_ns = took > ping->most_ns ? took : ping->most_ns;
    ping->sum_ns += took;
    ping->received++;
}

static void on_ready(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct ping *ping = TCPIP_CONTAINER_OF(waiter, struct ping, waiter);
    (void)ready;
    while (true) {
        struct tcpip_io io = {ping->message, sizeof(ping->message)};
        struct tcpip_full_address from;
        struct tcpip_control control = {0};
        size_t size;
        enum tcpip_error error = tcpip_endpoint_recvmsg(ping->endpoint, &io, 1, &size, &from, &control);
        if (error == TCPIP_ERR_WOULD_BLOCK)
            break;
        if (error == TCPIP_OK)
            take_reply(ping, size, &from, &control);
        else
            printf("to %s: %s\n", ping->peer_text, tcpip_error_text(error)); /* what an ICMP error said */
    }
    fflush(stdout);
    if (all_sent(ping) && ping->received == ping->sent)
        host_stop(&ping->host, EXIT_GOOD);
}

/* ---- the command ---- */

static bool open_endpoint(struct ping *ping)
{
    enum tcpip_error error =
        tcpip_stack_new_endpoint(ping->host.stack, ping->v6 ? TCPIP_PROTOCOL_ICMPV6 : TCPIP_PROTOCOL_ICMPV4,
                                 ping->v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4, &ping->endpoint);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_set_option(ping->endpoint, TCPIP_OPTION_RECEIVE_TTL, 1);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_connect(ping->endpoint, &ping->peer); /* or errors would not find the way back */
    if (error == TCPIP_OK)
        return true;
    host_say(&ping->host, "cannot ping %s: %s", ping->peer_text, tcpip_error_text(error));
    return false;
}

static void print_summary(const struct ping *ping)
{
    printf("%" PRIu64 " sent, %" PRIu64 " received", ping->sent, ping->received);
    if (ping->duplicates > 0)
        printf(", %" PRIu64 " again", ping->duplicates);
    if (ping->sent > 0)
        printf(", %" PRIu64 "%% lost", (ping->sent - ping->received) * 100 / ping->sent);
    if (ping->received > 0) {
        print_ms("; least/mean/most ", ping->least_ns, "/");
        print_ms("", ping->sum_ns / (tcpip_ns)ping->received, "/");
        print_ms("", ping->most_ns, " ms");
    }
    printf("\n");
    fflush(stdout);
}

static int ping_run(const struct options *options)
{
    static struct ping ping; /* large, and there is one */
    ping = (struct ping){
        .waiter = {.mask = TCPIP_EVENT_IN, .fn = on_ready},
        .timer.fn = on_timer,
        .interval_ns = options->interval_ns != 0 ? options->interval_ns : DEFAULT_INTERVAL,
        .timeout_ns = options->timeout_ns != 0 ? options->timeout_ns : DEFAULT_TIMEOUT,
        .count = options->count,
        .payload_bytes = options->has_payload ? options->payload_bytes : DEFAULT_PAYLOAD,
    };
    if (tcpip_address_parse(options->arguments[0], &ping.peer.address) != TCPIP_OK) {
        struct complaint why;
        complain(&why, "tcpip ping: '%.60s' is not an address; give one like 10.77.0.1 or fd77::1",
                 options->arguments[0]);
        fprintf(stderr, "%s\n", why.text);
        return EXIT_USAGE;
    }
    tcpip_address_format(&ping.peer.address, ping.peer_text);
    ping.v6 = ping.peer.address.len == 16;
    if (tcpip_address_is_link_local(&ping.peer.address))
        ping.peer.nic = HOST_NIC;
    int status = host_open(&ping.host, options);
    if (status != EXIT_GOOD)
        return status;
    ping.host.status = EXIT_FAILED;
    if (open_endpoint(&ping)) {
        tcpip_endpoint_waiter_add(ping.endpoint, &ping.waiter);
        tcpip_timer_set(ping.host.stack, &ping.timer, 0);
        host_run(&ping.host);
        tcpip_timer_cancel(ping.host.stack, &ping.timer);
        print_summary(&ping);
        ping.host.status = ping.received > 0 ? EXIT_GOOD : EXIT_FAILED;
    }
    if (ping.endpoint != NULL)
        tcpip_endpoint_close(ping.endpoint);
    return host_close(&ping.host);
}

const struct command command_ping = {
    .name = "ping",
    .summary = "ask a host for echoes, and time them",
    .arguments = "ADDRESS",
    .arguments_min = 1,
    .arguments_max = 1,
    .examples = "  tcpip ping --netns --count 3 10.77.0.1\n"
                "      the kernel's side of a network namespace made for the purpose; over IPv6: fd77::1\n"
                "  tcpip ping --tun tun0 --address 10.0.0.2/24 --host-address 10.0.0.1/24 10.0.0.1\n"
                "      as root: on an interface of this machine, until interrupted\n",
    .notes = "The exit status is 0 if there was an answer.\n",
    .options = {&option_count, &option_interval, &option_timeout, &option_size},
    .run = ping_run,
};
