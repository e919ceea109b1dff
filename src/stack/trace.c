// SPDX-License-Identifier: MIT
/* trace.c: events to env.trace, and one event as one line of text.
 *
 * Every table here comes from the lists in tcpip/trace.h, so that a new drop or event has its enum, its name, its
 * counter and its text, or doesn't compile.
 *
 * Owns:        nothing.
 * Invariants:  an event is handed out with the stack closed to entries: a tracer looks, and touches nothing.
 * Not here:    counters (stats.c), what packets look like (header/print.c). */
#include "header/text.h"
#include "stack/stack.h"
#include <tcpip/header/print.h>

/* ---- names ---- */

static const char *const drop_names[] = {
#define TRACE_NAME_(name, text) #name,
    TCPIP_DROPS(TRACE_NAME_)
#undef TRACE_NAME_
};
static const char *const drop_texts[] = {
#define TRACE_TEXT_(name, text) text,
    TCPIP_DROPS(TRACE_TEXT_)
#undef TRACE_TEXT_
};
STATIC_ASSERT(array_count(drop_names) == TCPIP_DROP_COUNT && array_count(drop_texts) == TCPIP_DROP_COUNT);

struct event_words {
    const char *name, *text;
    const char *values[4]; /* "-": unused */
};
static const struct event_words event_words[] = {
#define TRACE_EVENT_(name, text, a, b, c, d) {#name, text, {a, b, c, d}},
    TCPIP_EVENTS(TRACE_EVENT_)
#undef TRACE_EVENT_
};
STATIC_ASSERT(array_count(event_words) == TCPIP_EVENT_COUNT);

const char *tcpip_drop_name(enum tcpip_drop reason)
{
    return (uint32_t)reason < TCPIP_DROP_COUNT ? drop_names[reason] : "UNKNOWN";
}

const char *tcpip_drop_text(enum tcpip_drop reason)
{
    return (uint32_t)reason < TCPIP_DROP_COUNT ? drop_texts[reason] : "unknown reason";
}

const char *tcpip_event_name(enum tcpip_event_kind kind)
{
    return (uint32_t)kind < TCPIP_EVENT_COUNT ? event_words[kind].name : "UNKNOWN";
}

/* ---- handing out ---- */

static void trace_hand_out(struct tcpip_stack *stack, const struct tcpip_event *event)
{
    stack_callback_begin(stack);
    stack->env.trace(stack->env.ctx, event);
    stack_callback_end(stack);
}

void tcpip__stack_event(struct tcpip_stack *stack, enum tcpip_event_kind kind, uint32_t endpoint, uint64_t a,
                        uint64_t b, uint64_t c, uint64_t d)
{
    struct tcpip_event event = {
        .kind = kind,
        .at = tcpip__stack_now(stack),
        .endpoint = endpoint,
        .values = {a, b, c, d},
    };
    trace_hand_out(stack, &event);
}

void tcpip__stack_packet_event(struct tcpip_stack *stack, enum tcpip_event_kind kind, const struct tcpip_packet *packet,
                               enum tcpip_drop reason)
{
    struct tcpip_event event = {.kind = kind, .at = tcpip__stack_now(stack)};
    uint64_t *values = event.values;
    if (kind == TCPIP_EVENT_PACKET_DROP)
        *values++ = (uint64_t)reason;
    values[0] = packet->length;
    values[1] = packet->link_protocol;
    /* The first piece is enough for the headers, as packets are made and received. */
    if (packet->tail > packet->head) {
        event.bytes = packet->room + packet->head;
        event.bytes_count = (uint32_t)(packet->tail - packet->head);
    } else if (packet->view_count > 0) {
        event.bytes = tcpip_view_data(&packet->views[0]);
        event.bytes_count = packet->views[0].length;
    }
    trace_hand_out(stack, &event);
}

/* ---- printing ---- */

static bool event_is_packet(enum tcpip_event_kind kind)
{
    return kind == TCPIP_EVENT_PACKET_IN || kind == TCPIP_EVENT_PACKET_OUT || kind == TCPIP_EVENT_PACKET_DROP;
}

/* "12.003456" */
static void text_instant(struct text *text, tcpip_ns at)
{
    uint64_t us = at < 0 ? 0 : (uint64_t)at / 1000;
    text_number(text, us / 1000000);
    text_char(text, '.');
    for (uint64_t unit = 100000; unit > 0; unit /= 10)
        text_char(text, (char)('0' + us / unit % 10));
}

/* "in flight" as "in_flight": a line is split at its spaces. */
static void text_word(struct text *text, const char *words)
{
    for (; *words != '\0'; words++)
        text_char(text, *words == ' ' ? '_' : *words);
}

static void text_value(struct text *text, const char *name, uint64_t value)
{
    text_char(text, ' ');
    text_word(text, name);
    text_char(text, '=');
    if (strcmp(name, "reason") == 0)
        text_string(text, tcpip_drop_name((enum tcpip_drop)value));
    else if (strcmp(name, "error") == 0)
        text_word(text, tcpip_error_text((enum tcpip_error)value));
    else
        text_number(text, value);
}

static void text_packet(struct text *text, const struct tcpip_event *event)
{
    const uint64_t *values = event->values + (event->kind == TCPIP_EVENT_PACKET_DROP ? 1 : 0);
    char line[TCPIP_PACKET_TEXT_MAX];
    if (event->kind == TCPIP_EVENT_PACKET_DROP)
        text_value(text, "reason", event->values[0]);
    if (event->bytes == NULL)
        return;
    tcpip_packet_print_front(line, sizeof(line), event->bytes, event->bytes_count, (size_t)values[0],
                             (uint32_t)values[1]);
    text_string(text, ": ");
    text_string(text, line);
}

size_t tcpip_event_print(const struct tcpip_event *event, char *out, size_t size)
{
    struct text text = text_of(out, size);
    if ((uint32_t)event->kind >= TCPIP_EVENT_COUNT) {
        text_string(&text, "unknown event");
        return text.used;
    }
    const struct event_words *words = &event_words[event->kind];
    text_instant(&text, event->at);
    if (event->endpoint != 0) {
        text_string(&text, strncmp(words->name, "TCP_", 4) == 0 ? " tcp#" : " #");
        text_number(&text, event->endpoint);
    }
    text_char(&text, ' ');
    text_string(&text, words->text);
    if (event_is_packet(event->kind)) {
        text_packet(&text, event);
        return text.used;
    }
    for (uint32_t i = 0; i < array_count(words->values); i++)
        if (strcmp(words->values[i], "-") != 0)
            text_value(&text, words->values[i], event->values[i]);
    return text.used;
}
