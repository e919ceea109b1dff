// SPDX-License-Identifier: MIT
/* os_ours.c: the library's side: a stack with a loopback link that is named and addressed as the kernel's `lo`. */
#include "os.h"

#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

struct tcpip_sockets *os_table;

#define NEED(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))
static void give_up(const char *what, int line)
{
    fprintf(stderr, "os_ours.c:%d: not so: %s\n", line, what);
    exit(3);
}

const char *os_obstacle(void)
{
    return NULL;
}

void os_prepare(void)
{
}

void os_finish(void)
{
}

static void add(struct tcpip_stack *stack, const char *text, bool address)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties no_dad = {.size = sizeof(no_dad), .flags = TCPIP_ADDRESS_NO_DAD};
    NEED(tcpip_prefix_parse(text, &prefix) == TCPIP_OK);
    struct tcpip_route_entry route = {.destination = prefix, .nic = 1};
    NEED(!address || tcpip_stack_add_address(stack, 1, &prefix, &no_dad) == TCPIP_OK);
    NEED(tcpip_stack_add_route(stack, &route) == TCPIP_OK);
}

static void trace(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    (void)tcpip_event_print(event, line, sizeof(line));
    fprintf(stderr, "%s\n", line);
}

/* Everything is left to the end of the process: a scenario may leave calls under way. */
void os_begin(void)
{
    static struct tcpip_env env;
    struct tcpip_stack *stack;
    struct tcpip_nic_options lo = {.size = sizeof(lo), .name = "lo"};
    struct tcpip_sockets_options options = {.size = sizeof(options), .probe_pointers = true};
    tcpip_posix_env(&env);
    if (getenv("PARITY_TRACE") != NULL)
        env.trace = trace;
    struct tcpip_link *link = tcpip_loopback_new(&env, 65536);
    NEED(link != NULL);
    NEED(tcpip_stack_new(&env, NULL, &tcpip_protocols_all, &stack) == TCPIP_OK);
    NEED(tcpip_stack_create_nic(stack, 1, link, &lo) == TCPIP_OK);
    add(stack, "127.0.0.1/8", true);
    add(stack, "::1/128", true);
    add(stack, "ff00::/8", false);
    NEED(tcpip_sockets_new(stack, &options, &os_table) == TCPIP_OK);
}
