// SPDX-License-Identifier: MIT
/* parse_packet.c: what stands behind < or >.
 *
 *   #1 [ect0, ttl 64] P. 1:1001(1000) ack 1 win 32768 urg 5 <nop,nop,TS val 100 ecr 200>
 *   udp (100)
 *   icmp unreachable frag_needed mtu 1400 [1:1461(1460)]
 *   icmp echo_request id 7 seq 1 (56)
 *
 * #N names the connection, 0 if not said. What an expectation doesn't say isn't compared, but for the options: none
 * said are none expected, and <...> accepts any. */
#include "icmp_kind.h"
#include "parse.h"

#include <tcpip/header/tcp.h>

#include <ctype.h>
#include <string.h>

static void parse_ip_word(struct lex *lex, struct packet_spec *packet)
{
    static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"}; /* by code point */
    for (int i = 0; i < 4; i++) {
        if (lex_accept_word(lex, ecn[i])) {
            packet->ecn = i;
            return;
        }
    }
    if (lex_accept_word(lex, "tos"))
        packet->tos = lex_u16(lex) & 0xff;
    else if (lex_accept_word(lex, "ttl"))
        packet->ttl = lex_u16(lex) & 0xff;
    else if (lex_accept_word(lex, "df"))
        packet->dont_fragment = 1;
    else if (lex_accept_word(lex, "nodf"))
        packet->dont_fragment = 0;
    else if (lex_accept_word(lex, "badsum"))
        packet->bad_checksum = true;
    else
        lex_fail(lex, "what is '%.20s' of an IP header?", lex_until(lex, ","));
}

/* 1:1001(1000), or 1(1000); the end is there to be read, and must be right. */
static void parse_sequence(struct lex *lex, uint32_t *sequence, uint32_t *length)
{
    *sequence = lex_u32(lex);
    uint32_t end = *sequence;
    bool has_end = lex_accept(lex, ":");
    if (has_end)
        end = lex_u32(lex);
    lex_expect(lex, "(");
    *length = lex_u32(lex);
    lex_expect(lex, ")");
    if (has_end && *sequence + *length != end)
        lex_fail(lex, "from %u to %u are not %u bytes", *sequence, end, *length);
    if (*length > 65000)
        lex_fail(lex, "longer than a packet");
}

static void parse_raw(struct lex *lex, struct option_spec *option, const char *hex)
{
    size_t size = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || option->count + size > OPTION_BYTES_MAX)
        lex_fail(lex, "'%s' isn't bytes in hex", hex);
    for (size_t i = 0; i < size; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *high = strchr(digits, tolower((unsigned char)hex[2 * i]));
        const char *low = strchr(digits, tolower((unsigned char)hex[2 * i + 1]));
        if (high == NULL || low == NULL)
            lex_fail(lex, "'%s' isn't bytes in hex", hex);
        option->raw[option->count++] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
}

static void parse_timestamps(struct lex *lex, struct option_spec *option)
{
    option->kind = OPTION_TS;
    lex_expect(lex, "val");
    option->any_value = lex_accept(lex, "*");
    if (!option->any_value)
        option->value = lex_u32(lex);
    lex_expect(lex, "ecr");
    option->any_echo = lex_accept(lex, "*");
    if (!option->any_echo)
        option->echo = lex_u32(lex);
}

static void parse_sack(struct lex *lex, struct option_spec *option)
{
    option->kind = OPTION_SACK;
    while (isdigit((unsigned char)lex_peek(lex))) {
        if (option->count == 4)
            lex_fail(lex, "no more than 4 blocks fit");
        option->sack[option->count][0] = lex_u32(lex);
        lex_expect(lex, ":");
        option->sack[option->count++][1] = lex_u32(lex);
    }
}

/* FO: a request; FO 01020304: this cookie; FO COOKIE: the one that a stack with our first key makes for the peer, and
 * COOKIE2 with the second. FOEXP: in the experimental form. */
