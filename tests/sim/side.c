// SPDX-License-Identifier: MIT
/* side.c: one end of a connection: a program that writes a pattern, reads the other's and compares, and ends as its
 * plan says.
 *
 * It goes on when it hears that it can (edge-triggered, in one of three ways) or when a pause of its own is over, and
 * never otherwise: a wake-up that the library forgets is a connection that doesn't end.
 *
 * Owns:       endpoints of connections.
 * Invariants: a clean end comes after all that the peer wrote.
 * Not here:   the bytes (side_data.c), which errors a connection may see (judge.c). */
#include "sim.h"

#include "transport/tcp/tcp.h"
#include <inttypes.h>

enum {
    CALLS_MAX = 64,  /* in one step: others want to go on too */
    RETRY_MS = 20,   /* after NO_BUFFER_SPACE, which no event ends */
    GIVE_UP_S = 400, /* an end whose peer is gone without a word hears nothing: the program's own patience */
};

/* ---- waking ---- */

static void side_heard(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct side *side = TCPIP_CONTAINER_OF(waiter, struct side, waiter);
    if (plant_due(side->sim, SIM_PLANT_WAKE))
        return;
    side->runnable = true;
    (void)ready;
    if (side->plan->wake == PLAN_WAKE_INSIDE)
        (void)side_step(side);
}

void side_register(struct side *side)
{
    static const uint32_t mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT;
    if (side->endpoint == NULL)
        return;
    side->runnable = true; /* register, then look */
    tcpip_endpoint_set_context(side->endpoint, side);
    if (side->plan->wake == PLAN_WAKE_READY) {
        tcpip_endpoint_watch(side->endpoint, mask);
    } else {
        side->waiter = (struct tcpip_waiter){.mask = mask, .fn = side_heard};
        tcpip_endpoint_waiter_add(side->endpoint, &side->waiter);
    }
}

void side_open(struct side *side, struct tcpip_endpoint *endpoint, enum side_state state)
{
    side->endpoint = endpoint;
    side->state = state;
    side->open_at = side->news_at = side->sim->now;
    side->read_at = side->sim->now + side->plan->read_start;
    side->fiddle_at = side->plan->fiddle_pause > 0 ? side->sim->now + side->plan->fiddle_pause : TCPIP_NEVER;
    side_register(side);
}

enum tcpip_error side_set_options(struct side *side)
{
    const struct plan_options *options = &side->plan->options;
    for (uint32_t i = 0; i < options->count; i++) {
        enum tcpip_error error =
            tcpip_endpoint_set_option(side->endpoint, options->list[i].option, options->list[i].value);
        if (error != TCPIP_OK)
            return error;
    }
    return side->plan->congestion != NULL ? tcpip_endpoint_set_congestion(side->endpoint, side->plan->congestion)
                                          : TCPIP_OK;
}

/* ---- the end ---- */

/* When a peer that this end closed on may be told so: at once, if it still had something to say. */
static tcpip_ns side_gone_at(const struct side *side, uint64_t unread)
{
    const struct plan_options *options = &side->plan->options;
    const struct side *peer = side_peer(side);
    tcpip_ns now = side->sim->now, linger = 60 * TCPIP_SECOND;
    if (side->aborted || unread > 0 || side->written < side->plan->total)
        return now;
    if (side->plan->may_time_out)
        return now;
    if (side->eof)
        return TCPIP_NEVER;
    if (side->shut_read || side->read < peer->plan->total)
        return now;
    for (uint32_t i = 0; i < options->count; i++)
        if (options->list[i].option == TCPIP_OPTION_LINGER2)
            linger = options->list[i].value;
    return now + (linger > 0 ? linger : 0);
}

void side_leave(struct side *side)
{
    int64_t unread = 0;
    if (tcpip_endpoint_get_option(side->endpoint, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread) != TCPIP_OK)
        sim_fail(side->sim, "the size of the receive queue isn't told");
    if (side->gone_at == TCPIP_NEVER)
        side->gone_at = side_gone_at(side, (uint64_t)unread);
    struct tcpip_endpoint *endpoint = side->endpoint;
    side->state = SIDE_DONE;
    side->endpoint = NULL;
    side_news(side);
    side_note(side, "closes", (uint64_t)unread);
    tcpip_endpoint_close(endpoint);
    judge_side(side);
}

void side_failed(struct side *side, enum tcpip_error error)
{
    side->error = error;
    side->error_at = side->sim->now;
    side_note(side, tcpip_error_text(error), (uint64_t)error);
    judge_error(side, error);
    if (side->gone_at > side->sim->now)
        side->gone_at = side->sim->now;
    side_leave(side);
}

static void side_reset(struct side *side)
{
    if (tcpip_endpoint_set_option(side->endpoint, TCPIP_OPTION_LINGER, 0) == TCPIP_OK)
        side->aborted = true;
    side_leave(side);
}

