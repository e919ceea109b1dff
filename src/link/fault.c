// SPDX-License-Identifier: MIT
/* fault.c: a bad line, the same each time: loss, bursts, duplication, corruption, delay, jitter, reordering, a rate.
 *
 * Each direction is a line of its own with its own generator, so that what happens in one never changes what happens in
 * the other. A packet meets, in this order:
 *
 *   down, too long -> burst (Gilbert's two states) -> loss -> corruption -> duplication -> queue, mark and rate ->
 * delay, jitter, reorder
 *
 * The rate is a clock, not a bucket: `line_free_at` is when the packet before has been sent, this one is sent
 * length * 8 / rate later. What waits for the line is therefore (line_free_at - now) * rate / 8 bytes, and nothing
 * needs counting for the tail drop. After the line come delay and jitter; packets keep their order in spite of jitter,
 * except those that are chosen to be late. Both kinds are in order among themselves, so two FIFOs and a merge replace a
 * sorted queue: everything here is O(1). A packet's due instant is kept in packet->at.
 *
 * Faults are to hit real packets: the link offers no segmentation and no checksum offload, whatever the lower link can
 * do, so that what comes down are packets as on a wire, with complete checksums. A super-packet that the lower link
 * delivers is one packet here. A packet to be corrupted is copied first (others may hold its buffers) and loses its
 * checksum offload: a PARTIAL sum is completed and a VERIFIED one forgotten before the bit flips, or nobody would
 * notice.
 *
 * Owns:        packets under way.
 * Invariants:  a line's timer is armed exactly while packets are under way on it, for the first that is due; each
 * FIFO's due instants never fall.
 */
#include "base/assert.h"
#include "base/math.h"
#include "base/rng.h"
#include "link/wrap.h"

#include <tcpip/header/checksum.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>
#include <tcpip/stack.h>

enum {
    FAULT_MILLION = 1000000,
    FAULT_QUEUE_BYTES = 1 << 20,
    FAULT_CE = 3, /* RFC 3168 5 */
};

static const uint64_t FAULT_IN_STREAM = 0x696e626f756e6421u; /* makes another seed for the inbound line */

struct fault;

struct fault_line {
    struct fault *fault;
    struct tcpip_fault_profile profile;
    struct tcpip_fault_counters counters;
    struct rng rng;
    struct tcpip_timer timer;
    struct tcpip_packet_list in_order, late; /* packet->at: not out before */
    tcpip_ns line_free_at;                   /* of the rate limit */
    bool in_burst;
    bool inbound;
};

struct fault {
    struct wrap wrap;
    struct fault_line out, in;
};

static struct fault *fault_of(const struct tcpip_link *link)
{
    return container_of(link, struct fault, wrap.link);
}

/* True in `ppm` of a million cases. Draws nothing for never, so that a fault that is off doesn't move the others. */
static bool chance(struct rng *rng, uint32_t ppm)
{
    return ppm != 0 && rng_below(rng, FAULT_MILLION) < ppm;
}

/* ---- losing and damaging ---- */

/* Bytes of a packet on the wire; of a super-segment (only what comes in may be one), of its first segment. */
static uint32_t wire_bytes(struct tcpip_packet *packet)
{
    if (packet->gso_size == 0)
        return packet->length;
    const uint8_t *front = tcpip_packet_pull(packet, 0, TCPIP_IPV6_HEADER_BYTES + TCPIP_TCP_HEADER_MIN);
    if (front == NULL)
        return packet->length;
    uint32_t ip_bytes =
        front[0] >> 4 == 4 ? (uint32_t)tcpip_ipv4_header_bytes(front) : (uint32_t)TCPIP_IPV6_HEADER_BYTES;
    const uint8_t *tcp = tcpip_packet_pull(packet, ip_bytes, TCPIP_TCP_HEADER_MIN);
    return tcp != NULL ? ip_bytes + (uint32_t)tcpip_tcp_header_bytes(tcp) + packet->gso_size : packet->length;
}

