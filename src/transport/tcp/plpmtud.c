// SPDX-License-Identifier: MIT
/* plpmtud.c: how large a packet gets through, found out by sending some (RFC 4821; RFC 8899's states and constants).
 *
 * Routers that drop what is too big and don't say so make a black hole: the handshake works, and the first full segment
 * never arrives, however often it is sent. So data are sent in packets of a size that is known to arrive, and now and
 * then one larger packet goes among them, made of data that had to be sent anyway:
 *
 *        floor      base          low           probe        high         most
 *          |---------|-------------|==============|============|-----------|
 *                      arrive, sent    this is what we don't know   too big   the route's
 *
 * A probe that arrives raises `low`. One that alone is lost says little, because packets get lost: the third in a row
 * lowers `high` to below it. The size of the first probe is `high` itself, since most paths carry what the link does;
 * after that the rest is halved each time until it is not worth a probe. After some minutes all of it is tried again:
 * routes change (RFC 4821 7.3).
 *
 * Nobody learns from a probe what it isn't about: its loss is no sign of congestion, and losses around it make its own
 * inconclusive (RFC 4821 7.6.2, 7.6.3). That is for the hands to see.
 *
 * Timeouts in a row may mean that a size which did arrive no longer does. The way out is down to `base`, then by halves
 * to the floor; the search begins there again, this time without the leap.
 *
 * Owns:        struct plpmtud.
 * Invariants:  low <= high <= most; one probe at a time, larger than low, no larger than high.
 * Not here:    whether a probe may be sent now, and what is lost (tcp_mtu.c); what other connections are told
 *              (stack/pmtu.c). */
#include "transport/tcp/plpmtud.h"

#include "base/assert.h"
#include "base/math.h"

static void plpmtud_search(struct plpmtud *search, bool leap)
{
    search->complete = false;
    search->leap = leap;
    search->lost = 0;
}

void tcpip__plpmtud_init(struct plpmtud *search, uint32_t low, uint32_t most)
{
    *search = (struct plpmtud){.low = min_u32(low, most), .high = most, .most = most, .leap = true};
}

void tcpip__plpmtud_allow(struct plpmtud *search, uint32_t most)
{
    uint32_t before = search->most;
    if (most == before)
        return;
    search->most = most;
    search->low = min_u32(search->low, most);
    if (search->probe_bytes > most)
        search->probe_bytes = 0;
    if (most > before) {
        search->high = most;
        plpmtud_search(search, true);
    } else if (search->high > most) {
        search->high = most;
        plpmtud_search(search, true);
    }
}

void tcpip__plpmtud_rest(struct plpmtud *search, tcpip_ns until)
{
    search->complete = true;
    search->again_at = until;
}

void tcpip__plpmtud_told(struct plpmtud *search, uint32_t bytes)
{
    if (search->doubted || search->probe_bytes != 0 || bytes > search->high)
        return; /* what happens to this connection counts for more */
    search->low = bytes;
    search->lost = 0;
}

uint32_t tcpip__plpmtud_next(struct plpmtud *search, const struct plpmtud_bounds *bounds, tcpip_ns now)
{
    if (search->probe_bytes != 0)
        return 0;
    if (search->complete) {
        if (now < search->again_at || search->low >= search->most)
            return 0;
        search->high = search->most;
        plpmtud_search(search, true);
    }
    /* What a router said, or the link's own size, is worth a probe however little more it is. */
    uint32_t least = search->leap ? 1 : max_u32(bounds->threshold, 1);
    if (search->high - search->low < least) {
        search->complete = true;
        search->again_at = ns_add(now, bounds->interval_ns);
        return 0;
    }
    if (search->lost > 0 && search->next_bytes > search->low && search->next_bytes <= search->high)
        return search->next_bytes;
    search->lost = 0;
    search->next_bytes = search->leap ? search->high : search->low + (search->high - search->low + 1) / 2;
    return search->next_bytes;
}

void tcpip__plpmtud_sent(struct plpmtud *search, uint32_t bytes, seqnum start, seqnum end)
{
    ASSERT(bytes > search->low && bytes <= search->high && search->probe_bytes == 0);
    search->probe_bytes = bytes;
    search->probe_start = start;
    search->probe_end = end;
}

void tcpip__plpmtud_arrived(struct plpmtud *search)
{
    ASSERT(search->probe_bytes > search->low);
    search->low = search->probe_bytes;
    search->high = max_u32(search->high, search->low);
    search->probe_bytes = 0;
    search->doubted = false;
    plpmtud_search(search, false);
}

void tcpip__plpmtud_lost(struct plpmtud *search)
{
    ASSERT(search->probe_bytes > search->low);
    uint32_t bytes = search->probe_bytes;
    search->probe_bytes = 0;
    if (++search->lost < PLPMTUD_PROBES)
        return;
    search->high = bytes - 1;
    plpmtud_search(search, false);
}

void tcpip__plpmtud_forget(struct plpmtud *search)
{
    search->probe_bytes = 0;
}

bool tcpip__plpmtud_too_big(struct plpmtud *search, uint32_t mtu)
{
    if (mtu >= search->probe_bytes || mtu < search->low)
        return false;
    search->probe_bytes = 0;
    search->high = mtu;
    plpmtud_search(search, true);
    return true;
}

bool tcpip__plpmtud_shrink(struct plpmtud *search, const struct plpmtud_bounds *bounds)
{
    uint32_t size = search->low > bounds->base ? bounds->base : max_u32(search->low / 2, bounds->floor);
    search->probe_bytes = 0;
    if (size >= search->low)
        return false;
    search->low = size;
    search->doubted = true;
    plpmtud_search(search, false);
    return true;
}

bool tcpip__plpmtud_confirm(struct plpmtud *search)
{
    bool first = search->doubted;
    search->doubted = false;
    return first;
}
