// SPDX-License-Identifier: MIT
/* puppet.c: handshakes with raw packets, and the numbers that follow from them.
 *
 * Owns:     the puppets.
 * Not here: what they do once they are connected (hoard.c, segment.c). */
#include "puppet.h"

#include <stdlib.h>

enum { PUPPET_PORT = 5000 };

static void puppet_hear(struct bench *bench, const struct seen *seen)
{
    struct puppets *puppets = bench->options.ctx;
    uint32_t i = (uint32_t)(seen->to.b[14] << 8 | seen->to.b[15]);
    if (seen->protocol != 6 || seen->destination != PUPPET_PORT || i >= puppets->count)
        return;
    struct puppet *puppet = &puppets->all[i];
    uint32_t numbers = seen->payload + ((seen->flags & TCPIP_TCP_SYN) != 0) + ((seen->flags & TCPIP_TCP_FIN) != 0);
    if ((seen->flags & TCPIP_TCP_RST) != 0) {
        puppet->gone = true;
        return;
    }
    if ((seen->flags & TCPIP_TCP_SYN) != 0 && !puppet->open) {
        puppet->ack = puppet->heard = seen->seq;
        puppet->open = true;
    }
    puppet->gone = puppet->gone || (seen->flags & TCPIP_TCP_FIN) != 0;
    if ((int32_t)(seen->seq + numbers - puppet->heard) > 0)
        puppet->heard = seen->seq + numbers;
    puppet->una = seen->ack;
    puppet->segments++;
    puppet->bytes += seen->payload;
    if (seen->payload > 1 && (puppet->least == 0 || seen->payload < puppet->least))
        puppet->least = seen->payload;
    if (puppets->heard != NULL)
        puppets->heard(bench, puppet, seen);
}

void puppets_begin(struct bench *bench, struct puppets *puppets, uint32_t count, const struct bench_options *options)
{
    struct bench_options complete = *options;
    complete.on_out = puppet_hear;
    complete.ctx = puppets;
    puppets->count = count;
    puppets->all = calloc(count, sizeof(*puppets->all));
    if (puppets->all == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++)
        puppets->all[i].from = ip4(99, 0, (uint8_t)(i >> 8), (uint8_t)i);
    bench_begin(bench, &complete);
}

void puppets_end(struct bench *bench, struct puppets *puppets)
{
    puppets->heard = NULL;
    bench_end(bench);
    free(puppets->all);
}

static void puppet_write(struct bench *bench, struct puppet *puppet, struct segment *segment)
{
    segment->from = puppet->from;
    segment->to = bench_victim(bench);
    segment->source = PUPPET_PORT;
    segment->destination = puppet->to_port;
    segment->window = puppet->window;
    segment->ack = segment->flags & TCPIP_TCP_ACK ? puppet->ack : 0;
    puppet->sent++;
    bench_attack_tcp(bench, segment);
}

void puppet_send(struct bench *bench, struct puppet *puppet, uint16_t flags, uint32_t seq, uint32_t bytes)
{
    struct segment segment = {.flags = flags, .seq = seq, .bytes = bytes};
    puppet_write(bench, puppet, &segment);
}

void puppet_send_options(struct bench *bench, struct puppet *puppet, uint32_t seq,
                         const struct tcpip_tcp_options *options)
{
    struct segment segment = {.flags = TCPIP_TCP_ACK, .seq = seq, .options = *options};
    puppet_write(bench, puppet, &segment);
}

void puppet_ack(struct bench *bench, struct puppet *puppet)
{
    puppet->ack = puppet->heard;
    puppet_send(bench, puppet, TCPIP_TCP_ACK, puppet->seq, 0);
}

void puppet_call(struct bench *bench, struct puppet *puppet, uint16_t port, uint16_t window,
                 const struct tcpip_tcp_options *options)
{
    struct segment syn = {.flags = TCPIP_TCP_SYN, .seq = 999, .options = {.present = TCPIP_TCP_HAS_MSS, .mss = 1460}};
    puppet->to_port = port;
    puppet->window = window;
    puppet->seq = 1000;
    if (options != NULL)
        syn.options = *options;
    puppet_write(bench, puppet, &syn);
    if (puppet->open)
        puppet_ack(bench, puppet);
}

static void puppet_call_one(struct bench *bench, uint32_t i)
{
    struct puppets *puppets = bench->options.ctx;
    puppet_call(bench, &puppets->all[i], puppets->all[i].to_port, puppets->all[i].window, NULL);
}

void puppets_call(struct bench *bench, struct puppets *puppets, uint16_t port, uint16_t window)
{
    for (uint32_t i = 0; i < puppets->count; i++) {
        puppets->all[i].to_port = port;
        puppets->all[i].window = window;
    }
    bench_flood(bench, puppets->count, 10000, puppet_call_one);
}