/* ---- reading ---- */

void side_ended(struct side *side)
{
    const struct side *peer = side_peer(side);
    side_news(side);
    side_note(side, "hears the end", side->read);
    side->eof = true;
    if (!peer->shut_write && peer->state != SIDE_DONE)
        sim_fail(side->sim, "flow %u, end %u: an end that the peer didn't send", side->flow->index, side->index);
    if (side->read != peer->written)
        sim_fail(side->sim, "flow %u, end %u: a clean end after %" PRIu64 " of %" PRIu64 " bytes", side->flow->index,
                 side->index, side->read, peer->written);
}

/* Who reads no more isn't told by reads that the connection has failed. */
static void side_look_for_error(struct side *side)
{
    int64_t error = 0;
    if ((tcpip_endpoint_readiness(side->endpoint, TCPIP_EVENT_ERR) & TCPIP_EVENT_ERR) == 0)
        return;
    if (tcpip_endpoint_get_option(side->endpoint, TCPIP_OPTION_ERROR, &error) != TCPIP_OK || error == 0)
        sim_fail(side->sim, "flow %u, end %u: ready for an error, and there is none", side->flow->index, side->index);
    else
        side_failed(side, (enum tcpip_error)error);
}

static bool side_read(struct side *side)
{
    bool more = false;
    for (int calls = 0; side->state == SIDE_OPEN && !side->eof && !side->sim->failed; calls++) {
        if (side->sim->now < side->read_at)
            return more;
        if (calls >= CALLS_MAX) {
            side->runnable = true;
            return true;
        }
        enum tcpip_error error = side_read_once(side);
        if (side->state != SIDE_OPEN)
            return true;
        if (error == TCPIP_ERR_WOULD_BLOCK)
            return more;
        more = true;
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) {
            if (!side->shut_read)
                side_ended(side);
            else
                side_look_for_error(side);
            return true;
        }
        if (error != TCPIP_OK) {
            side_failed(side, error);
            return true;
        }
        if (side->plan->read_pause > 0)
            side->read_at = side->sim->now + side->plan->read_pause;
    }
    return more;
}

/* ---- writing ---- */

uint64_t side_allowance(const struct side *side)
{
    const struct plan_flow *plan = side->flow->plan;
    uint64_t allowed = side->plan->total;
    if (plan->response == 0 || side->eof)
        return allowed;
    uint64_t turns = side->index == 0 ? (uint64_t)plan->request * (1 + side->read / plan->response)
                                      : (uint64_t)plan->response * (side->read / plan->request);
    return turns < allowed ? turns : allowed;
}

static bool side_write(struct side *side)
{
    bool more = false;
    for (int calls = 0; side->state == SIDE_OPEN && !side->shut_write && !side->sim->failed; calls++) {
        uint64_t allowed = side_allowance(side);
        if (side->written >= allowed || side->sim->now < side->write_at)
            return more;
        if (calls >= CALLS_MAX) {
            side->runnable = true;
            return true;
        }
        uint64_t size = 1 + rng_below(&side->rng, side->plan->write_max), before = side->written;
        enum tcpip_error error = side_write_once(side, size < allowed - before ? size : allowed - before);
        if (side->state != SIDE_OPEN)
            return true;
        if (error == TCPIP_ERR_WOULD_BLOCK)
            return more;
        more = true;
        if (error == TCPIP_ERR_NO_BUFFER_SPACE || error == TCPIP_ERR_NO_MEMORY) {
            side->write_at = side->sim->now + RETRY_MS * TCPIP_MS;
        } else if (error != TCPIP_OK) {
            side_failed(side, error);
        } else {
            side_news(side);
            side_note(side, "writes", side->written - before);
            if (side->plan->write_pause > 0)
                side->write_at = side->sim->now + side->plan->write_pause;
        }
    }
    return more;
}

/* ---- ending ---- */

static bool side_shutdown(struct side *side, uint32_t flags)
{
    side->shut_read = side->shut_read || (flags & TCPIP_SHUTDOWN_READ) != 0;
    side->shut_write = side->shut_write || (flags & TCPIP_SHUTDOWN_WRITE) != 0;
    side_note(side, "shuts down", flags);
    if (side->shut_read && side->shut_write && side->gone_at > side->sim->now)
        side->gone_at = side->sim->now; /* what comes now is answered with a reset */
    enum tcpip_error error = tcpip_endpoint_shutdown(side->endpoint, flags);
    if (side->state != SIDE_OPEN)
        return true;
    if (error == TCPIP_ERR_NOT_CONNECTED) { /* it is over, for a reason that a read tells */
        side->runnable = true;
        return true;
    }
    if (error != TCPIP_OK)
        side_failed(side, error);
    return true;
}

