// SPDX-License-Identifier: MIT
/* side_data.c: the bytes of a connection: written by a pattern, read and compared, through every call that does so.
 *
 * What is at each position of a stream is a function of the position, so a byte that is lost, doubled or moved shows
 * where it happens.
 *
 * Owns:       views that the library lent, buffers that the library was lent.
 * Invariants: data that were read are the peer's, in order; what readiness promises, the call gives.
 * Not here:   when to read or write, and how it ends (side.c). */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { VIEWS_MAX = 5 };

static uint8_t pattern(const struct sim_flow *flow, uint32_t side, uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31 + (at >> 16) + flow->index * 7 + side * 101);
}

uint8_t sim_pattern(const struct side *side, uint64_t at)
{
    return pattern(side->flow, side->index, at);
}

void side_note(struct side *side, const char *what, uint64_t value)
{
    sim_mix(side->sim, (uint64_t)what[0] << 56 | (uint64_t)(side->flow->index * 2 + side->index) << 48 | value);
    if (side->sim->options.trace)
        printf("%.6f flow %u/%u %s %" PRIu64 "\n", (double)side->sim->now / 1e9, side->flow->index, side->index, what,
               value);
}

void side_news(struct side *side)
{
    side->news_at = side->sim->now;
}

/* ---- reading ---- */

bool side_verify(struct side *side, uint64_t at, const uint8_t *data, size_t size)
{
    uint32_t from = 1 - side->index;
    for (size_t i = 0; i < size; i++)
        if (data[i] != pattern(side->flow, from, at + i)) {
            sim_fail(side->sim, "flow %u, end %u: byte %" PRIu64 " is wrong, in a read of %zu from %" PRIu64,
                     side->flow->index, side->index, at + i, size, at);
            return false;
        }
    return true;
}

void side_has_read(struct side *side, uint64_t bytes)
{
    side->read += bytes;
    side->sim->bytes_read += bytes;
    side_news(side);
    side_note(side, "reads", bytes);
    if (side->read > side_peer(side)->written)
        sim_fail(side->sim, "flow %u, end %u: read %" PRIu64 " of %" PRIu64 " bytes written", side->flow->index,
                 side->index, side->read, side_peer(side)->written);
}

static enum tcpip_error read_copy(struct side *side, size_t size, bool scatter)
{
    uint8_t *buffer = malloc(size);
    size_t done = 0, front = scatter ? size / 3 : 0;
    struct tcpip_io io[2] = {{buffer, front}, {buffer + front, size - front}};
    struct tcpip_control control = {.present = 0};
    enum tcpip_error error = scatter ? tcpip_endpoint_recvmsg(side->endpoint, io, 2, &done, NULL, &control)
                                     : tcpip_endpoint_read(side->endpoint, buffer, size, &done, NULL);
    if (done > size || (error == TCPIP_OK) != (done > 0))
        sim_fail(side->sim, "a read of %zu says %s and %zu", size, tcpip_error_text(error), done);
    else if (error == TCPIP_OK && side_verify(side, side->read, buffer, done))
        side_has_read(side, done);
    free(buffer);
    return error;
}

struct peeked {
    struct side *side;
    uint64_t at;
    size_t most;
};

static bool peek_writer(void *ctx, const void *data, size_t size)
{
    struct peeked *peeked = ctx;
    if (peeked->at - peeked->side->read >= peeked->most || !side_verify(peeked->side, peeked->at, data, size))
        return false;
    peeked->at += size;
    return true;
}

static enum tcpip_error read_peek(struct side *side, size_t size)
{
    struct peeked peeked = {side, side->read, size};
    size_t done = 0;
    enum tcpip_error error = tcpip_endpoint_peek(side->endpoint, peek_writer, &peeked, &done);
    if (error != TCPIP_OK)
        return error;
    uint64_t before = side->read, seen = peeked.at - before;
    if (side->sim->failed || side->state == SIDE_DONE)
        return TCPIP_OK;
    error = read_copy(side, size, false);
    if (error != TCPIP_OK || side->read - before < (seen < size ? seen : size))
        sim_fail(side->sim, "flow %u, end %u: peek showed %" PRIu64 " bytes, read gave %" PRIu64 " (%s)",
                 side->flow->index, side->index, seen, side->read - before, tcpip_error_text(error));
    return error;
}

static void release_later(struct sim *sim, struct side *side, struct tcpip_buffer *buffer)
{
    if (sim->held_count < SIM_HELD_MAX && rng_below(&side->rng, 2) == 0)
        sim->held[sim->held_count++] = (struct held){buffer, sim->now + rng_between(&side->rng, 0, 2 * TCPIP_SECOND)};
    else
        tcpip_buffer_unref(buffer);
}

void sim_release_held(struct sim *sim, bool all)
{
    for (uint32_t i = 0; i < sim->held_count;) {
        struct tcpip_buffer *buffer = sim->held[i].buffer;
        if (!all && sim->held[i].until > sim->now) {
            i++;
            continue;
        }
        sim->held[i] = sim->held[--sim->held_count];
        tcpip_buffer_unref(buffer);
    }
}

