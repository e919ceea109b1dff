// SPDX-License-Identifier: MIT
/* parse_option.c: the lines --name=value before the events.
 *
 *   --ip_version=ipv4         or ipv6, ipv4-mapped-ipv6; without it a script runs over all three
 *   --mtu=1500  --tolerance_usecs=0  --local_ip=...  --remote_ip=...  --local_port=8080  --remote_port=40000
 *   --tick_usecs=4000         the stack's clock moves in steps of so much, and its timers fire at none in between
 *   --set=MIN_RTO=200         a default of the stack (tcpip_stack_set_default); times in milliseconds
 *   --congestion=reno         the stack's default controller
 *   --limit=syn_received=1    a field of struct tcpip_limits
 *   --flow=1:40001[:8080]     the ports of connection #1: the peer's, ours
 *   --forward=accept          every SYN without a listener: a verdict: accept, defer, host_unreachable, ... */
#include "parse.h"

#include <tcpip/env.h>

#include <string.h>

#define LIMIT(name)                                                                          \
    {                                                                                        \
#name, offsetof(struct tcpip_limits, name), sizeof(((struct tcpip_limits *)0)->name) \
    }

static const struct limit_field {
    const char *name;
    size_t offset, size;
} limit_fields[] = {
    LIMIT(memory_bytes),
    LIMIT(endpoints),
    LIMIT(syn_received),
    LIMIT(time_wait),
    LIMIT(accept_backlog),
    LIMIT(tcp_send_buffer_max),
    LIMIT(tcp_receive_buffer_max),
    LIMIT(tcp_records),
    LIMIT(tcp_out_of_order),
    LIMIT(datagram_queue_bytes),
    LIMIT(icmp_errors_per_second),
    LIMIT(lent_buffers),
    LIMIT(turn_budget),
    LIMIT(tcp_fast_open_peers),
};

static const struct {
    const char *name, *what;
} stack_options[] = {
#define STACK_OPTION(name, what) {#name, what},
    TCPIP_OPTIONS(STACK_OPTION)
#undef STACK_OPTION
};

static void parse_set(struct lex *lex, struct script *script)
{
    const char *name = lex_name(lex, false);
    lex_expect(lex, "=");
    int64_t value = lex_number(lex);
    if (script->set_count == SCRIPT_SETS_MAX)
        lex_fail(lex, "too many --set");
    for (size_t i = 0; i < sizeof stack_options / sizeof stack_options[0]; i++) {
        if (strcmp(stack_options[i].name, name) != 0)
            continue;
        if (strncmp(stack_options[i].what, "ns", 2) == 0 && value >= 0)
            value *= TCPIP_MS;
        script->sets[script->set_count].option = (enum tcpip_option)i;
        script->sets[script->set_count++].value = value;
        return;
    }
    lex_fail(lex, "no option is called %s", name);
}

static void parse_limit(struct lex *lex, struct script *script)
{
    const char *name = lex_name(lex, false);
    lex_expect(lex, "=");
    if (script->limit_count == SCRIPT_SETS_MAX)
        lex_fail(lex, "too many --limit");
    for (size_t i = 0; i < sizeof limit_fields / sizeof limit_fields[0]; i++) {
        if (strcmp(limit_fields[i].name, name) != 0)
            continue;
        script->limits[script->limit_count].offset = limit_fields[i].offset;
        script->limits[script->limit_count].size = limit_fields[i].size;
        script->limits[script->limit_count++].value = lex_u32(lex);
        return;
    }
    lex_fail(lex, "no limit is called %s", name);
}

static void parse_flow(struct lex *lex, struct script *script)
{
    uint16_t number = lex_u16(lex);
    if (number >= SCRIPT_FLOWS_MAX)
        lex_fail(lex, "connections are numbered up to %d", SCRIPT_FLOWS_MAX - 1);
    lex_expect(lex, ":");
    script->flows[number].remote_port = lex_u16(lex);
    if (lex_accept(lex, ":"))
        script->flows[number].local_port = lex_u16(lex);
}

static void parse_ip_version(struct lex *lex, struct script *script)
{
    static const struct {
        const char *name;
        unsigned bits;
    } names[] = {{"ipv4", IP_V4}, {"ipv6", IP_V6}, {"ipv4-mapped-ipv6", IP_V4_MAPPED}, {"all", IP_ALL}};
    const char *name = lex_until(lex, "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            script->ip_versions = names[i].bits;
            return;
        }
    }
    lex_fail(lex, "no IP version is called %s", name);
}

static void parse_forward(struct lex *lex, struct script *script)
{
    static const char *const names[] = {
        "none",      "accept", "defer", "reset", "drop", "net_unreachable", "host_unreachable", "port_unreachable",
        "prohibited"};
    const char *name = lex_until(lex, "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            script->forward = (enum forward_mode)i;
            return;
        }
    }
    lex_fail(lex, "no verdict is called %s", name);
}

void parse_option(struct lex *lex, struct script *script)
{
    if (script->events != NULL)
        lex_fail(lex, "options stand before the events");
    const char *name = lex_until(lex, "=");
    lex_expect(lex, "=");
    if (strcmp(name, "ip_version") == 0)
        parse_ip_version(lex, script);
    else if (strcmp(name, "mtu") == 0)
        script->mtu = lex_u32(lex);
    else if (strcmp(name, "tolerance_usecs") == 0)
        script->tolerance = (tcpip_ns)lex_u32(lex) * TCPIP_US;
    else if (strcmp(name, "tick_usecs") == 0)
        script->tick = (tcpip_ns)lex_u32(lex) * TCPIP_US;
    else if (strcmp(name, "local_ip") == 0)
        script->local_ip = lex_until(lex, "");
    else if (strcmp(name, "remote_ip") == 0)
        script->remote_ip = lex_until(lex, "");
    else if (strcmp(name, "local_port") == 0)
        script->local_port = lex_u16(lex);
    else if (strcmp(name, "remote_port") == 0)
        script->remote_port = lex_u16(lex);
    else if (strcmp(name, "set") == 0)
        parse_set(lex, script);
    else if (strcmp(name, "limit") == 0)
        parse_limit(lex, script);
    else if (strcmp(name, "congestion") == 0)
        script->congestion = lex_until(lex, "");
    else if (strcmp(name, "flow") == 0)
        parse_flow(lex, script);
    else if (strcmp(name, "forward") == 0)
        parse_forward(lex, script);
    else
        lex_fail(lex, "no option is called --%s", name);
    if (!lex_at_line_end(lex))
        lex_fail(lex, "what is '%.30s' behind the option?", lex_until(lex, "\n"));
}
