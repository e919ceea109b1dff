// SPDX-License-Identifier: MIT
/* flow_print.c: packets in the notation that scripts are written in, so that a failure can be read beside the script
 * (and, where the script was wrong, copied into it). */
#include "flow.h"
#include "icmp_kind.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct out *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(out->text + out->used, out->size - out->used, format, arguments);
    va_end(arguments);
    out->used += (size_t)n < out->size - out->used ? (size_t)n : out->size - out->used - 1;
}

static void say_flags(struct out *out, uint16_t flags)
{
    static const char letters[] = "FSRP.UEWA", order[] = "SFRP.UEWA";
    char text[16] = "-";
    size_t used = 0;
    for (const char *c = order; *c != 0; c++) {
        if ((flags >> (strchr(letters, *c) - letters) & 1) != 0) {
            text[used++] = *c;
            text[used] = 0;
        }
    }
    say(out, "%s", text);
}

/* ---- as it is on the wire ---- */

/* What to take off the numbers of one packet. */
struct relative {
    uint32_t sequence, ack, ts_value, ts_echo, sack;
};

static struct relative relative_to(const struct flow *flow, const struct wire_view *view, bool from_us)
{
    struct relative r = {0};
    bool ack = (view->tcp.flags & TCPIP_TCP_ACK) != 0;
    if (flow == NULL)
        return r;
    r.sequence = from_us ? flow->local_offset : flow->remote_offset;
    r.ack = from_us ? flow->remote_offset : flow->local_offset;
    r.ts_value = from_us ? flow->local_ts_offset : flow->remote_ts_offset;
    r.ts_echo = !ack ? 0 : from_us ? flow->remote_ts_offset : flow->local_ts_offset;
    r.sack = r.ack;
    return r;
}

static void say_raw(struct out *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        say(out, "%02x", bytes[i]);
}

/* One option of `size` bytes. */
static void say_option(struct out *out, const uint8_t *option, size_t size, const struct relative *r)
{
    if (option[0] == TCPIP_TCP_OPTION_MSS && size == 4) {
        say(out, "mss %u", tcpip_load_u16(option + 2));
    } else if (option[0] == TCPIP_TCP_OPTION_WINDOW_SCALE && size == 3) {
        say(out, "wscale %u", option[2]);
    } else if (option[0] == TCPIP_TCP_OPTION_SACK_PERMITTED && size == 2) {
        say(out, "sackOK");
    } else if (option[0] == TCPIP_TCP_OPTION_TIMESTAMPS && size == 10) {
        say(out, "TS val %" PRIu32 " ecr %" PRIu32, tcpip_load_u32(option + 2) - r->ts_value,
            tcpip_load_u32(option + 6) - r->ts_echo);
    } else if (option[0] == TCPIP_TCP_OPTION_SACK && size % 8 == 2) {
        say(out, "sack");
        for (size_t i = 2; i < size; i += 8)
            say(out, " %" PRIu32 ":%" PRIu32, tcpip_load_u32(option + i) - r->sack,
                tcpip_load_u32(option + i + 4) - r->sack);
    } else if (option[0] == TCPIP_TCP_OPTION_AO && size >= 4) {
        say(out, "ao %u %u", option[2], option[3]);
    } else if (option[0] == TCPIP_TCP_OPTION_MD5) {
        say(out, "md5 ...");
    } else {
        say(out, "kind %u ", option[0]);
        say_raw(out, option + 2, size - 2);
    }
}

static void say_options(struct out *out, const struct wire_view *view, const struct relative *r)
{
    const uint8_t *at = view->upper + TCPIP_TCP_HEADER_MIN, *end = view->upper + view->tcp.header_bytes;
    if (at == end)
        return;
    say(out, " <");
    for (bool first = true; at < end; first = false) {
        say(out, "%s", first ? "" : ",");
        if (*at <= TCPIP_TCP_OPTION_NOP) {
            say(out, *at == TCPIP_TCP_OPTION_NOP ? "nop" : "eol");
            at++;
        } else if (end - at < 2 || at[1] < 2 || at[1] > end - at) {
            say(out, "raw ");
            say_raw(out, at, (size_t)(end - at));
            break;
        } else {
            say_option(out, at, at[1], r);
            at += at[1];
        }
    }
    say(out, ">");
}

static void say_icmp(struct out *out, const struct wire_view *view)
{
    say(out, "icmp type %u code %u rest 0x%08" PRIx32 " (%zu)", view->icmp_type, view->icmp_code, view->icmp_rest,
        view->payload_bytes);
}

