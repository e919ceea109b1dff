// SPDX-License-Identifier: MIT
/* run.c: the events of a script, one after another, in virtual time.
 *
 * Before an event the clock moves to its time, stopping wherever the stack has something to do. A packet that the stack
 * sends waits for the event that expects it; if the clock moves on and nobody has asked for it, it is unexpected. So
 * every packet is expected by exactly one event, in order, at its exact time (give or take the script's tolerance).
 *
 * Events at one instant come in the script's order; timers that are due at that instant come before them.
 *
 * Owns:       the world, and the calls that are blocked.
 * Not here:   what a packet must look like (flow.c), what a call does (call.c). */
#include "run.h"

#include "call.h"
#include "condition.h"
#include "symbol.h"

#include <tcpip/header/print.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKED_MAX = 8 };
/* How long a packet that may come at any time is waited for, and how far ahead a failure looks for a packet that is
 * late. */
#define PATIENCE (1000 * TCPIP_SECOND)
#define LATE (200 * TCPIP_SECOND)

struct run {
    struct world world;
    const struct script *script;
    struct failure *failure;
    const struct event *event; /* the one that is played */
    tcpip_ns base;             /* what relative times are relative to */
    struct blocked {
        const struct event *event;
        struct call call;
        tcpip_ns end;
    } blocked[BLOCKED_MAX];
    unsigned blocked_count;
    uint8_t packet[WIRE_BYTES_MAX];
};

__attribute__((format(printf, 3, 4))) static bool fail(struct run *run, const struct event *event, const char *format,
                                                       ...)
{
    run->failure->place = event != NULL ? event->place : (struct place){run->script->path, 0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->failure->why, sizeof run->failure->why, format, arguments);
    va_end(arguments);
    return false;
}

static double seconds(tcpip_ns time)
{
    return (double)time / 1e9;
}

/* ---- calls ---- */

static bool check_call(struct run *run, const struct event *event, const struct call *call, tcpip_ns end)
{
    const struct call_spec *spec = &event->as.call;
    tcpip_ns off = world_now(&run->world) - end;
    if (call->wrong[0] != 0)
        return fail(run, event, "%s: %s", spec->name, call->wrong);
    if (call->value != spec->result || (spec->result == -1 && call->error != spec->error))
        return fail(run, event, "%s returned %" PRId64 " (%s), not %" PRId64 " (%s)", spec->name, call->value,
                    symbol_errno_name(call->error), spec->result, symbol_errno_name(spec->error));
    if (off > run->script->tolerance || off < -run->script->tolerance)
        return fail(run, event, "%s returned at %.6f, not at %.6f", spec->name, seconds(world_now(&run->world)),
                    seconds(end));
    return true;
}

/* Goes on with the calls that are blocked. */
static bool poll_blocked(struct run *run)
{
    for (unsigned i = 0; i < run->blocked_count;) {
        struct blocked *blocked = &run->blocked[i];
        call_try(&blocked->call);
        if (!world_settle(&run->world))
            return fail(run, run->event, "the stack never rests");
        if (blocked->call.blocked) {
            i++;
            continue;
        }
        struct blocked done = *blocked;
        memmove(blocked, blocked + 1, (--run->blocked_count - i) * sizeof *blocked);
        if (!check_call(run, done.event, &done.call, done.end))
            return false;
    }
    return true;
}

static bool make_call(struct run *run, tcpip_ns at)
{
    const struct event *event = run->event;
    struct call call = {.world = &run->world, .spec = &event->as.call, .since = at};
    call_try(&call);
    if (!world_settle(&run->world))
        return fail(run, event, "the stack never rests");
    bool may_block = event->when.span == SPAN_BLOCKING;
    tcpip_ns end = may_block ? at - event->when.at + event->when.end : world_now(&run->world);
    if (!call.blocked)
        return check_call(run, event, &call, end);
    if (!may_block)
        return fail(run, event, "%s blocks (a call that may block is written +0...0.5 %s(...))", event->as.call.name,
                    event->as.call.name);
    if (run->blocked_count == BLOCKED_MAX)
        return fail(run, event, "too many calls block at once");
    run->blocked[run->blocked_count++] = (struct blocked){event, call, end};
    return true;
}

/* ---- time ---- */

static tcpip_ns next_instant(struct run *run)
{
    tcpip_ns at = world_deadline(&run->world);
    for (unsigned i = 0; i < run->blocked_count; i++) {
        if (run->blocked[i].call.wake_at < at)
            at = run->blocked[i].call.wake_at;
    }
    return at;
}

