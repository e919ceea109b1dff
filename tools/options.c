// SPDX-License-Identifier: MIT
/* options.c: a command line, understood.
 *
 * Every option is a row: its name, what its value is called, a line of help and a function that takes the value. So the
 * help cannot forget an option, and an option cannot forget its check. Values are given as "--mtu 1500" or
 * "--mtu=1500"; those that may be left out, as "--stats=json" only.
 *
 * Owns:        nothing; strings point into the arguments.
 * Invariants:  what options_parse finds good can be asked of a host; what only the kernel or the stack can judge (an
 *              interface's name, a congestion controller's) is judged there.
 * Not here:    the texts of the commands (echo.c, serve.c, ...), quantities (units.c), the list given to --fault
 *              (option_fault.c). */
#include "commands.h"
#include "option_fault.h"
#include "units.h"

#include <stdarg.h>
#include <string.h>

bool complain(struct complaint *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text, sizeof(out->text), format, arguments);
    va_end(arguments);
    for (char *at = out->text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') /* what the user typed may hold anything; this stays one line */
            *at = '?';
    }
    return false;
}

/* ---- where: the interface and its addresses ---- */

static bool set_link(struct options *options, enum options_link link, bool ethernet, const char *interface,
                     struct complaint *why)
{
    if (options->link != OPTIONS_LINK_NONE)
        return complain(why, "give one of --tun, --tap, --packet and --netns, once");
    options->link = link;
    options->ethernet = ethernet;
    options->interface = interface;
    return true;
}

static bool set_tun(struct options *options, const char *value, struct complaint *why)
{
    return set_link(options, OPTIONS_TUN, false, value, why);
}

static bool set_tap(struct options *options, const char *value, struct complaint *why)
{
    return set_link(options, OPTIONS_TAP, true, value, why);
}

static bool set_packet(struct options *options, const char *value, struct complaint *why)
{
    return set_link(options, OPTIONS_PACKET, true, value, why);
}

static bool set_netns(struct options *options, const char *value, struct complaint *why)
{
    if (value != NULL && strcmp(value, "tap") != 0 && strcmp(value, "tun") != 0)
        return complain(why, "is --netns (a TUN) or --netns=tap");
    return set_link(options, OPTIONS_NETNS, value != NULL && strcmp(value, "tap") == 0, NULL, why);
}

static bool add_prefix(struct options_prefixes *to, const char *value, struct complaint *why)
{
    if (to->count == OPTIONS_ADDRESSES)
        return complain(why, "at most %d of them", OPTIONS_ADDRESSES);
    if (strchr(value, '/') == NULL || tcpip_prefix_parse(value, &to->prefix[to->count]) != TCPIP_OK)
        return complain(why, "must be an address with its prefix length, like 10.77.0.2/24 or fd77::2/64");
    to->count++;
    return true;
}

static bool add_address(struct options *options, const char *value, struct complaint *why)
{
    return add_prefix(&options->addresses, value, why);
}

static bool add_host_address(struct options *options, const char *value, struct complaint *why)
{
    return add_prefix(&options->host_addresses, value, why);
}

static bool add_gateway(struct options *options, const char *value, struct complaint *why)
{
    if (options->gateway_count == OPTIONS_ADDRESSES)
        return complain(why, "at most %d of them", OPTIONS_ADDRESSES);
    if (tcpip_address_parse(value, &options->gateways[options->gateway_count]) != TCPIP_OK)
        return complain(why, "must be an address, like 10.77.0.1 or fd77::1");
    options->gateway_count++;
    return true;
}

static bool set_number(uint64_t *out, const char *value, uint64_t min, uint64_t max, struct complaint *why)
{
    if (!units_number(value, min, max, out))
        return complain(why, "must be a number from %llu to %llu", (unsigned long long)min, (unsigned long long)max);
    return true;
}

static bool set_mtu(struct options *options, const char *value, struct complaint *why)
{
    uint64_t mtu;
    if (!set_number(&mtu, value, 68, 65535, why)) /* RFC 791's least; the most that a TUN takes */
        return false;
    options->mtu = (uint32_t)mtu;
    return true;
}

static bool set_ring(struct options *options, const char *value, struct complaint *why)
{
    (void)value;
    (void)why;
    options->ring = true;
    return true;
}

static bool set_no_offload(struct options *options, const char *value, struct complaint *why)
{
    (void)value, (void)why;
    options->no_offload = true;
    return true;
}

static bool set_fault(struct options *options, const char *value, struct complaint *why)
{
    options->faulty = true;
    return option_fault_parse(value, &options->fault, why);
}

/* ---- how: the stack ---- */

