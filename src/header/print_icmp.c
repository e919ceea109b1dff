// SPDX-License-Identifier: MIT
/* print_icmp.c: ICMP for both families, neighbour discovery, MLD and IGMP as tcpdump writes them.
 *
 * Errors quote the packet that caused them; of it the destination and, where it is TCP's or UDP's, the port are told.
 * The quote is one level deep: an error never quotes an error. */
#include "header/print_part.h"

#include <tcpip/header/icmpv4.h>
#include <tcpip/header/icmpv6.h>
#include <tcpip/header/igmp.h>
#include <tcpip/header/mld.h>
#include <tcpip/header/ndp.h>

/* What an error says about its cause. */
struct print_quote {
    const uint8_t *destination; /* null: the quote is too short */
    uint8_t address_bytes;
    uint8_t protocol;
    const uint8_t *ports; /* null: none at hand */
};

static const uint8_t *print_quote_ports(uint8_t protocol, struct print_part part)
{
    bool has_ports = protocol == TCPIP_PROTOCOL_TCP || protocol == TCPIP_PROTOCOL_UDP;
    return has_ports && part.front_bytes >= 4 ? part.p : NULL;
}

static struct print_quote print_quote_v4(struct print_part part)
{
    struct print_quote quote = {.address_bytes = 4};
    if (part.front_bytes < TCPIP_IPV4_HEADER_MIN || tcpip_ipv4_version(part.p) != 4 ||
        tcpip_ipv4_header_bytes(part.p) < TCPIP_IPV4_HEADER_MIN)
        return quote;
    quote.destination = tcpip_ipv4_destination(part.p);
    quote.protocol = tcpip_ipv4_protocol(part.p);
    if (tcpip_ipv4_fragment_offset(part.p) == 0)
        quote.ports = print_quote_ports(quote.protocol, print_part_skip(part, tcpip_ipv4_header_bytes(part.p)));
    return quote;
}

static struct print_quote print_quote_v6(struct print_part part)
{
    struct print_quote quote = {.address_bytes = 16};
    struct tcpip_ipv6_chain chain;
    if (part.front_bytes < TCPIP_IPV6_HEADER_BYTES || tcpip_ipv6_version(part.p) != 6)
        return quote;
    quote.destination = tcpip_ipv6_destination(part.p);
    (void)tcpip_ipv6_chain_parse(part.p, part.front_bytes, &chain);
    quote.protocol = chain.upper_protocol;
    if (chain.verdict == TCPIP_IPV6_WALK_UPPER)
        quote.ports = print_quote_ports(quote.protocol, print_part_skip(part, chain.upper_offset));
    return quote;
}

static void print_quote_destination(struct text *text, const struct print_quote *quote)
{
    if (quote->destination)
        text_ip_address(text, quote->destination, quote->address_bytes);
    else
        text_string(text, "[|ip]");
}

/* "udp port 53", or what there is instead. */
static void print_quote_port(struct text *text, const struct print_quote *quote)
{
    if (quote->protocol == TCPIP_PROTOCOL_TCP)
        text_string(text, "tcp port ");
    else if (quote->protocol == TCPIP_PROTOCOL_UDP)
        text_string(text, "udp port ");
    else
        text_string(text, "protocol ");
    if (quote->ports)
        text_number(text, tcpip_load_u16(quote->ports + 2));
    else
        text_number(text, quote->protocol);
}

static void print_echo(struct text *text, const char *what, uint16_t id, uint16_t sequence)
{
    text_string(text, what);
    text_field(text, "id", id);
    text_field(text, "seq", sequence);
}

/* ---- ICMPv4 ---- */