static bool side_wants_to_leave(const struct side *side)
{
    bool wrote = side->written >= side->plan->total, heard = side->read >= side_peer(side)->plan->total;
    switch ((enum plan_end)side->plan->end) {
    case PLAN_END_SHUTDOWN:
        return side->shut_write && side->eof;
    case PLAN_END_PASSIVE:
        return wrote && side->eof;
    case PLAN_END_DONE:
        return wrote && (heard || side->eof);
    case PLAN_END_CLOSE:
    case PLAN_END_NO_READ:
        return wrote;
    case PLAN_END_BOTH:
        return side->shut_write && side->sim->now >= side->write_at;
    case PLAN_END_UNREAD:
    case PLAN_END_RESET:
        return side->written + side->read >= side->plan->end_after || side->eof || (wrote && heard);
    case PLAN_END_COUNT:
        break;
    }
    return true;
}

static bool side_end(struct side *side)
{
    /* Who ends while the SYN is out takes it all back, data and all (as on Linux). */
    const struct tcp_endpoint *ep = tcp_of(side->endpoint);
    if (side->flow->plan->fast_open && side->index == 0 && ep != NULL && ep->state == TCPIP_TCP_SYN_SENT)
        return false;
    bool wrote = side->written >= side->plan->total;
    if (side->plan->end == PLAN_END_NO_READ && !side->shut_read)
        return side_shutdown(side, TCPIP_SHUTDOWN_READ);
    if (side->plan->end == PLAN_END_SHUTDOWN && wrote && !side->shut_write)
        return side_shutdown(side, TCPIP_SHUTDOWN_WRITE);
    if (side->plan->end == PLAN_END_BOTH && wrote && !side->shut_write) {
        side->write_at = side->sim->now + rng_between(&side->rng, 1, TCPIP_SECOND);
        return side_shutdown(side, TCPIP_SHUTDOWN_READ | TCPIP_SHUTDOWN_WRITE);
    }
    if (!side_wants_to_leave(side))
        return false;
    if (side->plan->end == PLAN_END_RESET)
        side_reset(side);
    else
        side_leave(side);
    return true;
}

/* ---- connecting ---- */

static bool side_connecting(struct side *side)
{
    int64_t error = 0;
    if ((tcpip_endpoint_readiness(side->endpoint, TCPIP_EVENT_OUT) &
         (TCPIP_EVENT_OUT | TCPIP_EVENT_ERR | TCPIP_EVENT_HUP)) == 0)
        return false;
    if (tcpip_endpoint_get_option(side->endpoint, TCPIP_OPTION_ERROR, &error) != TCPIP_OK)
        sim_fail(side->sim, "the outcome of connect isn't told");
    if (error != 0) {
        if (side->flow->plan->kind != PLAN_FLOW_NOBODY || !flow_connect_again(side, (enum tcpip_error)error))
            side_failed(side, (enum tcpip_error)error);
        return true;
    }
    if (side->flow->plan->kind == PLAN_FLOW_NOBODY && !side->retried)
        sim_fail(side->sim, "flow %u is connected to nobody", side->flow->index);
    side_note(side, "is connected", 0);
    side_news(side);
    side->state = SIDE_OPEN;
    return true;
}

/* ---- fiddling ---- */

/* Changes something about the connection while it is at work, or asks about it. */
static void side_fiddle(struct side *side)
{
    static const struct {
        enum tcpip_option option;
        int64_t low, high;
    } choices[] = {
        {TCPIP_OPTION_NO_DELAY, 0, 1},
        {TCPIP_OPTION_CORK, 0, 1},
        {TCPIP_OPTION_QUICK_ACK, 0, 1},
        {TCPIP_OPTION_SEND_BUFFER_SIZE, 0, 100000},
        {TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 0, 100000},
        {TCPIP_OPTION_WINDOW_CLAMP, 0, 20000},
        {TCPIP_OPTION_MAX_SEGMENT, 88, 3000},
        {TCPIP_OPTION_NOT_SENT_LOW_WATER, 0, 20000},
        {TCPIP_OPTION_MAX_PACING_RATE, 30000, 10000000},
        {TCPIP_OPTION_PACING, 0, 2},
        {TCPIP_OPTION_TOS, 0, 255},
        {TCPIP_OPTION_MARK, 0, 10},
        {TCPIP_OPTION_SEND_QUEUE_SIZE, 0, 0},
        {TCPIP_OPTION_RECEIVE_QUEUE_SIZE, 0, 0},
    };
    static const char *const controllers[] = {"reno", "cubic", "dctcp", "bbr"};
    enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };
    uint32_t choice = rng_below(&side->rng, CHOICES + 2);
    enum tcpip_error error = TCPIP_OK;
    side->fiddle_at = side->sim->now + side->plan->fiddle_pause;
    side_note(side, "fiddles", choice);
    if (choice == CHOICES) {
        error = tcpip_endpoint_set_congestion(side->endpoint, controllers[rng_below(&side->rng, 4)]);
    } else if (choice > CHOICES) {
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        error = tcpip_endpoint_tcp_info(side->endpoint, &info);
        if (info.bytes_received < side->read || info.bytes_acked > side->written + 1)
            sim_fail(side->sim,
                     "flow %u, end %u: tcp_info knows of %" PRIu64 " bytes received, %" PRIu64 " acknowledged",
                     side->flow->index, side->index, info.bytes_received, info.bytes_acked);
    } else if (choices[choice].high > 0) {
        error = tcpip_endpoint_set_option(side->endpoint, choices[choice].option,
                                          rng_between(&side->rng, choices[choice].low, choices[choice].high));
    } else {
        int64_t value;
        error = tcpip_endpoint_get_option(side->endpoint, choices[choice].option, &value);
    }
    if (error != TCPIP_OK && error != TCPIP_ERR_NO_MEMORY)
        sim_fail(side->sim, "flow %u, end %u: option %u: %s", side->flow->index, side->index, choice,
                 tcpip_error_text(error));
}

