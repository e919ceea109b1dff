// SPDX-License-Identifier: MIT
/* tcp_mtu.c: how large segments are: what the route, the peer, the application, ICMP and probes have to say of it.
 *
 *     route, peer's MSS, MAX_SEGMENT ----------------------------------------.
 *     ICMP: packet too big --> mtu_claim.c: believed? --> stack/pmtu.c: path --+--> most --> plpmtud.c --> snd_mss
 *     probes, timeouts in a row -------------------------------------------------------------^   |
 *                                                          other connections <-- stack/pmtu.c <--'
 *
 * Most connections have no search: their segments are what the path's entry, or the link, allows. It is made when
 * probing is always on, when timeouts in a row make full segments suspicious, or when another connection has found the
 * path's MTU by probing.
 *
 * When the size changes with data in flight nothing is done about those, unless a router or a timeout says that they
 * are lost: the scoreboard's records know what size they were sent in, and what goes again goes in the new one.
 *
 * The congestion window is in bytes and stays what it is: the path hasn't become wider or narrower.
 *
 * Owns:       tcp_endpoint.snd_mss, path_mtu, search.
 * Invariants: snd_mss is at least MIN_SEGMENT less options; one probe at a time, where RACK judges, outside of
 * recovery. Not here:   when data may be sent (tcp_send.c), how the search goes (plpmtud.c). */
#include "transport/tcp/tcp_mtu.h"

#include <tcpip/header/ipv6.h>

enum { PROBE_FOLLOWERS = 4 }; /* full segments behind a probe: enough for their ACKs to tell that it is lost */

static uint32_t tcp_headers(const uint8_t *remote)
{
    return (address_is_v4(remote) ? 20u : 40u) + TCPIP_TCP_HEADER_MIN;
}

uint16_t tcpip__tcp_advertised_mss(const struct tcpip_route *route, const uint8_t *remote, int64_t user_mss)
{
    /* RFC 6691: without options. A jumbogram's MTU doesn't fit the field. It is the link's MTU that counts, not the
     * path's: the way here may be another one (RFC 1191 3.1). */
    uint32_t overhead = tcp_headers(remote);
    uint32_t mss = route->mtu > overhead + TCP_MSS_MIN ? min_u32(route->mtu - overhead, 65535) : TCP_MSS_MIN;
    if (route->advmss != 0)
        mss = min_u32(mss, max_u32(route->advmss, TCP_MSS_MIN));
    if (user_mss > 0 && (uint64_t)user_mss < mss)
        mss = (uint32_t)user_mss;
    return (uint16_t)mss;
}

/* ---- the search ---- */

static void search_bounds(const struct tcp_endpoint *ep, struct plpmtud_bounds *out)
{
    uint32_t overhead = tcp_headers(ep->demux->flow.remote);
    uint32_t least = tcp_is_v4(ep) ? 0 : TCPIP_IPV6_MTU_MIN; /* no IPv6 path carries less */
    out->base = max_u32((uint32_t)tcp_option(ep, TCPIP_OPTION_PLPMTUD_BASE) + overhead, least);
    out->floor = min_u32(max_u32((uint32_t)tcp_option(ep, TCPIP_OPTION_PLPMTUD_FLOOR) + overhead, least), out->base);
    out->threshold = (uint32_t)tcp_option(ep, TCPIP_OPTION_PLPMTUD_THRESHOLD);
    out->interval_ns = tcp_option(ep, TCPIP_OPTION_PLPMTUD_INTERVAL);
}

void tcpip__tcp_search_free(struct tcp_endpoint *ep)
{
    if (ep->search == NULL)
        return;
    if (ep->hot != NULL && ep->search->probe_bytes != 0)
        tcpip__scoreboard_forget_probe(&ep->hot->board, ep->search->probe_start);
    tcpip__pool_put(&tcp_stack_of(ep->base->stack)->searches, ep->search);
    ep->search = NULL;
}