/* One step towards `end`: to the next instant at which something happens, or to `end`. */
static bool step(struct run *run, tcpip_ns end)
{
    tcpip_ns at = next_instant(run);
    if (!world_go(&run->world, at < end ? at : end))
        return fail(run, run->event, "the stack never rests: at %.6f its deadline stays due",
                    seconds(world_now(&run->world)));
    return poll_blocked(run);
}

static bool fail_unexpected(struct run *run, const struct sent_packet *packet)
{
    char line[1400];
    world_print(&run->world, packet->bytes, packet->size, line, sizeof line);
    return fail(run, run->event, "unexpected packet at %.6f:\n%s", seconds(packet->at), line);
}

/* Moves the clock to `at`; nothing may be sent before that. */
static bool go_to(struct run *run, tcpip_ns at)
{
    do {
        if (!step(run, at))
            return false;
        if (run->world.sent != NULL && run->world.sent->at < at - run->script->tolerance)
            return fail_unexpected(run, run->world.sent);
    } while (world_now(&run->world) < at);
    for (unsigned i = 0; i < run->blocked_count; i++) {
        if (run->blocked[i].end + run->script->tolerance < at)
            return fail(run, run->blocked[i].event, "%s still blocks at %.6f", run->blocked[i].call.spec->name,
                        seconds(at));
    }
    return true;
}

/* ---- packets ---- */

/* Waits for a packet until `end`; true with *out NULL: none came. */
static bool wait_packet(struct run *run, tcpip_ns end, struct sent_packet **out)
{
    while (run->world.sent == NULL && world_now(&run->world) < end) {
        if (!step(run, end))
            return false;
    }
    *out = world_take(&run->world);
    return true;
}

static bool fail_missing(struct run *run, const char *expected, tcpip_ns at)
{
    char line[1400] = "";
    tcpip_ns now = world_now(&run->world);
    struct sent_packet *late = NULL;
    run->blocked_count = 0;
    if (!wait_packet(run, now + LATE, &late))
        return false;
    if (late != NULL) {
        int n = snprintf(line, sizeof line, "\nbut at %.6f: ", seconds(late->at));
        world_print(&run->world, late->bytes, late->size, line + n, sizeof line - (size_t)n);
        free(late);
    }
    return fail(run, run->event, "nothing was sent at %.6f\nexpected: %s%s", seconds(at), expected, line);
}

static bool fail_different(struct run *run, const struct sent_packet *packet, const char *expected, const char *why)
{
    static uint8_t bytes[WIRE_BYTES_MAX];
    char actual[1400], wire[TCPIP_PACKET_TEXT_MAX] = "";
    struct wire_view view;
    const struct packet_spec *spec = &run->event->as.packet;
    world_print(&run->world, packet->bytes, packet->size, actual, sizeof actual);
    if (wire_read(packet->bytes, packet->size, &view) == NULL) {
        size_t size = flow_build_expected(&run->world.flows[spec->flow], &run->world.ends, spec, &view, bytes);
        tcpip_packet_print(wire, sizeof wire, bytes, size, TCPIP_PRINT_IP);
    }
    return fail(run, run->event, "%s\nexpected: %s    | %s\nactual:   %s", why, expected, wire, actual);
}

static bool match_packet(struct run *run, const struct sent_packet *packet, tcpip_ns first, tcpip_ns last)
{
    char expected[600], why[300];
    struct wire_view view;
    const struct packet_spec *spec = &run->event->as.packet;
    flow_print_spec(spec, expected, sizeof expected);
    const char *wrong = wire_read(packet->bytes, packet->size, &view);
    if (wrong != NULL)
        return fail_different(run, packet, expected, wrong);
    if (!flow_match(&run->world.flows[spec->flow], &run->world.ends, spec, &view, why))
        return fail_different(run, packet, expected, why);
    tcpip_ns tolerance = run->script->tolerance;
    if (packet->at >= first - tolerance && packet->at <= last + tolerance)
        return true;
    snprintf(why, sizeof why, "it was sent at %.6f, not at %.6f", seconds(packet->at), seconds(first));
    return fail_different(run, packet, expected, why);
}

static bool expect_packet(struct run *run, tcpip_ns at)
{
    const struct when *when = &run->event->when;
    tcpip_ns last = when->span == SPAN_RANGE ? at - when->at + when->end
                    : when->span == SPAN_ANY ? world_now(&run->world) + PATIENCE
                                             : at;
    tcpip_ns first = when->span == SPAN_ANY ? 0 : at;
    struct sent_packet *packet = NULL;
    /* A packet that came earlier than it should is found here and said to be early. */
    if (!wait_packet(run, last + (when->span == SPAN_ANY ? 0 : run->script->tolerance), &packet))
        return false;
    if (packet == NULL) {
        char expected[600];
        flow_print_spec(&run->event->as.packet, expected, sizeof expected);
        return fail_missing(run, expected, when->span == SPAN_EXACT ? at : last);
    }
    bool matched = match_packet(run, packet, first, last);
    run->base = when->span == SPAN_EXACT ? at : packet->at;
    free(packet);
    return matched && (world_now(&run->world) >= run->base || go_to(run, run->base));
}