/* ---- patience ---- */

tcpip_ns side_give_up_at(const struct side *side)
{
    const struct sim *sim = side->sim;
    const struct side *peer = side_peer(side);
    tcpip_ns from = peer->gone_at;
    if (peer->state == SIDE_NONE && side->flow->plan->kind == PLAN_FLOW_CLOSING)
        from = sim->hosts[peer->host].closing_at; /* the listener took what was half open with it */
    /* A cookie's ACK was lost, and who has nothing to say doesn't repeat it: the peer never heard of him. */
    if (peer->state == SIDE_NONE && side->written == 0 && judge_cookies_sent(sim, peer->host))
        from = sim->plan->calm_at;
    if (from == TCPIP_NEVER || side->state == SIDE_NONE || side->state == SIDE_DONE)
        return TCPIP_NEVER;
    from = from > sim->plan->calm_at ? from : sim->plan->calm_at;
    from = from > side->news_at ? from : side->news_at;
    return from + GIVE_UP_S * TCPIP_SECOND;
}

/* The peer is gone and its reset was lost. Whoever still has something to send, or probes, must have noticed. */
static void side_give_up(struct side *side)
{
    int64_t unsent = 0;
    enum tcpip_error error = tcpip_endpoint_get_option(side->endpoint, TCPIP_OPTION_SEND_QUEUE_SIZE, &unsent);
    if (error == TCPIP_OK && unsent > 0)
        sim_fail(side->sim, "flow %u, end %u: %" PRId64 " bytes wait for a peer that is gone, and nothing is said",
                 side->flow->index, side->index, unsent);
    int64_t probes = 0; /* memory may have been short when they were asked for */
    if (side->plan->keepalive &&
        tcpip_endpoint_get_option(side->endpoint, TCPIP_OPTION_KEEPALIVE, &probes) == TCPIP_OK && probes != 0)
        sim_fail(side->sim, "flow %u, end %u: the peer is gone, and keepalive doesn't notice", side->flow->index,
                 side->index);
    side_note(side, "gives up", 0);
    side_reset(side);
}

tcpip_ns side_deadline(const struct side *side)
{
    tcpip_ns give_up = side_give_up_at(side);
    return side->wake_at < give_up ? side->wake_at : give_up;
}

/* The end of a pause, if there is one. */
static tcpip_ns side_pause(const struct side *side)
{
    tcpip_ns now = side->sim->now, next = TCPIP_NEVER;
    if (side->state != SIDE_OPEN)
        return next;
    if (side->read_at > now)
        next = side->read_at;
    if (side->write_at > now && side->write_at < next)
        next = side->write_at;
    return side->fiddle_at < next ? side->fiddle_at : next;
}

bool side_step(struct side *side)
{
    bool more = false;
    if (side->stepping || side->state == SIDE_NONE || side->state == SIDE_DONE)
        return false;
    if (!side->runnable && side_deadline(side) > side->sim->now)
        return false;
    side->stepping = true;
    side->runnable = false;
    if (side->sim->now >= side_give_up_at(side))
        side_give_up(side);
    if (side->state == SIDE_CONNECTING)
        more = side_connecting(side);
    if (side->sim->calm) /* the calm is from programs, too: a window that is played with may never fill */
        side->fiddle_at = TCPIP_NEVER;
    if (side->state == SIDE_OPEN && side->sim->now >= side->fiddle_at)
        side_fiddle(side);
    if (side->state == SIDE_OPEN)
        more = side_read(side) || more;
    if (side->state == SIDE_OPEN)
        more = side_write(side) || more;
    if (side->state == SIDE_OPEN)
        more = side_end(side) || more;
    side->wake_at = side_pause(side);
    side->stepping = false;
    return more;
}