static void print_icmpv4_unreachable(struct text *text, const uint8_t *p, const struct print_quote *quote)
{
    uint8_t code = tcpip_icmpv4_code(p);
    if (code == TCPIP_ICMPV4_NET_UNREACHABLE || code == TCPIP_ICMPV4_NET_UNKNOWN || code == TCPIP_ICMPV4_NET_PROHIBITED)
        text_string(text, "net ");
    else if (code == TCPIP_ICMPV4_HOST_UNREACHABLE || code == TCPIP_ICMPV4_HOST_UNKNOWN ||
             code == TCPIP_ICMPV4_HOST_PROHIBITED || code == TCPIP_ICMPV4_ADMIN_PROHIBITED)
        text_string(text, "host ");
    print_quote_destination(text, quote);
    if (code == TCPIP_ICMPV4_PROTOCOL_UNREACHABLE) {
        text_string(text, " protocol ");
        text_number(text, quote->protocol);
    } else if (code == TCPIP_ICMPV4_PORT_UNREACHABLE) {
        text_char(text, ' ');
        print_quote_port(text, quote);
    }
    text_string(text, " unreachable");
    if (code == TCPIP_ICMPV4_FRAGMENTATION_NEEDED) {
        text_string(text, " - need to frag (mtu ");
        text_number(text, tcpip_icmpv4_mtu(p));
        text_char(text, ')');
    } else if (code == TCPIP_ICMPV4_ADMIN_PROHIBITED || code == TCPIP_ICMPV4_NET_PROHIBITED ||
               code == TCPIP_ICMPV4_HOST_PROHIBITED) {
        text_string(text, " - admin prohibited");
    } else if (code == TCPIP_ICMPV4_SOURCE_ROUTE_FAILED) {
        text_string(text, " - source route failed");
    } else if (code > TCPIP_ICMPV4_PORT_UNREACHABLE) {
        text_string(text, " - code ");
        text_number(text, code);
    }
}

static void print_icmpv4_redirect(struct text *text, const uint8_t *p, const struct print_quote *quote)
{
    text_string(text, "redirect ");
    print_quote_destination(text, quote);
    text_string(text, (tcpip_icmpv4_code(p) & 1) != 0 ? " to host " : " to net ");
    text_ipv4(text, tcpip_icmpv4_gateway(p));
}

static void print_icmpv4_body(struct text *text, const uint8_t *p, const struct print_quote *quote)
{
    switch (tcpip_icmpv4_type(p)) {
    case TCPIP_ICMPV4_ECHO_REQUEST:
        print_echo(text, "echo request", tcpip_icmpv4_id(p), tcpip_icmpv4_sequence(p));
        break;
    case TCPIP_ICMPV4_ECHO_REPLY:
        print_echo(text, "echo reply", tcpip_icmpv4_id(p), tcpip_icmpv4_sequence(p));
        break;
    case TCPIP_ICMPV4_UNREACHABLE:
        print_icmpv4_unreachable(text, p, quote);
        break;
    case TCPIP_ICMPV4_REDIRECT:
        print_icmpv4_redirect(text, p, quote);
        break;
    case TCPIP_ICMPV4_TIME_EXCEEDED:
        text_string(text, tcpip_icmpv4_code(p) == TCPIP_ICMPV4_TTL_EXCEEDED ? "time exceeded in-transit"
                                                                            : "ip reassembly time exceeded");
        break;
    case TCPIP_ICMPV4_PARAMETER_PROBLEM:
        text_string(text, "parameter problem - octet ");
        text_number(text, tcpip_icmpv4_pointer(p));
        break;
    default:
        text_string(text, "type-#");
        text_number(text, tcpip_icmpv4_type(p));
        break;
    }
}

void tcpip__print_icmpv4(struct text *text, const struct print_ip *ip, struct print_part part)
{
    tcpip__print_pair(text, ip, NULL);
    text_string(text, "ICMP ");
    if (!tcpip_icmpv4_header_check(part.p, part.front_bytes)) {
        text_string(text, "[|icmp]");
        return;
    }
    struct print_quote quote = print_quote_v4(print_part_skip(part, TCPIP_ICMPV4_HEADER_MIN));
    print_icmpv4_body(text, part.p, &quote);
    text_field(text, "length", part.total_bytes);
}

/* ---- ICMPv6 ---- */