/* May this connection probe? Where routers may fragment, a probe tells nothing. */
static bool search_allowed(const struct tcp_endpoint *ep)
{
    return tcp_option(ep, TCPIP_OPTION_PLPMTUD) != PLPMTUD_OFF && tcp_dont_fragment(ep) && ep->route.nic != NULL &&
           ep->route.kind == ROUTE_UNICAST;
}

static bool search_begin(struct tcp_endpoint *ep, uint32_t low, uint32_t most)
{
    if (ep->search == NULL)
        ep->search = tcpip__pool_get(&tcp_stack_of(ep->base->stack)->searches);
    if (ep->search == NULL)
        return false; /* without memory: as if it were off */
    tcpip__plpmtud_init(ep->search, low, most);
    return true;
}

/* The largest packet that the route, the peer and the application allow; and ICMP, but not other connections' probes:
 * those are repeated from time to time. */
static uint32_t search_most(const struct tcp_endpoint *ep, const struct path_mtu *path)
{
    uint32_t overhead = tcp_headers(ep->demux->flow.remote);
    uint32_t most = path->probed || tcp_whole_route(ep) ? ep->route.mtu : path->mtu;
    int64_t user = tcp_option(ep, TCPIP_OPTION_MAX_SEGMENT);
    most = min_u32(most, ep->peer_mss + overhead);
    return user > 0 ? min_u32(most, (uint32_t)user + overhead) : most;
}

/* What packets may be, as the search has it; without one, `mtu`. */
static uint32_t search_mtu(struct tcp_endpoint *ep, const struct path_mtu *path, uint32_t mtu)
{
    if (ep->search == NULL && tcp_option(ep, TCPIP_OPTION_PLPMTUD) != PLPMTUD_ALWAYS && !path->probed)
        return mtu;
    if (!search_allowed(ep)) {
        tcpip__tcp_search_free(ep);
        return mtu;
    }
    struct plpmtud_bounds bounds;
    uint32_t most = search_most(ep, path);
    search_bounds(ep, &bounds);
    if (ep->search == NULL) {
        uint32_t low = path->probed ? path->mtu : max_u32(path->proven, min_u32(bounds.base, most));
        if (!search_begin(ep, low, most))
            return mtu;
        if (path->probed)
            tcpip__plpmtud_rest(ep->search, ns_add(tcpip__stack_now(ep->base->stack), bounds.interval_ns));
        return ep->search->low;
    }
    tcpip__plpmtud_allow(ep->search, most);
    if (path->proven > ep->search->low)
        tcpip__plpmtud_told(ep->search, path->proven);
    return ep->search->low;
}

bool tcpip__tcp_update_mss(struct tcp_endpoint *ep)
{
    const uint8_t *remote = ep->demux->flow.remote;
    uint32_t overhead = tcp_headers(remote), before = ep->snd_mss;
    uint32_t least = (uint32_t)tcp_option(ep, TCPIP_OPTION_MIN_SEGMENT);
    struct path_mtu path = {.mtu = overhead + TCP_MSS_DEFAULT_V4};
    if (ep->route.nic != NULL)
        tcpip__pmtu_look(&ep->route, remote, &path);
    ep->path_mtu = path.mtu;
    ep->path_narrow = path.narrow;
    uint32_t mtu = ep->route.nic != NULL && tcp_whole_route(ep) ? ep->route.mtu : path.mtu;
    mtu = search_mtu(ep, &path, mtu);
    uint32_t mss = mtu > overhead + TCP_MSS_MIN ? mtu - overhead : TCP_MSS_MIN;
    mss = min_u32(mss, ep->peer_mss);
    int64_t user = tcp_option(ep, TCPIP_OPTION_MAX_SEGMENT);
    if (user > 0 && (uint64_t)user < mss)
        mss = (uint32_t)user;
    mss = max_u32(mss, least) - ep->options_bytes;
    ep->snd_mss = (uint16_t)mss;
    ep->congestion.mss = mss;
    ep->congestion.cwnd = max_u32(ep->congestion.cwnd, mss); /* one segment may always go */
    if (mss == before)
        return false;
    if (ep->hot != NULL) {
        ep->hot->board.segment_bytes = (uint16_t)mss;
        tcpip__mtu_claim_resized(&ep->hot->mtu_claim, before, mss, ep->snd_nxt);
    }
    return true;
}