static void parse_fast_open(struct lex *lex, struct option_spec *option, uint8_t kind, const char *magic)
{
    option->kind = OPTION_RAW;
    option->raw[0] = kind;
    option->count = 2;
    parse_raw(lex, option, magic);
    const char *cookie = lex_until(lex, ",>");
    option->cookie = strcmp(cookie, "COOKIE") == 0 ? 1 : strcmp(cookie, "COOKIE2") == 0 ? 2 : 0;
    parse_raw(lex, option, option->cookie != 0 ? "0000000000000000" : cookie);
    option->raw[1] = option->count;
}

/* ECN e0b 1 ceb 0 e1b 1: RFC 9768's counters; the first names the kind, fewer may follow it. */
static void parse_accecn(struct lex *lex, struct option_spec *option)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    const char *const *order = orders[lex_peek(lex) == 'e' && lex_accept_word(lex, "e1b")];
    if (order == orders[0])
        lex_expect(lex, "e0b");
    option->kind = OPTION_RAW;
    option->raw[0] = order == orders[0] ? TCPIP_TCP_OPTION_ACCECN0 : TCPIP_TCP_OPTION_ACCECN1;
    option->count = 2;
    for (unsigned i = 0; i == 0 || (i < 3 && lex_accept_word(lex, order[i])); i++) {
        uint32_t value = lex_u32(lex);
        option->raw[option->count++] = (uint8_t)(value >> 16);
        option->raw[option->count++] = (uint8_t)(value >> 8);
        option->raw[option->count++] = (uint8_t)value;
    }
    option->raw[1] = option->count;
}

/* md5 1: signed with the first secret; ao 1 2: by key 1, asking for key 2; bad: the code is another one. */
static void parse_signature(struct lex *lex, struct option_spec *option, enum option_kind kind)
{
    option->kind = kind;
    option->value = lex_u16(lex) & 0xff;
    if (kind == OPTION_AO)
        option->echo = lex_u16(lex) & 0xff;
    option->bad = lex_accept_word(lex, "bad");
}

/* kind 77 0102: an option of this kind with these bytes; raw 4d00: bytes as they are. */
static void parse_tcp_option(struct lex *lex, struct option_spec *option)
{
    if (lex_accept_word(lex, "mss")) {
        option->kind = OPTION_MSS;
        option->value = lex_u16(lex);
    } else if (lex_accept_word(lex, "wscale")) {
        option->kind = OPTION_WSCALE;
        option->value = lex_u16(lex) & 0xff;
    } else if (lex_accept_word(lex, "sackOK")) {
        option->kind = OPTION_SACK_OK;
    } else if (lex_accept_word(lex, "sack")) {
        parse_sack(lex, option);
    } else if (lex_accept_word(lex, "TS")) {
        parse_timestamps(lex, option);
    } else if (lex_accept_word(lex, "nop")) {
        option->kind = OPTION_NOP;
    } else if (lex_accept_word(lex, "eol")) {
        option->kind = OPTION_EOL;
    } else if (lex_accept_word(lex, "FO")) {
        parse_fast_open(lex, option, TCPIP_TCP_OPTION_FAST_OPEN, "");
    } else if (lex_accept_word(lex, "FOEXP")) {
        parse_fast_open(lex, option, TCPIP_TCP_OPTION_EXPERIMENT, "f989");
    } else if (lex_accept_word(lex, "ECN")) {
        parse_accecn(lex, option);
    } else if (lex_accept_word(lex, "md5")) {
        parse_signature(lex, option, OPTION_MD5);
    } else if (lex_accept_word(lex, "ao")) {
        parse_signature(lex, option, OPTION_AO);
    } else if (lex_accept_word(lex, "kind")) {
        option->kind = OPTION_RAW;
        option->raw[0] = (uint8_t)lex_u16(lex);
        option->count = 2;
        parse_raw(lex, option, lex_until(lex, ",>"));
        option->raw[1] = option->count;
    } else if (lex_accept_word(lex, "raw")) {
        option->kind = OPTION_RAW;
        parse_raw(lex, option, lex_until(lex, ",>"));
    } else {
        lex_fail(lex, "what TCP option is '%.20s'?", lex_until(lex, ",>"));
    }
}

static void parse_tcp_options(struct lex *lex, struct packet_spec *packet)
{
    if (lex_accept(lex, "...")) {
        packet->any_options = true;
    } else {
        do {
            if (packet->option_count == sizeof packet->options / sizeof packet->options[0])
                lex_fail(lex, "too many options");
            parse_tcp_option(lex, &packet->options[packet->option_count++]);
        } while (lex_accept(lex, ","));
    }
    lex_expect(lex, ">");
}