static void print_icmpv6_unreachable(struct text *text, const uint8_t *p, const struct print_quote *quote)
{
    static const char *const codes[] = {
        [TCPIP_ICMPV6_NO_ROUTE] = "unreachable route ",
        [TCPIP_ICMPV6_ADMIN_PROHIBITED] = "unreachable prohibited ",
        [TCPIP_ICMPV6_BEYOND_SCOPE] = "beyond scope ",
        [TCPIP_ICMPV6_ADDRESS_UNREACHABLE] = "unreachable address ",
        [TCPIP_ICMPV6_PORT_UNREACHABLE] = "unreachable port, ",
        [TCPIP_ICMPV6_SOURCE_POLICY] = "source policy ",
        [TCPIP_ICMPV6_REJECT_ROUTE] = "reject route ",
    };
    uint8_t code = tcpip_icmpv6_code(p);
    text_string(text, "destination unreachable, ");
    text_string(text, code < sizeof codes / sizeof codes[0] ? codes[code] : "unknown code ");
    print_quote_destination(text, quote);
    if (code == TCPIP_ICMPV6_PORT_UNREACHABLE) {
        text_char(text, ' ');
        print_quote_port(text, quote);
    }
}

static void print_icmpv6_parameter_problem(struct text *text, const uint8_t *p)
{
    static const char *const codes[] = {
        [TCPIP_ICMPV6_ERRONEOUS_HEADER] = "erroneous",
        [TCPIP_ICMPV6_UNKNOWN_NEXT_HEADER] = "next header",
        [TCPIP_ICMPV6_UNKNOWN_OPTION] = "option",
        [TCPIP_ICMPV6_INCOMPLETE_FIRST_FRAGMENT] = "incomplete header chain",
    };
    uint8_t code = tcpip_icmpv6_code(p);
    text_string(text, "parameter problem, ");
    text_string(text, code < sizeof codes / sizeof codes[0] ? codes[code] : "unknown code");
    text_string(text, " - octet ");
    text_number(text, tcpip_icmpv6_pointer(p));
}

/* True if it was one: the 8 bytes that errors and echo have are there. */
static bool print_icmpv6_message(struct text *text, const uint8_t *p, const struct print_quote *quote)
{
    switch (tcpip_icmpv6_type(p)) {
    case TCPIP_ICMPV6_UNREACHABLE:
        print_icmpv6_unreachable(text, p, quote);
        return true;
    case TCPIP_ICMPV6_PACKET_TOO_BIG:
        text_string(text, "packet too big, mtu ");
        text_number(text, tcpip_icmpv6_mtu(p));
        return true;
    case TCPIP_ICMPV6_TIME_EXCEEDED:
        text_string(text, tcpip_icmpv6_code(p) == TCPIP_ICMPV6_HOP_LIMIT_EXCEEDED ? "time exceeded in-transit for "
                                                                                  : "ip reassembly time exceeded for ");
        print_quote_destination(text, quote);
        return true;
    case TCPIP_ICMPV6_PARAMETER_PROBLEM:
        print_icmpv6_parameter_problem(text, p);
        return true;
    case TCPIP_ICMPV6_ECHO_REQUEST:
        print_echo(text, "echo request", tcpip_icmpv6_id(p), tcpip_icmpv6_sequence(p));
        return true;
    case TCPIP_ICMPV6_ECHO_REPLY:
        print_echo(text, "echo reply", tcpip_icmpv6_id(p), tcpip_icmpv6_sequence(p));
        return true;
    default:
        return false;
    }
}

/* An address of a neighbour discovery message, if it reaches that far. */
static void print_ndp_address(struct text *text, struct print_part part, const char *before, size_t offset)
{
    text_string(text, before);
    if (part.front_bytes >= offset + 16)
        text_ipv6(text, part.p + offset);
    else
        text_string(text, "[|icmp6]");
}