void flow_print(const struct flow *flow, const struct ends *ends, const struct wire_view *view, char *text, size_t size)
{
    struct out out = {text, size, 0};
    text[0] = 0;
    bool from_us = memcmp(view->ip.source, ends->local, ends->v6 ? 16 : 4) == 0;
    say(&out, "%s ", from_us ? ">" : "<");
    if (view->kind == PACKET_UDP) {
        say(&out, "udp (%zu)", view->payload_bytes);
        return;
    }
    if (view->kind == PACKET_ICMP) {
        say_icmp(&out, view);
        return;
    }
    struct relative r = relative_to(flow, view, from_us);
    uint32_t sequence = view->tcp.sequence - r.sequence;
    if (view->tcp.sequence == 0 && (view->tcp.flags & TCPIP_TCP_RST) != 0)
        sequence = 0;
    say_flags(&out, view->tcp.flags);
    say(&out, " %" PRIu32 ":%" PRIu32 "(%zu)", sequence, sequence + (uint32_t)view->payload_bytes, view->payload_bytes);
    if ((view->tcp.flags & TCPIP_TCP_ACK) != 0)
        say(&out, " ack %" PRIu32, view->tcp.acknowledgment - r.ack);
    say(&out, " win %u", view->tcp.window);
    if (view->tcp.urgent != 0 || (view->tcp.flags & TCPIP_TCP_URG) != 0)
        say(&out, " urg %u", view->tcp.urgent);
    say_options(&out, view, &r);
}

/* ---- as it was written ---- */

static void say_option_spec(struct out *out, const struct option_spec *option)
{
    static const char *const names[] = {"mss", "wscale", "sackOK", "sack", "TS", "nop", "eol", "raw ", "md5", "ao"};
    say(out, "%s", names[option->kind]);
    if (option->kind == OPTION_MSS || option->kind == OPTION_WSCALE || option->kind == OPTION_MD5 ||
        option->kind == OPTION_AO)
        say(out, " %" PRIu32, option->value);
    if (option->kind == OPTION_AO)
        say(out, " %" PRIu32, option->echo);
    if (option->bad)
        say(out, " bad");
    if (option->kind == OPTION_SACK) {
        for (unsigned i = 0; i < option->count; i++)
            say(out, " %" PRIu32 ":%" PRIu32, option->sack[i][0], option->sack[i][1]);
    }
    if (option->kind == OPTION_RAW)
        say_raw(out, option->raw, option->count);
    if (option->kind == OPTION_TS) {
        char value[12] = "*", echo[12] = "*";
        if (!option->any_value)
            snprintf(value, sizeof value, "%" PRIu32, option->value);
        if (!option->any_echo)
            snprintf(echo, sizeof echo, "%" PRIu32, option->echo);
        say(out, " val %s ecr %s", value, echo);
    }
}

static void say_tcp_spec(struct out *out, const struct packet_spec *spec)
{
    say_flags(out, spec->flags);
    if (spec->has_sequence)
        say(out, " %" PRIu32 ":%" PRIu32 "(%" PRIu32 ")", spec->sequence, spec->sequence + spec->length, spec->length);
    if (spec->has_ack)
        say(out, " ack %" PRIu32, spec->ack);
    if (spec->has_window)
        say(out, " win %u", spec->window);
    if (spec->has_urgent)
        say(out, " urg %u", spec->urgent);
    if (spec->any_options)
        say(out, " <...>");
    for (unsigned i = 0; i < spec->option_count; i++) {
        say(out, "%s", i == 0 ? " <" : ",");
        say_option_spec(out, &spec->options[i]);
    }
    if (spec->option_count > 0)
        say(out, ">");
}

void flow_print_spec(const struct packet_spec *spec, char *text, size_t size)
{
    static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
    struct out out = {text, size, 0};
    text[0] = 0;
    say(&out, "> ");
    if (spec->flow != 0)
        say(&out, "#%u ", spec->flow);
    if (spec->ecn >= 0)
        say(&out, "[%s] ", ecn[spec->ecn]);
    if (spec->tos >= 0)
        say(&out, "[tos %d] ", spec->tos);
    if (spec->ttl >= 0)
        say(&out, "[ttl %d] ", spec->ttl);
    if (spec->dont_fragment >= 0)
        say(&out, "[%s] ", spec->dont_fragment != 0 ? "df" : "nodf");
    if (spec->kind == PACKET_TCP) {
        say_tcp_spec(&out, spec);
    } else if (spec->kind == PACKET_UDP) {
        say(&out, "udp (%" PRIu32 ")", spec->length);
    } else {
        say(&out, "icmp %s%s%s", spec->icmp->type, spec->icmp->code[0] != 0 ? " " : "", spec->icmp->code);
        if (spec->icmp->has_mtu)
            say(&out, " mtu %" PRIu32, spec->mtu);
        if (icmp_kind_is_echo(spec->icmp))
            say(&out, " id %u seq %u (%" PRIu32 ")", spec->id, spec->echo_sequence, spec->length);
    }
}
