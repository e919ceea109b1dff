// SPDX-License-Identifier: MIT
/* options.h: a command line, understood.
 *
 * Parsing is a function of its arguments alone: it prints nothing and opens nothing. What is wrong comes back as one
 * line that says what to do. */
#ifndef TCPIP_TOOLS_OPTIONS_H
#define TCPIP_TOOLS_OPTIONS_H

#include <stdio.h>
#include <tcpip/address.h>
#include <tcpip/link.h>

struct command; /* commands.h */

enum { OPTIONS_ADDRESSES = 8, OPTIONS_ARGUMENTS = 4 };

enum options_link { OPTIONS_LINK_NONE, OPTIONS_TUN, OPTIONS_TAP, OPTIONS_PACKET, OPTIONS_NETNS };
enum options_stats { OPTIONS_NO_STATS, OPTIONS_STATS_TEXT, OPTIONS_STATS_JSON };
enum options_limits { OPTIONS_LIMITS_DEFAULT, OPTIONS_LIMITS_TINY, OPTIONS_LIMITS_SERVER };

struct options_prefixes {
    struct tcpip_prefix prefix[OPTIONS_ADDRESSES];
    uint32_t count;
};

/* Strings point into the arguments. */
struct options {
    const struct command *command;

    enum options_link link;
    bool ethernet;         /* TAP rather than TUN */
    const char *interface; /* NULL: any name */
    struct options_prefixes addresses;
    struct options_prefixes host_addresses; /* the kernel's side */
    struct tcpip_address gateways[OPTIONS_ADDRESSES];
    uint32_t gateway_count;
    uint32_t mtu; /* 0: as it comes */
    bool no_offload;
    bool ring; /* of the packet socket */
    bool faulty;
    struct tcpip_fault_options fault;

    const char *congestion; /* NULL: the stack's default */
    enum options_limits limits;
    const char *capture; /* a pcapng file, or NULL */
    bool trace;
    enum options_stats stats;
    const char *stats_path; /* NULL: the standard error */

    uint16_t port; /* to listen on; 0: the command's own */
    bool read_only;
    uint64_t upload_max_bytes;
    tcpip_ns timeout_ns, interval_ns, wait_ns; /* 0: the command's own */
    uint64_t count;                            /* 0: without end */
    bool has_payload;
    uint32_t payload_bytes;

    const char *arguments[OPTIONS_ARGUMENTS];
    uint32_t argument_count;
    char **program; /* after "--", NULL-terminated; or NULL */
};

/* One line, without a newline. */
struct complaint {
    char text[240];
};
/* Writes the line; returns false, so that who finds fault can return what this returns. */
__attribute__((format(printf, 2, 3))) bool complain(struct complaint *out, const char *format, ...);

/* A row of a command's table of options. */
struct option_row {
    const char *name;  /* without dashes; NULL ends a table */
    const char *value; /* what it is called in the help: "NAME"; "[=json]": may be left out; NULL: none */
    const char *help;
    /* `value` is NULL when there is none. On false, `why` says what is wrong with it, not where. */
    bool (*set)(struct options *options, const char *value, struct complaint *why);
};

/* Rows for commands to name in their tables. */
extern const struct option_row option_listen, option_read_only, option_max_upload, option_timeout, option_wait,
    option_count, option_interval, option_size;

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };
/* argv[0] is the command's name. */
enum options_result options_parse(const struct command *command, int argc, char **argv, struct options *out,
                                  struct complaint *why);
/* The page of `--help`. */
void options_help(const struct command *command, FILE *out);

#endif