static void print_group_message(struct text *text, struct print_part part)
{
    switch (tcpip_icmpv6_type(part.p)) {
    case TCPIP_ICMPV6_MLD_QUERY:
        text_string(text, "multicast listener query");
        text_string(text, tcpip_mld_query_version(part.total_bytes) == 2 ? " v2" : "");
        print_ndp_address(text, part, " ", 8);
        break;
    case TCPIP_ICMPV6_MLD_REPORT:
        print_ndp_address(text, part, "multicast listener report ", 8);
        break;
    case TCPIP_ICMPV6_MLD_DONE:
        print_ndp_address(text, part, "multicast listener done ", 8);
        break;
    default:
        text_string(text, "multicast listener report v2");
        if (part.front_bytes >= TCPIP_MLD2_REPORT_MIN) {
            text_string(text, ", ");
            text_number(text, tcpip_load_u16(part.p + 6));
            text_string(text, " group record(s)");
        }
        break;
    }
}

static void print_icmpv6_other(struct text *text, struct print_part part)
{
    switch (tcpip_icmpv6_type(part.p)) {
    case TCPIP_ICMPV6_ROUTER_SOLICITATION:
        text_string(text, "router solicitation");
        break;
    case TCPIP_ICMPV6_ROUTER_ADVERTISEMENT:
        text_string(text, "router advertisement");
        break;
    case TCPIP_ICMPV6_NEIGHBOR_SOLICITATION:
        print_ndp_address(text, part, "neighbor solicitation, who has ", 8);
        break;
    case TCPIP_ICMPV6_NEIGHBOR_ADVERTISEMENT:
        print_ndp_address(text, part, "neighbor advertisement, tgt is ", 8);
        break;
    case TCPIP_ICMPV6_REDIRECT:
        print_ndp_address(text, part, "redirect, ", 24);
        print_ndp_address(text, part, " to ", 8);
        break;
    case TCPIP_ICMPV6_MLD_QUERY:
    case TCPIP_ICMPV6_MLD_REPORT:
    case TCPIP_ICMPV6_MLD_DONE:
    case TCPIP_ICMPV6_MLD2_REPORT:
        print_group_message(text, part);
        break;
    default:
        text_string(text, "unknown icmp6 type (");
        text_number(text, tcpip_icmpv6_type(part.p));
        text_char(text, ')');
        break;
    }
}

void tcpip__print_icmpv6(struct text *text, const struct print_ip *ip, struct print_part part)
{
    tcpip__print_pair(text, ip, NULL);
    text_string(text, "ICMP6, ");
    if (!tcpip_icmpv6_header_check(part.p, part.front_bytes)) {
        text_string(text, "[|icmp6]");
        return;
    }
    struct print_quote quote = print_quote_v6(print_part_skip(part, TCPIP_ICMPV6_MESSAGE_MIN));
    if (!print_icmpv6_message(text, part.p, &quote))
        print_icmpv6_other(text, part);
    text_field(text, "length", part.total_bytes);
}

/* ---- IGMP ---- */

void tcpip__print_igmp(struct text *text, const struct print_ip *ip, struct print_part part)
{
    tcpip__print_pair(text, ip, NULL);
    text_string(text, "igmp ");
    if (part.front_bytes < TCPIP_IGMP_HEADER_MIN) {
        text_string(text, "[|igmp]");
        return;
    }
    const uint8_t *p = part.p;
    switch (tcpip_igmp_type(p)) {
    case TCPIP_IGMP_QUERY:
        text_string(text, "query v");
        text_number(text, (unsigned)tcpip_igmp_query_version(p, part.total_bytes));
        break;
    case TCPIP_IGMP1_REPORT:
        text_string(text, "v1 report ");
        text_ipv4(text, tcpip_igmp_group(p));
        break;
    case TCPIP_IGMP2_REPORT:
        text_string(text, "v2 report ");
        text_ipv4(text, tcpip_igmp_group(p));
        break;
    case TCPIP_IGMP_LEAVE:
        text_string(text, "leave ");
        text_ipv4(text, tcpip_igmp_group(p));
        break;
    case TCPIP_IGMP3_REPORT:
        text_string(text, "v3 report, ");
        text_number(text, tcpip_load_u16(p + 6));
        text_string(text, " group record(s)");
        break;
    default:
        text_string(text, "type-0x");
        text_hex(text, tcpip_igmp_type(p), 2);
        break;
    }
}