/* Tells other connections what was found out. `limit`: and that more doesn't get through. */
static void search_tell(struct tcp_endpoint *ep, bool limit)
{
    if (ep->route.nic != NULL)
        tcpip__pmtu_probed(&ep->route, ep->demux->flow.remote, ep->search->low, limit);
}

/* ---- probes ---- */

/* Is there enough to send behind it, and room for all? If windows that are large enough are full now, it is worth
 * waiting for what is in flight to be acknowledged: a flow that always fills them would never probe. */
static enum probe_turn probe_turn(const struct tcp_endpoint *ep, uint32_t bytes)
{
    uint32_t needed = bytes + PROBE_FOLLOWERS * (uint32_t)ep->snd_mss, unsent = tcp_unsent(ep);
    uint32_t outstanding = seq_size(ep->snd_una, ep->snd_nxt);
    if (unsent < needed || ep->snd_wnd < needed || ep->congestion.cwnd < needed ||
        tcpip__send_queue_record(&ep->send_queue, outstanding, unsent) < bytes)
        return PROBE_NOT_NOW;
    if (sat_sub_u32(ep->snd_wnd, outstanding) < needed)
        return outstanding > 0 ? PROBE_AWAITS_WINDOW : PROBE_NOT_NOW;
    if (sat_sub_u32(ep->congestion.cwnd, tcp_in_flight(ep)) < bytes)
        return outstanding > 0 ? PROBE_AWAITS_CWND : PROBE_NOT_NOW;
    return PROBE_GOES;
}

/* Nothing else that would blur what its ACK, or the lack of one, says. */
static bool probe_is_undisturbed(const struct tcp_endpoint *ep)
{
    const struct tcp_hot *hot = ep->hot;
    return hot == NULL || (hot->recovery.state == TCPIP_TCP_OPEN && hot->board.sacked_bytes == 0 &&
                           hot->board.lost_bytes == 0 && !hot->tlp.outstanding);
}

enum probe_turn tcpip__tcp_probe_turn(struct tcp_endpoint *ep, uint32_t *bytes)
{
    struct plpmtud *search = ep->search;
    struct plpmtud_bounds bounds;
    tcpip_ns now = tcpip__stack_now(ep->base->stack);
    if (search->probe_bytes != 0 || search->doubted || (search->complete && now < search->again_at))
        return PROBE_NOT_NOW;
    if (!tcp_rack(ep)) {
        /* Which segment is lost can't be told: back to what the route says, after a while. */
        if (search->complete) {
            tcpip__tcp_search_free(ep);
            (void)tcpip__tcp_update_mss(ep);
        } else {
            tcpip__plpmtud_rest(search, ns_add(now, tcp_option(ep, TCPIP_OPTION_PLPMTUD_INTERVAL)));
        }
        return PROBE_NOT_NOW;
    }
    uint32_t headers = tcp_headers(ep->demux->flow.remote) + ep->options_bytes;
    if (!probe_is_undisturbed(ep))
        return PROBE_NOT_NOW;
    search_bounds(ep, &bounds);
    uint32_t size = tcpip__plpmtud_next(search, &bounds, now);
    if (search->complete)
        search_tell(ep, search->low < search->most);
    if (size <= headers)
        return PROBE_NOT_NOW;
    *bytes = size - headers;
    return probe_turn(ep, *bytes);
}

void tcpip__tcp_probe_sent(struct tcp_endpoint *ep, seqnum start, uint32_t bytes)
{
    uint32_t size = bytes + tcp_headers(ep->demux->flow.remote) + ep->options_bytes;
    if (!tcpip__scoreboard_mark_probe(&ep->hot->board, start, bytes))
        return; /* less went than was wanted, or it shares a record: a segment like any other */
    tcpip__plpmtud_sent(ep->search, size, start, ep->snd_nxt);
    tcp_stats(ep)->mtu_probes_sent++;
    EVENT(ep->base->stack, TCP_MTU_PROBE, ep->base->id, size, ep->search->low, ep->search->high, 0);
}