static bool line_loses(struct fault_line *line, struct tcpip_packet *packet)
{
    const struct tcpip_fault_profile *profile = &line->profile;
    if (profile->down || (profile->mtu != 0 && wire_bytes(packet) > profile->mtu))
        return true;
    if (line->in_burst)
        line->in_burst = !chance(&line->rng, profile->burst_leave_ppm);
    else
        line->in_burst = chance(&line->rng, profile->burst_enter_ppm);
    return line->in_burst || chance(&line->rng, profile->loss_ppm);
}

/* Puts the finished checksum where its field is, in a packet of one piece. False: the field lies outside. */
static bool finish_checksum(struct tcpip_packet *packet)
{
    uint32_t start = packet->checksum_start;
    uint8_t *field = tcpip_packet_pull(packet, start + packet->checksum_offset, 2);
    if (field == NULL)
        return false;
    uint16_t sum = tcpip_packet_checksum(packet, start, packet->length - start, 0);
    tcpip_store_u16(field, tcpip_checksum_finish_at(sum, packet->checksum_offset));
    return true;
}

/* The packet with one bit of one byte flipped, in storage of its own. NULL: out of memory, the packet is lost. */
static struct tcpip_packet *corrupt(struct fault_line *line, struct tcpip_packet *packet)
{
    if (packet->length == 0)
        return packet;
    struct tcpip_packet *copy = tcpip_packet_copy(line->fault->wrap.link.stack, packet);
    if (copy == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        line->counters.lost++;
        return NULL;
    }
    tcpip_packet_free(packet);
    if (copy->checksum == TCPIP_CHECKSUM_PARTIAL && !finish_checksum(copy))
        return copy; /* malformed already */
    copy->checksum = TCPIP_CHECKSUM_NONE;
    uint8_t *byte = tcpip_packet_pull(copy, rng_below(&line->rng, copy->length), 1);
    ASSERT(byte != NULL);
    *byte ^= (uint8_t)(1u << rng_below(&line->rng, 8));
    line->counters.corrupted++;
    return copy;
}

/* ---- queueing and delaying ---- */

/* Marks an ECN-capable packet that begins with an IP header, in storage of its own; NULL: out of memory, it is lost. */
static struct tcpip_packet *mark(struct fault_line *line, struct tcpip_packet *packet)
{
    bool v4 = packet->link_protocol == TCPIP_PROTOCOL_IPV4;
    const uint8_t *front = tcpip_packet_pull(packet, 0, v4 ? TCPIP_IPV4_HEADER_MIN : TCPIP_IPV6_HEADER_BYTES);
    if (front == NULL || (!v4 && packet->link_protocol != TCPIP_PROTOCOL_IPV6) || front[0] >> 4 != (v4 ? 4 : 6))
        return packet;
    uint8_t tos = v4 ? tcpip_ipv4_tos(front) : tcpip_ipv6_traffic_class(front);
    if ((tos & FAULT_CE) == 0 || (tos & FAULT_CE) == FAULT_CE)
        return packet;
    struct tcpip_packet *copy = tcpip_packet_copy(line->fault->wrap.link.stack, packet);
    if (copy == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
        line->counters.lost++;
        return NULL;
    }
    tcpip_packet_free(packet);
    line->counters.marked++;
    uint32_t bytes = v4 ? TCPIP_IPV4_HEADER_MIN : TCPIP_IPV6_HEADER_BYTES;
    uint8_t *header = tcpip_packet_pull(copy, 0, bytes);
    if (v4 && (bytes = (uint32_t)tcpip_ipv4_header_bytes(header)) > TCPIP_IPV4_HEADER_MIN)
        header = tcpip_packet_pull(copy, 0, bytes);
    if (header == NULL)
        return copy;
    if (!v4) {
        tcpip_ipv6_set_traffic_class(header, tos | FAULT_CE);
        return copy;
    }
    header[1] = tos | FAULT_CE;
    tcpip_ipv4_checksum_set(header);
    return copy;
}