static enum tcpip_error read_views(struct side *side, size_t size)
{
    struct tcpip_view views[VIEWS_MAX];
    size_t count = 1 + rng_below(&side->rng, VIEWS_MAX), done = 0, sum = 0;
    enum tcpip_error error = tcpip_endpoint_read_views(side->endpoint, views, &count, size, &done, NULL);
    if (error != TCPIP_OK)
        return error;
    uint64_t at = side->read;
    for (size_t i = 0; i < count; i++) {
        (void)side_verify(side, at + sum, tcpip_view_data(&views[i]), views[i].length);
        sum += views[i].length;
    }
    if (sum != done || done == 0 || done > size)
        sim_fail(side->sim, "read_views of %zu says %zu, and %zu in %zu views", size, done, sum, count);
    side_has_read(side, done);
    struct sim *sim = side->sim;
    for (size_t i = 0; i < count; i++) /* may run waiters: the side may be gone afterwards */
        release_later(sim, side, views[i].buffer);
    return TCPIP_OK;
}

/* One call, of the kind that the plan says. */
static enum tcpip_error read_some(struct side *side)
{
    size_t size = 1 + rng_below(&side->rng, side->plan->read_max);
    uint32_t style = side->plan->read;
    if (style == PLAN_READ_MIXED)
        style = rng_below(&side->rng, PLAN_READ_MIXED);
    switch (style) {
    case PLAN_READ_VIEWS:
        return read_views(side, size);
    case PLAN_READ_PEEK:
        return read_peek(side, size);
    default:
        return read_copy(side, size, style == PLAN_READ_SCATTER);
    }
}

enum tcpip_error side_read_once(struct side *side)
{
    bool ready = (tcpip_endpoint_readiness(side->endpoint, TCPIP_EVENT_IN) & TCPIP_EVENT_IN) != 0;
    enum tcpip_error error = read_some(side);
    if (error == TCPIP_ERR_WOULD_BLOCK && ready)
        sim_fail(side->sim, "flow %u, end %u: ready to be read, and a read would block", side->flow->index,
                 side->index);
    return error;
}

/* ---- writing ---- */

struct lent {
    struct sim *sim;
    uint8_t data[];
};

static void lent_back(void *ctx, struct tcpip_buffer *buffer)
{
    struct lent *lent = ctx;
    (void)buffer;
    lent->sim->written_views--;
    memset(lent->data, 0xee, 1); /* whoever still reads it reads something else */
    free(lent);
}

static enum tcpip_error write_view(struct side *side, size_t size, uint32_t flags)
{
    struct lent *lent = malloc(sizeof(*lent) + size);
    lent->sim = side->sim;
    for (size_t i = 0; i < size; i++)
        lent->data[i] = pattern(side->flow, side->index, side->written + i);
    struct tcpip_buffer *buffer =
        tcpip_buffer_wrap(tcpip_endpoint_stack(side->endpoint), lent->data, size, lent_back, lent);
    if (buffer == NULL) {
        free(lent);
        return TCPIP_ERR_NO_BUFFER_SPACE;
    }
    side->sim->written_views++;
    struct tcpip_view view = {buffer, 0, (uint32_t)size};
    side->written += size; /* the peer may read it before the call is back */
    enum tcpip_error error = tcpip_endpoint_write_view(side->endpoint, &view, flags, NULL);
    if (error != TCPIP_OK)
        side->written -= size;
    tcpip_buffer_unref(buffer);
    return error;
}

static enum tcpip_error write_copy(struct side *side, size_t size, uint32_t flags, bool gather)
{
    uint8_t *buffer = malloc(size);
    size_t done = 0, front = gather ? size / 3 : size;
    for (size_t i = 0; i < size; i++)
        buffer[i] = pattern(side->flow, side->index, side->written + i);
    struct tcpip_io io[2] = {{buffer, front}, {buffer + front, size - front}};
    uint64_t before = side->written;
    side->written += size; /* as above */
    enum tcpip_error error = gather ? tcpip_endpoint_sendmsg(side->endpoint, io, 2, flags, NULL, NULL, &done)
                                    : tcpip_endpoint_write(side->endpoint, buffer, size, flags, NULL, &done);
    side->written = before + done;
    free(buffer);
    if (done > size || (error == TCPIP_OK) != (done > 0))
        sim_fail(side->sim, "a write of %zu says %s and %zu", size, tcpip_error_text(error), done);
    return error;
}

static enum tcpip_error write_some(struct side *side, size_t size)
{
    bool ready = (tcpip_endpoint_readiness(side->endpoint, TCPIP_EVENT_OUT) & TCPIP_EVENT_OUT) != 0;
    uint32_t flags = rng_below(&side->rng, 100) < side->plan->more_percent ? TCPIP_WRITE_MORE : 0;
    uint32_t style = side->plan->write;
    if (style == PLAN_WRITE_MIXED)
        style = rng_below(&side->rng, PLAN_WRITE_MIXED);
    if (style == PLAN_WRITE_VIEW) {
        enum tcpip_error error = write_view(side, size, flags);
        if (error != TCPIP_ERR_MESSAGE_TOO_LONG)
            return error;
    }
    enum tcpip_error error = write_copy(side, size, flags, style == PLAN_WRITE_GATHER);
    if (error == TCPIP_ERR_WOULD_BLOCK && ready)
        sim_fail(side->sim, "flow %u, end %u: ready to be written, and a write would block", side->flow->index,
                 side->index);
    return error;
}

enum tcpip_error side_write_once(struct side *side, size_t size)
{
    enum tcpip_error error = write_some(side, size);
    /* The first write after a connect that was put off, and no cookie any more: the SYN went alone. */
    return error == TCPIP_ERR_CONNECT_STARTED && side->flow->plan->fast_open ? TCPIP_ERR_WOULD_BLOCK : error;
}