bool tcpip__tcp_probe_judge(struct tcp_endpoint *ep, struct tcp_ack *facts)
{
    struct plpmtud *search = ep->search;
    struct scoreboard *board = &ep->hot->board;
    if (search->probe_bytes != 0) {
        enum record_fate fate = tcpip__scoreboard_fate(board, ep->snd_una, search->probe_start, search->probe_end);
        if (fate == RECORD_ARRIVED) {
            tcpip__plpmtud_arrived(search);
            tcp_stats(ep)->mtu_probes_arrived++;
            search_tell(ep, false);
            (void)tcpip__tcp_update_mss(ep);
        } else if (fate == RECORD_IS_LOST && tcpip__scoreboard_only_probe_lost(board) &&
                   !recovery_active(&ep->hot->recovery)) {
            facts->lost = sat_sub_u32(facts->lost, seq_size(search->probe_start, search->probe_end));
            tcpip__plpmtud_lost(search);
            tcp_stats(ep)->mtu_probes_lost++;
        } else if (fate == RECORD_IS_LOST || seq_gt(ep->snd_una, search->probe_start)) {
            tcpip__scoreboard_forget_probe(board, search->probe_start);
            tcpip__plpmtud_forget(search);
        }
    }
    return board->lost_bytes > 0 && tcpip__scoreboard_only_probe_lost(board);
}

void tcpip__tcp_probe_forget(struct tcp_endpoint *ep, struct record *record)
{
    if (ep->search != NULL && ep->search->probe_bytes != 0 && seq_eq(ep->search->probe_start, record->seq))
        tcpip__plpmtud_forget(ep->search);
    record->flags &= (uint8_t)~RECORD_PROBE;
}

/* ---- what ICMP says ---- */

/* True: segments are smaller now. */
static bool mtu_lowered(struct tcp_endpoint *ep, uint32_t mtu)
{
    uint32_t now_mtu = tcpip__pmtu_lower(ep->base->stack, ep->route.nic->id, ep->demux->flow.remote, mtu);
    EVENT(ep->base->stack, PMTU, ep->base->id, now_mtu, 0, 0, 0);
    return tcpip__tcp_update_mss(ep);
}

/* About a probe: its size is all that was wrong with it. */
static bool probe_too_big(struct tcp_endpoint *ep, uint32_t mtu, seqnum quoted)
{
    struct plpmtud *search = ep->search;
    if (search == NULL || search->probe_bytes == 0 || !seq_eq(quoted, search->probe_start))
        return false;
    seqnum start = search->probe_start;
    if (!tcpip__plpmtud_too_big(search, mtu))
        return false;
    tcp_stats(ep)->mtu_probes_lost++;
    tcpip__scoreboard_mark_segment_lost(&ep->hot->board, start);
    endpoint_mark_dirty(ep->base);
    return true;
}

void tcpip__tcp_packet_too_big(struct tcp_endpoint *ep, uint32_t mtu, seqnum quoted)
{
    int64_t mode = tcp_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY);
    if (mode >= TCPIP_PATH_MTU_INTERFACE || !tcpip__tcp_route(ep))
        return;
    if (ep->state == TCPIP_TCP_SYN_SENT) {
        (void)tcpip__pmtu_lower(ep->base->stack, ep->route.nic->id, ep->demux->flow.remote, mtu);
        /* Its data made the SYN too big: one without goes at once, and counts as the timer's. */
        if (ep->syn_data && ep->retransmit_count == 0)
            tcpip__tcp_timers_syn_again(ep);
        return;
    }
    if (ep->hot == NULL || ep->hot->board.count == 0 || probe_too_big(ep, mtu, quoted))
        return;
    uint32_t headers = tcp_headers(ep->demux->flow.remote) + ep->options_bytes;
    switch (tcpip__mtu_claim_judge(&ep->hot->mtu_claim, mtu, quoted, headers, ep->snd_mss + headers)) {
    case MTU_REFUSED:
        tcp_stats(ep)->mtu_claims_refused++;
        break;
    case MTU_WAITS:
        tcp_stats(ep)->mtu_claims_waited++;
        break;
    case MTU_BELIEVED:
        /* What was sent in segments that were too big is lost; that is no sign of congestion, so cwnd stays. */
        if (mtu_lowered(ep, mtu)) {
            (void)tcpip__scoreboard_mark_all_lost(&ep->hot->board, false);
            endpoint_mark_dirty(ep->base);
        }
        break;
    }
}