static bool set_congestion(struct options *options, const char *value, struct complaint *why)
{
    (void)why;
    options->congestion = value;
    return true;
}

static bool set_limits(struct options *options, enum options_limits limits, struct complaint *why)
{
    if (options->limits != OPTIONS_LIMITS_DEFAULT)
        return complain(why, "give --tiny or --server, once");
    options->limits = limits;
    return true;
}

static bool set_tiny(struct options *options, const char *value, struct complaint *why)
{
    (void)value;
    return set_limits(options, OPTIONS_LIMITS_TINY, why);
}

static bool set_server(struct options *options, const char *value, struct complaint *why)
{
    (void)value;
    return set_limits(options, OPTIONS_LIMITS_SERVER, why);
}

/* ---- what is seen of it ---- */

static bool set_capture(struct options *options, const char *value, struct complaint *why)
{
    (void)why;
    options->capture = value;
    return true;
}

static bool set_trace(struct options *options, const char *value, struct complaint *why)
{
    (void)value, (void)why;
    options->trace = true;
    return true;
}

static bool set_stats(struct options *options, const char *value, struct complaint *why)
{
    if (value != NULL && strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return complain(why, "is --stats (text) or --stats=json");
    options->stats = value != NULL && strcmp(value, "json") == 0 ? OPTIONS_STATS_JSON : OPTIONS_STATS_TEXT;
    return true;
}

static bool set_stats_path(struct options *options, const char *value, struct complaint *why)
{
    (void)why;
    options->stats_path = value;
    return true;
}

static const struct option_row host_rows[] = {
    {"tun", "NAME", "the TUN interface NAME: made, or attached to if it is there", set_tun},
    {"tap", "NAME", "the same with Ethernet: ARP and neighbour discovery run", set_tap},
    {"packet", "NAME",
     "the Ethernet interface NAME, which is there, by a packet socket: the stack has\n"
     "its link address, and should have IP addresses that the kernel hasn't",
     set_packet},
    {"netns", "[=tap]",
     "a network namespace with a TUN (or TAP), made for the PROGRAM after '--'; no root\n"
     "needed where user namespaces are allowed. The kernel's side is 10.77.0.1 and\n"
     "fd77::1, the stack 10.77.0.2 and fd77::2",
     set_netns},
    {"address", "ADDRESS/BITS", "the stack's address and its network; once for each", add_address},
    {"host-address", "ADDRESS/BITS", "give the kernel's side this address and bring it up; once for each",
     add_host_address},
    {"gateway", "ADDRESS", "where everything else goes; a TUN does without", add_gateway},
    {"mtu", "BYTES", "of the interface", set_mtu},
    {"ring", NULL, "with --packet: memory shared with the kernel, for crowds of packets", set_ring},
    {"no-offload", NULL, "no virtio-net headers: every packet as it would be on a wire", set_no_offload},
    {"fault", "LIST",
     "loss=1%,delay=20ms,jitter=5ms,reorder=1%,dup=1%,corrupt=1%,rate=100mbit,seed=N,\n"
     "each in both directions, or with out- or in- before it in one",
     set_fault},
    {NULL, NULL, NULL, NULL},
};
static const struct option_row stack_rows[] = {
    {"congestion", "NAME", "congestion control: cubic, reno, bbr, dctcp", set_congestion},
    {"tiny", NULL, "limits for a stack within 5 MB", set_tiny},
    {"server", NULL, "limits for a million connections", set_server},
    {"pcap", "FILE", "write what passes between stack and interface to FILE, as pcapng", set_capture},
    {"trace", NULL, "print every event of the stack to the standard error", set_trace},
    {"stats", "[=json]", "print the counters at the end, to the standard error", set_stats},
    {"stats-to", "FILE", "to FILE instead", set_stats_path},
    {NULL, NULL, NULL, NULL},
};

/* ---- rows for some commands ---- */

static bool set_listen(struct options *options, const char *value, struct complaint *why)
{
    uint64_t port;
    if (!set_number(&port, value, 1, 65535, why))
        return false;
    options->port = (uint16_t)port;
    return true;
}

static bool set_read_only(struct options *options, const char *value, struct complaint *why)
{
    (void)value, (void)why;
    options->read_only = true;
    return true;
}

static bool set_max_upload(struct options *options, const char *value, struct complaint *why)
{
    return units_size(value, &options->upload_max_bytes) || complain(why, "must be " UNITS_SIZE_FORM);
}

static bool set_duration(tcpip_ns *out, const char *value, struct complaint *why)
{
    if (!units_duration(value, out) || *out == 0)
        return complain(why, "must be " UNITS_DURATION_FORM);
    return true;
}

static bool set_timeout(struct options *options, const char *value, struct complaint *why)
{
    return set_duration(&options->timeout_ns, value, why);
}

static bool set_wait(struct options *options, const char *value, struct complaint *why)
{
    return set_duration(&options->wait_ns, value, why);
}

static bool set_interval(struct options *options, const char *value, struct complaint *why)
{
    return set_duration(&options->interval_ns, value, why);
}

static bool set_count(struct options *options, const char *value, struct complaint *why)
{
    return set_number(&options->count, value, 1, 1000000000, why);
}

static bool set_size(struct options *options, const char *value, struct complaint *why)
{
    uint64_t size;
    if (!set_number(&size, value, 0, 65000, why))
        return false;
    options->has_payload = true;
    options->payload_bytes = (uint32_t)size;
    return true;
}

const struct option_row option_listen = {"listen", "PORT", "listen on this port", set_listen};
const struct option_row option_read_only = {"read-only", NULL, "no uploads", set_read_only};
const struct option_row option_max_upload = {"max-upload", "SIZE", "refuse to take larger files", set_max_upload};
const struct option_row option_timeout = {"timeout", "DURATION", "give up after so long without progress", set_timeout};
const struct option_row option_wait = {"wait", "DURATION", "while refused, try again for so long", set_wait};
const struct option_row option_count = {"count", "N", "stop after so many", set_count};
const struct option_row option_interval = {"interval", "DURATION", "between two of them", set_interval};
const struct option_row option_size = {"size", "BYTES", "of payload", set_size};

/* ---- parsing ---- */

static const struct option_row *find_row(const struct option_row *rows, const char *name, size_t length)
{
    for (; rows->name != NULL; rows++) {
        if (strlen(rows->name) == length && memcmp(rows->name, name, length) == 0)
            return rows;
    }
    return NULL;
}

static const struct option_row *find_option(const struct command *command, const char *name, size_t length)
{
    const struct option_row *row = find_row(host_rows, name, length);
    if (row == NULL)
        row = find_row(stack_rows, name, length);
    for (size_t i = 0; row == NULL && i < COMMAND_OPTIONS && command->options[i] != NULL; i++) {
        if (strlen(command->options[i]->name) == length && memcmp(command->options[i]->name, name, length) == 0)
            row = command->options[i];
    }
    return row;
}

/* One option at argv[*at], and its value, which may be the next argument. */
static bool parse_option(struct options *options, int argc, char **argv, int *at, struct complaint *why)
{
    const char *text = argv[*at];
    size_t length = strcspn(text, "=");
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    const struct command *command = options->command;
    const struct option_row *row = strncmp(text, "--", 2) == 0 ? find_option(command, text + 2, length - 2) : NULL;
    struct complaint reason;
    if (row == NULL)
        return complain(why, "%s: there is no option %.*s; 'tcpip %s --help' lists those there are", command->name,
                        (int)length, text, command->name);
    if (row->value == NULL && value != NULL)
        return complain(why, "%s: --%s takes no value", command->name, row->name);
    if (row->value != NULL && row->value[0] != '[' && value == NULL) {
        if (*at + 1 >= argc || strcmp(argv[*at + 1], "--") == 0)
            return complain(why, "%s: --%s needs its value: --%s %s", command->name, row->name, row->name, row->value);
        value = argv[++*at];
    }
    if (row->set(options, value, &reason))
        return true;
    return complain(why, "%s: --%s%s%s: %s", command->name, row->name, value != NULL ? " " : "",
                    value != NULL ? value : "", reason.text);
}

static bool has_family(const struct options_prefixes *prefixes, uint8_t length)
{
    for (uint32_t i = 0; i < prefixes->count; i++) {
        if (prefixes->prefix[i].address.len == length)
            return true;
    }
    return false;
}

/* What a namespace of our own looks like if nobody says otherwise. */
static bool default_addresses(struct options *options, struct complaint *why)
{
    static const char *const ours[] = {"10.77.0.2/24", "fd77::2/64"};
    static const char *const theirs[] = {"10.77.0.1/24", "fd77::1/64"};
    size_t families = options->mtu != 0 && options->mtu < 1280 ? 1 : 2; /* RFC 8200 5: too narrow for IPv6 */
    for (size_t i = 0; i < families; i++) {
        if (!add_prefix(&options->addresses, ours[i], why) || !add_prefix(&options->host_addresses, theirs[i], why))
            return false;
    }
    return true;
}

/* What no single option can judge. */
static bool check_together(struct options *options, struct complaint *why)
{
    const char *name = options->command->name;
    if (options->argument_count < options->command->arguments_min)
        return complain(why, "%s: say %s; 'tcpip %s --help' has examples", name, options->command->arguments, name);
    if (options->link == OPTIONS_LINK_NONE)
        return complain(why, "%s: say where: --netns, --tun, --tap or --packet NAME; 'tcpip %s --help' has examples",
                        name, name);
    if (options->link == OPTIONS_PACKET && (options->host_addresses.count > 0 || options->mtu != 0))
        return complain(why, "%s: --host-address and --mtu are for a TUN or TAP; set up %s with 'ip'", name,
                        options->interface);
    if (options->ring && options->link != OPTIONS_PACKET)
        return complain(why, "%s: --ring is for a packet socket: --packet NAME", name);
    if (options->program != NULL && options->link != OPTIONS_NETNS)
        return complain(why, "%s: a program after '--' needs --netns to run in", name);
    if (options->program != NULL && options->program[0] == NULL)
        return complain(why, "%s: which program? there is nothing after '--'", name);
    if (options->link == OPTIONS_NETNS && options->addresses.count == 0 && options->host_addresses.count == 0 &&
        !default_addresses(options, why))
        return false;
    if (options->addresses.count == 0)
        return complain(why, "%s: give the stack an address: --address 10.77.0.2/24", name);
    if (options->link == OPTIONS_NETNS && options->host_addresses.count == 0)
        return complain(why, "%s: give the kernel's side an address too: --host-address 10.77.0.1/24", name);
    if (options->mtu != 0 && options->mtu < 1280 && has_family(&options->addresses, 16))
        return complain(why, "%s: IPv6 needs an MTU of 1280 or more: --mtu 1280", name);
    for (uint32_t i = 0; i < options->gateway_count; i++) {
        if (!has_family(&options->addresses, options->gateways[i].len))
            return complain(why, "%s: --gateway is of another family than every --address", name);
    }
    if (options->stats_path != NULL && options->stats == OPTIONS_NO_STATS)
        options->stats = OPTIONS_STATS_TEXT;
    return true;
}

enum options_result options_parse(const struct command *command, int argc, char **argv, struct options *out,
                                  struct complaint *why)
{
    *out = (struct options){.command = command, .fault = option_fault_none()};
    for (int at = 1; at < argc; at++) {
        const char *text = argv[at];
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
            return OPTIONS_HELP;
        if (strcmp(text, "--") == 0) {
            out->program = &argv[at + 1];
            break;
        }
        if (text[0] == '-' && text[1] != '\0') {
            if (!parse_option(out, argc, argv, &at, why))
                return OPTIONS_BAD;
            continue;
        }
        if (out->argument_count == command->arguments_max) {
            complain(why, "%s: '%s' is one argument too many; 'tcpip %s --help' has examples", command->name, text,
                     command->name);
            return OPTIONS_BAD;
        }
        out->arguments[out->argument_count++] = text;
    }
    return check_together(out, why) ? OPTIONS_OK : OPTIONS_BAD;
}

/* ---- help ---- */

enum { HELP_COLUMN = 28 };

static void print_row(const struct option_row *row, FILE *out)
{
    bool bracket = row->value != NULL && row->value[0] == '[';
    int width =
        fprintf(out, "  --%s%s%s", row->name, row->value == NULL || bracket ? "" : " ", row->value ? row->value : "");
    if (width >= HELP_COLUMN - 1) {
        fputc('\n', out);
        width = 0;
    }
    for (const char *line = row->help; line != NULL; width = 0) {
        const char *end = strchr(line, '\n');
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - width, "", (int)(end != NULL ? (size_t)(end - line) : strlen(line)),
                line);
        line = end != NULL ? end + 1 : NULL;
    }
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "tcpip %s: %s\n\n%s\nUsage: tcpip %s [OPTION]...%s%s [-- PROGRAM [ARGUMENT]...]\n", command->name,
            command->summary != NULL ? command->summary : "", command->examples, command->name,
            command->arguments[0] != '\0' ? " " : "", command->arguments);
    if (command->options[0] != NULL)
        fputc('\n', out);
    for (size_t i = 0; i < COMMAND_OPTIONS && command->options[i] != NULL; i++)
        print_row(command->options[i], out);
    fputs("\nWhere:\n", out);
    for (const struct option_row *row = host_rows; row->name != NULL; row++)
        print_row(row, out);
    fputs("\nThe stack:\n", out);
    for (const struct option_row *row = stack_rows; row->name != NULL; row++)
        print_row(row, out);
    if (command->notes[0] != '\0')
        fprintf(out, "\n%s", command->notes);
}