static void parse_tcp(struct lex *lex, struct packet_spec *packet)
{
    static const char letters[] = "FSRP.UEWA"; /* by bit; - is none */
    const char *flags = lex_until(lex, "");
    for (const char *c = strcmp(flags, "-") == 0 ? "" : flags; *c != 0; c++) {
        const char *letter = strchr(letters, *c);
        if (letter == NULL)
            lex_fail(lex, "'%s' aren't TCP flags", flags);
        packet->flags |= (uint16_t)(1u << (letter - letters));
    }
    if (lex_at_line_end(lex))
        return;
    if (isdigit((unsigned char)lex_peek(lex))) {
        packet->has_sequence = true;
        parse_sequence(lex, &packet->sequence, &packet->length);
    }
    if (!lex_at_line_end(lex) && lex_accept_word(lex, "ack")) {
        packet->has_ack = true;
        packet->ack = lex_u32(lex);
        if ((packet->flags & TCPIP_TCP_ACK) == 0)
            lex_fail(lex, "an ack number without the flag (.)");
    }
    if (!lex_at_line_end(lex) && lex_accept_word(lex, "win")) {
        packet->has_window = true;
        packet->window = lex_u16(lex);
    }
    if (!lex_at_line_end(lex) && lex_accept_word(lex, "urg")) {
        packet->has_urgent = true;
        packet->urgent = lex_u16(lex);
    }
    if (!lex_at_line_end(lex) && lex_accept(lex, "<"))
        parse_tcp_options(lex, packet);
}

static void parse_length(struct lex *lex, uint32_t *length)
{
    lex_expect(lex, "(");
    *length = lex_u32(lex);
    if (*length > 65000)
        lex_fail(lex, "longer than a packet");
    lex_expect(lex, ")");
}

static void parse_icmp(struct lex *lex, struct packet_spec *packet)
{
    packet->kind = PACKET_ICMP;
    const char *type = lex_name(lex, false), *code = icmp_kind_has_code(type) ? lex_name(lex, false) : "";
    packet->icmp = icmp_kind_find(type, code);
    if (packet->icmp == NULL)
        lex_fail(lex, "no ICMP message is called '%s %s'", type, code);
    if (packet->icmp->has_mtu && lex_accept_word(lex, "mtu"))
        packet->mtu = lex_u32(lex);
    if (icmp_kind_is_echo(packet->icmp)) {
        lex_expect(lex, "id");
        packet->id = lex_u16(lex);
        lex_expect(lex, "seq");
        packet->echo_sequence = lex_u16(lex);
        parse_length(lex, &packet->length);
    } else if (!lex_at_line_end(lex) && lex_accept(lex, "[")) {
        packet->has_quote = true;
        packet->quote_udp = lex_accept_word(lex, "udp");
        if (packet->quote_udp)
            parse_length(lex, &packet->quote_length);
        else
            parse_sequence(lex, &packet->quote_sequence, &packet->quote_length);
        lex_expect(lex, "]");
    }
}

void parse_packet(struct lex *lex, struct packet_spec *packet, bool inbound)
{
    packet->ecn = packet->tos = packet->ttl = packet->dont_fragment = -1;
    if (lex_accept(lex, "#")) {
        packet->flow = lex_u16(lex);
        if (packet->flow >= SCRIPT_FLOWS_MAX)
            lex_fail(lex, "connections are numbered up to %d", SCRIPT_FLOWS_MAX - 1);
    }
    if (lex_accept(lex, "[")) {
        do
            parse_ip_word(lex, packet);
        while (lex_accept(lex, ","));
        lex_expect(lex, "]");
    }
    if (packet->bad_checksum && !inbound)
        lex_fail(lex, "no wrong checksum is expected from the stack");
    if (lex_accept_word(lex, "udp")) {
        packet->kind = PACKET_UDP;
        parse_length(lex, &packet->length);
    } else if (lex_accept_word(lex, "icmp")) {
        parse_icmp(lex, packet);
    } else {
        parse_tcp(lex, packet);
    }
}