/* ---- what time says ---- */

void tcpip__tcp_mtu_on_ack(struct tcp_endpoint *ep, const struct tcp_ack *facts, const struct record *newest)
{
    struct mtu_claim *claim = &ep->hot->mtu_claim;
    if (unlikely(claim->proven < ep->snd_mss) && newest != NULL && newest->length >= ep->snd_mss &&
        (newest->flags & RECORD_EVER_RETRANSMITTED) == 0)
        tcpip__mtu_claim_arrived(claim, newest->seq, ep->snd_mss);
    if (mtu_claim_contradicted(claim, ep->snd_una))
        tcp_stats(ep)->mtu_claims_contradicted++;
    if (unlikely(ep->search != NULL) && facts->acked > 0 && tcpip__plpmtud_confirm(ep->search))
        search_tell(ep, true);
}

/* A claim that waited for this; true: segments are smaller now. */
static bool claim_due(struct tcp_endpoint *ep)
{
    uint32_t mtu = tcpip__mtu_claim_due(&ep->hot->mtu_claim, ep->snd_una);
    return unlikely(mtu != 0) && tcpip__tcp_route(ep) && mtu_lowered(ep, mtu);
}

bool tcpip__tcp_mtu_on_silence(struct tcp_endpoint *ep)
{
    if (!claim_due(ep))
        return false;
    (void)tcpip__scoreboard_mark_all_lost(&ep->hot->board, false);
    return true;
}

/* Is what got lost in segments that the next smaller size would cut? */
static bool head_is_large(const struct tcp_endpoint *ep, const struct plpmtud_bounds *bounds)
{
    const struct record *head = ep->hot->board.first;
    uint32_t headers = tcp_headers(ep->demux->flow.remote) + ep->options_bytes;
    uint32_t size = ep->snd_mss + headers, next = size > bounds->base ? bounds->base : size / 2;
    uint32_t bytes = head->segment_bytes != 0 ? min_u32(head->length, head->segment_bytes) : head->length;
    return bytes + headers > next;
}

bool tcpip__tcp_mtu_on_timeout(struct tcp_endpoint *ep)
{
    struct plpmtud_bounds bounds;
    if (ep->search != NULL && ep->search->probe_bytes != 0) {
        tcpip__scoreboard_forget_probe(&ep->hot->board, ep->search->probe_start);
        tcpip__plpmtud_forget(ep->search);
    }
    if (claim_due(ep))
        return true;
    if (ep->retransmit_count < PLPMTUD_TIMEOUTS || !tcpip__tcp_route(ep) || !search_allowed(ep))
        return false;
    search_bounds(ep, &bounds);
    if (!head_is_large(ep, &bounds))
        return false;
    if (ep->search == NULL) {
        struct path_mtu path;
        tcpip__pmtu_look(&ep->route, ep->demux->flow.remote, &path);
        uint32_t most = search_most(ep, &path);
        if (!search_begin(ep, most, most))
            return false;
    }
    if (!tcpip__plpmtud_shrink(ep->search, &bounds))
        return false;
    tcp_stats(ep)->mtu_black_holes++;
    EVENT(ep->base->stack, TCP_BLACK_HOLE, ep->base->id, ep->search->low, ep->search->high, ep->retransmit_count, 0);
    return tcpip__tcp_update_mss(ep);
}