static bool send_packet(struct run *run)
{
    const struct packet_spec *spec = &run->event->as.packet;
    struct flow *flow = &run->world.flows[spec->flow];
    if (!flow->bound) { /* the peer speaks first */
        flow->bound = true;
        if (flow->remote_port == 0)
            flow->remote_port = (uint16_t)(run->script->remote_port + spec->flow);
        if (flow->local_port == 0)
            flow->local_port = run->script->local_port;
    }
    size_t size = flow_build_inbound(flow, &run->world.ends, spec, run->packet);
    world_inject(&run->world, run->packet, size);
    if (!world_settle(&run->world))
        return fail(run, run->event, "the stack never rests");
    return poll_blocked(run);
}

/* ---- the play ---- */

static bool play_event(struct run *run)
{
    const struct event *event = run->event;
    tcpip_ns at = event->when.relative ? run->base + event->when.at : event->when.at;
    if (event->when.span == SPAN_ANY)
        at = world_now(&run->world);
    if (at < run->base && event->when.span != SPAN_ANY)
        return fail(run, event, "this is to happen at %.6f, before the event above it", seconds(at));
    if (event->kind == EVENT_OUTBOUND)
        return expect_packet(run, at);
    if (!go_to(run, at))
        return false;
    run->base = at;
    switch (event->kind) {
    case EVENT_INBOUND:
        return send_packet(run);
    case EVENT_CALL:
        return make_call(run, at);
    case EVENT_ASSERT: {
        char why[WORLD_WHY_MAX];
        return condition_check(&run->world, &event->as.assert, why) || fail(run, event, "%s", why);
    }
    default:
        return run->world.sent == NULL || fail_unexpected(run, run->world.sent);
    }
}

static bool play(struct run *run)
{
    for (const struct event *event = run->script->events; event != NULL; event = event->next) {
        run->event = event;
        if (!play_event(run))
            return false;
    }
    while (run->blocked_count > 0) { /* what blocks returns when it should, and nothing is sent meanwhile */
        if (!go_to(run, run->blocked[0].end) || run->world.sent != NULL)
            break;
        if (run->blocked_count > 0 && run->blocked[0].end <= world_now(&run->world))
            return fail(run, run->blocked[0].event, "%s still blocks at the end", run->blocked[0].call.spec->name);
    }
    if (run->failure->why[0] != 0)
        return false;
    run->event = NULL;
    return run->world.sent == NULL || fail_unexpected(run, run->world.sent);
}

/* The last lines of what was sent and received. */
static void keep_log(struct run *run)
{
    const char *log = run->world.log != NULL ? run->world.log : "";
    size_t size = run->world.log_used, room = sizeof run->failure->log - 1;
    const char *from = log + (size > room ? size - room : 0);
    unsigned lines = 0;
    for (const char *at = log + size; at > from; at--) {
        if (at < log + size && at[-1] == '\n' && ++lines == 16)
            from = at;
    }
    snprintf(run->failure->log, sizeof run->failure->log, "%s", from);
}

bool run_script(const struct script *script, const struct variant *variant, bool verbose, struct failure *failure)
{
    memset(failure, 0, sizeof *failure);
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    run->script = script;
    run->failure = failure;
    char why[WORLD_WHY_MAX] = "";
    volatile bool good = false;
    world_catch_traps(&run->world);
    if (setjmp(run->world.on_fatal) == 0) {
        good = world_init(&run->world, script, variant, why);
        run->world.verbose = verbose;
        good = good ? play(run) : fail(run, NULL, "%s", why);
    } else {
        good = fail(run, run->event, "%s", run->world.fatal);
    }
    failure->has_isn = run->world.flows[0].local_known;
    failure->first_isn = run->world.flows[0].local_start + run->world.flows[0].local_offset;
    if (!good)
        keep_log(run);
    if (run->world.fatal[0] == 0 && setjmp(run->world.on_fatal) != 0)
        good = fail(run, NULL, "at the end: %s", run->world.fatal);
    else if (!world_fini(&run->world, why) && good)
        good = fail(run, NULL, "%s", why);
    world_catch_traps(NULL);
    free(run);
    return good;
}
