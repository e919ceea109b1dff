// SPDX-License-Identifier: MIT
/* print_transport.c: TCP and UDP as tcpdump writes them. */
#include "header/print_part.h"

#include "header/cursor.h"

#include <tcpip/header/tcp.h>
#include <tcpip/header/udp.h>

static void print_tcp_flags(struct text *text, uint16_t flags)
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = {
        {TCPIP_TCP_FIN, 'F'}, {TCPIP_TCP_SYN, 'S'}, {TCPIP_TCP_RST, 'R'}, {TCPIP_TCP_PSH, 'P'}, {TCPIP_TCP_ACK, '.'},
        {TCPIP_TCP_URG, 'U'}, {TCPIP_TCP_ECE, 'E'}, {TCPIP_TCP_CWR, 'W'}, {TCPIP_TCP_AE, 'e'},
    };
    text_string(text, "Flags [");
    if (flags == 0)
        text_string(text, "none");
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (flags & letters[i].flag)
            text_char(text, letters[i].letter);
    text_char(text, ']');
}

static void print_tcp_sack(struct text *text, struct cursor *body)
{
    text_string(text, "sack ");
    text_number(text, body->left / 8);
    text_char(text, ' ');
    while (body->left >= 8) {
        text_char(text, '{');
        text_number(text, cursor_u32(body));
        text_char(text, ':');
        text_number(text, cursor_u32(body));
        text_char(text, '}');
    }
}

static void print_tcp_fast_open(struct text *text, struct cursor *body)
{
    text_string(text, body->left == 0 ? "tfo  cookiereq" : "tfo  cookie ");
    text_hex_bytes(text, body->at, body->left);
}

static void print_tcp_accecn(struct text *text, uint8_t kind, struct cursor *body)
{
    text_string(text, kind == TCPIP_TCP_OPTION_ACCECN0 ? "accecn0" : "accecn1");
    while (body->left >= 3) {
        text_char(text, ' ');
        text_number(text, cursor_u24(body));
    }
}

static void print_tcp_option(struct text *text, uint8_t kind, struct cursor body)
{
    size_t bytes = body.left;
    if (kind == TCPIP_TCP_OPTION_MSS && bytes == 2) {
        text_string(text, "mss ");
        text_number(text, cursor_u16(&body));
    } else if (kind == TCPIP_TCP_OPTION_WINDOW_SCALE && bytes == 1) {
        text_string(text, "wscale ");
        text_number(text, cursor_u8(&body));
    } else if (kind == TCPIP_TCP_OPTION_SACK_PERMITTED && bytes == 0) {
        text_string(text, "sackOK");
    } else if (kind == TCPIP_TCP_OPTION_SACK && bytes % 8 == 0) {
        print_tcp_sack(text, &body);
    } else if (kind == TCPIP_TCP_OPTION_TIMESTAMPS && bytes == 8) {
        text_string(text, "TS val ");
        text_number(text, cursor_u32(&body));
        text_string(text, " ecr ");
        text_number(text, cursor_u32(&body));
    } else if (kind == TCPIP_TCP_OPTION_MD5) {
        text_string(text, "md5");
    } else if (kind == TCPIP_TCP_OPTION_AO) {
        text_string(text, "tcp-ao");
    } else if (kind == TCPIP_TCP_OPTION_FAST_OPEN) {
        print_tcp_fast_open(text, &body);
    } else if (kind == TCPIP_TCP_OPTION_ACCECN0 || kind == TCPIP_TCP_OPTION_ACCECN1) {
        print_tcp_accecn(text, kind, &body);
    } else {
        text_string(text, "unknown-");
        text_number(text, kind);
        text_string(text, bytes > 0 ? " 0x" : "");
        text_hex_bytes(text, body.at, bytes);
    }
}

static void print_tcp_options(struct text *text, struct cursor c)
{
    const char *separator = "";
    text_string(text, ", options [");
    while (c.left > 0) {
        uint8_t kind = cursor_u8(&c);
        text_string(text, separator);
        separator = ",";
        if (kind == TCPIP_TCP_OPTION_EOL) {
            text_string(text, "eol");
            break;
        }
        if (kind == TCPIP_TCP_OPTION_NOP) {
            text_string(text, "nop");
            continue;
        }
        struct cursor body = cursor_option_body(&c);
        if (c.failed) {
            text_string(text, "[bad opt]");
            break;
        }
        print_tcp_option(text, kind, body);
    }
    text_char(text, ']');
}

void tcpip__print_tcp(struct text *text, const struct print_ip *ip, struct print_part part)
{
    if (part.front_bytes < TCPIP_TCP_HEADER_MIN) {
        tcpip__print_pair(text, ip, part.front_bytes >= 4 ? part.p : NULL);
        text_string(text, "[|tcp]");
        return;
    }
    const uint8_t *p = part.p;
    size_t header_bytes = tcpip_tcp_header_bytes(p);
    tcpip__print_pair(text, ip, p);
    print_tcp_flags(text, tcpip_tcp_flags(p));
    if (header_bytes < TCPIP_TCP_HEADER_MIN || header_bytes > part.total_bytes) {
        text_field(text, "bad hdr length", header_bytes);
        return;
    }
    size_t data_bytes = part.total_bytes - header_bytes;
    if (data_bytes > 0 || (tcpip_tcp_flags(p) & (TCPIP_TCP_SYN | TCPIP_TCP_FIN | TCPIP_TCP_RST))) {
        text_field(text, "seq", tcpip_tcp_sequence(p));
        if (data_bytes > 0) {
            text_char(text, ':');
            text_number(text, tcpip_tcp_sequence(p) + (uint32_t)data_bytes);
        }
    }
    if (tcpip_tcp_flags(p) & TCPIP_TCP_ACK)
        text_field(text, "ack", tcpip_tcp_acknowledgment(p));
    text_field(text, "win", tcpip_tcp_window(p));
    if (tcpip_tcp_flags(p) & TCPIP_TCP_URG)
        text_field(text, "urg", tcpip_tcp_urgent(p));
    if (header_bytes > part.front_bytes)
        text_string(text, ", options [|tcp]");
    else if (header_bytes > TCPIP_TCP_HEADER_MIN)
        print_tcp_options(text, cursor_of(p + TCPIP_TCP_HEADER_MIN, header_bytes - TCPIP_TCP_HEADER_MIN));
    text_field(text, "length", data_bytes);
}

void tcpip__print_udp(struct text *text, const struct print_ip *ip, struct print_part part)
{
    tcpip__print_pair(text, ip, part.front_bytes >= 4 ? part.p : NULL);
    if (part.front_bytes < TCPIP_UDP_HEADER_BYTES) {
        text_string(text, "[|udp]");
        return;
    }
    size_t length = tcpip_udp_length(part.p);
    if (length < TCPIP_UDP_HEADER_BYTES) {
        text_string(text, "UDP, bad length ");
        text_number(text, length);
    } else if (length > part.total_bytes) {
        text_string(text, "UDP, bad length ");
        text_number(text, length - TCPIP_UDP_HEADER_BYTES);
        text_string(text, " > ");
        text_number(text, part.total_bytes - TCPIP_UDP_HEADER_BYTES);
    } else {
        text_string(text, "UDP, length ");
        text_number(text, length - TCPIP_UDP_HEADER_BYTES);
    }
}