/* Where the packet's last bit has left the line, in *at. False: the queue before the line is full. */
static bool line_send(struct fault_line *line, uint32_t bytes, tcpip_ns now, tcpip_ns *at, bool *crowded)
{
    uint64_t rate = line->profile.rate_bps;
    *at = now;
    *crowded = false;
    if (rate == 0)
        return true;
    uint32_t limit = line->profile.queue_bytes != 0 ? line->profile.queue_bytes : FAULT_QUEUE_BYTES;
    tcpip_ns start = max_i64(now, line->line_free_at);
    uint64_t waiting = tcpip__muldiv_u64((uint64_t)(start - now), rate, 8 * (uint64_t)TCPIP_SECOND);
    if (waiting > 0 && sat_add_u64(waiting, bytes) > limit)
        return false;
    *crowded = line->profile.mark_queue_bytes != 0 && waiting > line->profile.mark_queue_bytes;
    line->line_free_at = ns_add(start, (tcpip_ns)((uint64_t)bytes * 8 * (uint64_t)TCPIP_SECOND / rate));
    *at = line->line_free_at;
    return true;
}

/* On the line, to come out at its time; takes the packet. */
static void line_put(struct fault_line *line, struct tcpip_packet *packet, tcpip_ns now)
{
    const struct tcpip_fault_profile *profile = &line->profile;
    tcpip_ns at;
    bool crowded;
    if (!line_send(line, packet->length, now, &at, &crowded)) {
        line->counters.queue_dropped++;
        tcpip_packet_drop(packet, TCPIP_DROP_QUEUE_FULL);
        return;
    }
    if ((crowded || chance(&line->rng, profile->mark_ppm)) && (packet = mark(line, packet)) == NULL)
        return;
    at = ns_add(at, profile->delay_ns);
    if (profile->jitter_ns > 0)
        at = ns_add(at, rng_between(&line->rng, 0, profile->jitter_ns));
    if (chance(&line->rng, profile->reorder_ppm)) {
        line->counters.reordered++;
        packet->at = ns_add(at, profile->reorder_ns);
        tcpip_packet_list_push(&line->late, packet);
    } else {
        packet->at = at;
        tcpip_packet_list_push(&line->in_order, packet);
    }
}

static void line_take(struct fault_line *line, struct tcpip_packet *packet, tcpip_ns now)
{
    if (line_loses(line, packet)) {
        line->counters.lost++;
        tcpip_packet_drop(packet, TCPIP_DROP_FAULT_INJECTED);
        return;
    }
    if (chance(&line->rng, line->profile.corrupt_ppm)) {
        packet = corrupt(line, packet);
        if (packet == NULL)
            return;
    }
    struct tcpip_packet *twin = NULL;
    if (chance(&line->rng, line->profile.duplicate_ppm))
        twin = tcpip_packet_clone(packet);
    line_put(line, packet, now);
    if (twin != NULL) {
        line->counters.duplicated++;
        line_put(line, twin, now);
    }
}

/* ---- coming out ---- */

/* The FIFO whose first packet is due first; NULL: both are empty. Behind it may be packets that are due before it: they
 * come out with it, which is how order survives jitter. */
static struct tcpip_packet_list *line_first(struct fault_line *line)
{
    const struct tcpip_packet *in_order = line->in_order.head, *late = line->late.head;
    if (in_order == NULL)
        return late != NULL ? &line->late : NULL;
    return late != NULL && late->at < in_order->at ? &line->late : &line->in_order;
}

/* Hands on what is due and arms the timer for what isn't. */
static void line_run(struct fault_line *line, tcpip_ns now)
{
    struct fault *fault = line->fault;
    struct tcpip_packet_list due = tcpip_packet_list_init();
    struct tcpip_packet_list *first;
    while ((first = line_first(line)) != NULL && first->head->at <= now) {
        struct tcpip_packet *packet = tcpip_packet_list_pop(first);
        packet->at = 0;
        tcpip_packet_list_push(&due, packet);
    }
    if (first != NULL)
        tcpip_timer_set(fault->wrap.link.stack, &line->timer, first->head->at);
    else if (tcpip_timer_armed(&line->timer))
        tcpip_timer_cancel(fault->wrap.link.stack, &line->timer);
    if (due.count == 0)
        return;
    line->counters.passed += due.count;
    if (line->inbound)
        tcpip_link_deliver(&fault->wrap.link, &due);
    else
        tcpip__wrap_send(&fault->wrap, &due);
}

static void line_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    line_run(container_of(timer, struct fault_line, timer), now);
}

/* A burst ends with the profile that has bursts. */
static void line_set(struct fault_line *line, const struct tcpip_fault_profile *profile)
{
    line->profile = *profile;
    line->in_burst = line->in_burst && profile->burst_enter_ppm != 0;
}

static void line_init(struct fault_line *line, struct fault *fault, uint64_t seed, bool inbound)
{
    line->fault = fault;
    line->inbound = inbound;
    line->timer.fn = line_timer;
    rng_init(&line->rng, seed);
}

static void line_clear(struct fault_line *line)
{
    if (tcpip_timer_armed(&line->timer))
        tcpip_timer_cancel(line->fault->wrap.link.stack, &line->timer);
    tcpip__link_drop_all(&line->in_order, TCPIP_DROP_NIC_REMOVED);
    tcpip__link_drop_all(&line->late, TCPIP_DROP_NIC_REMOVED);
    line->line_free_at = 0; /* whose stack comes next may have another clock */
}

/* ---- the link ---- */

static void fault_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    struct tcpip_link *lower = fault_of(link)->wrap.lower;
    lower->ops->capabilities(lower, out);
    out->flags &= ~(uint32_t)(TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_USO);
    out->gso_max_bytes = 0;
}

static void fault_detach(struct tcpip_link *link)
{
    struct fault *fault = fault_of(link);
    line_clear(&fault->out);
    line_clear(&fault->in);
    tcpip__wrap_detach(link);
}

static size_t fault_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct fault *fault = fault_of(link);
    size_t offered = packets->count;
    if (offered == 0 || !wrap_ready(&fault->wrap))
        return 0;
    tcpip_ns now = tcpip_stack_now(link->stack);
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;)
        line_take(&fault->out, packet, now);
    line_run(&fault->out, now);
    return offered;
}

static void fault_deliver(struct tcpip_link_upper *below, struct tcpip_packet_list *packets)
{
    struct fault *fault = container_of(below, struct fault, wrap.below);
    tcpip_ns now = tcpip_stack_now(fault->wrap.link.stack);
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;)
        line_take(&fault->in, packet, now);
    line_run(&fault->in, now);
}

static const struct tcpip_link_ops fault_ops = {
    .name = "fault",
    .capabilities = fault_capabilities,
    .attach = tcpip__wrap_attach,
    .detach = fault_detach,
    .transmit = fault_transmit,
};

struct tcpip_link *tcpip_fault_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                   const struct tcpip_fault_options *options)
{
    struct fault *fault = tcpip__link_alloc(env, sizeof(*fault));
    if (fault == NULL)
        return NULL;
    struct tcpip_fault_options given = {0};
    tcpip__link_options(env, &given, sizeof(given), options);
    tcpip__wrap_init(&fault->wrap, env, &fault_ops, lower, fault_deliver);
    line_init(&fault->out, fault, given.seed, false);
    line_init(&fault->in, fault, given.seed ^ FAULT_IN_STREAM, true);
    tcpip_fault_set(&fault->wrap.link, &given.out, &given.in);
    return &fault->wrap.link;
}

void tcpip_fault_free(struct tcpip_link *link)
{
    struct fault *fault = fault_of(link);
    ASSERT_ENV(&fault->wrap.env, link->stack == NULL);
    tcpip__link_free(&fault->wrap.env, fault, sizeof(*fault));
}

void tcpip_fault_set(struct tcpip_link *link, const struct tcpip_fault_profile *out,
                     const struct tcpip_fault_profile *in)
{
    struct fault *fault = fault_of(link);
    if (out != NULL)
        line_set(&fault->out, out);
    if (in != NULL)
        line_set(&fault->in, in);
}

void tcpip_fault_get_counters(const struct tcpip_link *link, struct tcpip_fault_counters *out,
                              struct tcpip_fault_counters *in)
{
    const struct fault *fault = fault_of(link);
    if (out != NULL)
        *out = fault->out.counters;
    if (in != NULL)
        *in = fault->in.counters;
}
