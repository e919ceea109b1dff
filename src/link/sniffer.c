// SPDX-License-Identifier: MIT
/* sniffer.c: shows what passes through a link, as a capture file or as lines of text.
 *
 * A packet is shown when it is handed on: outbound before the lower link has it, inbound before what is above has it,
 * so that a reply never stands before its question. What the lower link cannot take yet is held (wrap.c), not left, or
 * it would be shown twice.
 *
 * A packet whose checksum is left to the link (PARTIAL) is shown with the checksum that it will have, so that readers
 * of the file don't suspect each one. Super-segments are shown whole, as they passed.
 *
 * Invariants:  the packets that pass are not changed.
 * Not here:    files (the program's write callback), formats (header/pcapng.c, header/print.c).
 */
#include "base/assert.h"
#include "base/math.h"
#include "link/wrap.h"

#include <string.h>
#include <tcpip/header/checksum.h>
#include <tcpip/header/pcapng.h>
#include <tcpip/header/print.h>
#include <tcpip/stack.h>

enum {
    SNIFFER_FRONT = 256, /* headers: what is printed from, and where the checksum field is looked for */
    SNIFFER_NAME = 64,
    SNIFFER_COMMENT = 200,
    SNIFFER_BLOCK = 512, /* section and interface blocks; a packet's tail: options around a comment */
    SNIFFER_LINE = TCPIP_PACKET_TEXT_MAX + SNIFFER_COMMENT + 64,
};

struct sniffer {
    struct wrap wrap;
    struct tcpip_sniffer_options options;
    bool begun; /* the file has its section and interface blocks */
    char name[SNIFFER_NAME + 1];
    char comment[SNIFFER_COMMENT + 1]; /* for the next packet; empty: none */
};

static struct sniffer *sniffer_of(struct tcpip_link *link)
{
    return container_of(link, struct sniffer, wrap.link);
}

static void copy_text(char *to, size_t max, const char *from)
{
    size_t n = 0;
    while (from != NULL && n < max && from[n] != '\0')
        n++;
    if (n > 0)
        memcpy(to, from, n);
    to[n] = '\0';
}

static void emit(const struct sniffer *sniffer, const void *bytes, size_t size)
{
    if (size > 0)
        sniffer->options.write(sniffer->options.ctx, bytes, size);
}

/* ---- as pcapng ---- */

static void begin_file(struct sniffer *sniffer)
{
    uint8_t block[SNIFFER_BLOCK];
    uint16_t linktype = sniffer->options.ethernet ? TCPIP_LINKTYPE_ETHERNET : TCPIP_LINKTYPE_RAW;
    sniffer->begun = true;
    if (sniffer->options.text)
        return;
    emit(sniffer, block, tcpip_pcapng_section_encode(block, sizeof(block), "tcpip"));
    emit(sniffer, block,
         tcpip_pcapng_interface_encode(block, sizeof(block), linktype, sniffer->options.snap_bytes, sniffer->name));
}

/* The packet's bytes [offset, end), piece by piece as they lie. */
static void emit_rest(const struct sniffer *sniffer, const struct tcpip_packet *packet, uint32_t offset, uint32_t end)
{
    uint8_t chunk[SNIFFER_BLOCK];
    while (offset < end) {
        size_t part = tcpip_packet_copy_out(packet, offset, chunk, min_size(sizeof(chunk), end - offset));
        emit(sniffer, chunk, part);
        offset += (uint32_t)part;
    }
}

static void show_pcapng(const struct sniffer *sniffer, const struct tcpip_packet *packet, const uint8_t *front,
                        uint32_t front_bytes, tcpip_ns at, bool outbound)
{
    uint32_t snap = sniffer->options.snap_bytes;
    struct tcpip_pcapng_packet block = {
        .direction = outbound ? TCPIP_PCAPNG_OUTBOUND : TCPIP_PCAPNG_INBOUND,
        .at = at,
        .captured_bytes = snap != 0 ? min_u32(snap, packet->length) : packet->length,
        .original_bytes = packet->length,
        .comment = sniffer->comment[0] != '\0' ? sniffer->comment : NULL,
    };
    uint8_t buffer[SNIFFER_BLOCK];
    tcpip_pcapng_packet_head(buffer, &block);
    emit(sniffer, buffer, TCPIP_PCAPNG_PACKET_HEAD_BYTES);
    emit(sniffer, front, min_u32(front_bytes, block.captured_bytes));
    emit_rest(sniffer, packet, front_bytes, block.captured_bytes);
    emit(sniffer, buffer, tcpip_pcapng_packet_tail(buffer, sizeof(buffer), &block));
}

/* ---- as text ---- */

struct line {
    char text[SNIFFER_LINE];
    size_t length;
};

static void line_add(struct line *line, const char *text)
{
    for (; *text != '\0' && line->length < sizeof(line->text); text++)
        line->text[line->length++] = *text;
}

/* At least `digits` of them, zeroes in front. */
static void line_add_number(struct line *line, uint64_t number, uint32_t digits)
{
    char text[21];
    size_t at = sizeof(text) - 1;
    text[at] = '\0';
    for (; number > 0 || digits > 0; number /= 10) {
        text[--at] = (char)('0' + number % 10);
        if (digits > 0)
            digits--;
    }
    line_add(line, &text[at]);
}

/* "12.003456 Out IP 10.0.0.1.80 > ... # comment" */
static void show_text(const struct sniffer *sniffer, const struct tcpip_packet *packet, const uint8_t *front,
                      uint32_t front_bytes, tcpip_ns at, bool outbound)
{
    struct line line = {.length = 0};
    uint32_t first = sniffer->options.ethernet ? TCPIP_PRINT_ETHERNET : TCPIP_PRINT_IP;
    line_add_number(&line, (uint64_t)(at / TCPIP_SECOND), 1);
    line_add(&line, ".");
    line_add_number(&line, (uint64_t)(at % TCPIP_SECOND / TCPIP_US), 6);
    line_add(&line, outbound ? " Out " : " In  ");
    line.length += tcpip_packet_print_front(line.text + line.length, TCPIP_PACKET_TEXT_MAX, front, front_bytes,
                                            packet->length, first);
    if (sniffer->comment[0] != '\0') {
        line_add(&line, " # ");
        line_add(&line, sniffer->comment);
    }
    line_add(&line, "\n");
    emit(sniffer, line.text, line.length);
}

/* ---- what passes ---- */

/* Puts the checksum that the link will compute into the copied front, if its field lies there. */
static void complete_checksum(const struct tcpip_packet *packet, uint8_t *front, uint32_t front_bytes)
{
    uint32_t start = packet->checksum_start, field = start + packet->checksum_offset;
    if (packet->checksum != TCPIP_CHECKSUM_PARTIAL || field + 2 > front_bytes)
        return;
    uint16_t sum = tcpip_packet_checksum(packet, start, packet->length - start, 0);
    tcpip_store_u16(front + field, tcpip_checksum_finish_at(sum, packet->checksum_offset));
}

static void show(struct sniffer *sniffer, const struct tcpip_packet *packet, bool outbound)
{
    const struct tcpip_env *env = &sniffer->wrap.env;
    tcpip_ns at = tcpip_stack_now(sniffer->wrap.link.stack);
    uint8_t front[SNIFFER_FRONT];
    uint32_t front_bytes = (uint32_t)tcpip_packet_copy_out(packet, 0, front, sizeof(front));
    if (env->wall_offset != NULL)
        at = max_i64(0, ns_add(at, env->wall_offset(env->ctx)));
    complete_checksum(packet, front, front_bytes);
    if (sniffer->options.text)
        show_text(sniffer, packet, front, front_bytes, at, outbound);
    else
        show_pcapng(sniffer, packet, front, front_bytes, at, outbound);
    sniffer->comment[0] = '\0';
}

static size_t sniffer_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct sniffer *sniffer = sniffer_of(link);
    size_t offered = packets->count;
    while (packets->count > 0 && wrap_ready(&sniffer->wrap)) {
        struct tcpip_packet_list batch = tcpip_packet_list_init();
        while (packets->count > 0 && batch.count < WRAP_BATCH) {
            show(sniffer, packets->head, true);
            tcpip_packet_list_push(&batch, tcpip_packet_list_pop(packets));
        }
        tcpip__wrap_send(&sniffer->wrap, &batch);
    }
    return offered - packets->count;
}

static void sniffer_deliver(struct tcpip_link_upper *below, struct tcpip_packet_list *packets)
{
    struct sniffer *sniffer = container_of(below, struct sniffer, wrap.below);
    for (const struct tcpip_packet *packet = packets->head; packet != NULL; packet = packet->next)
        show(sniffer, packet, false);
    tcpip_link_deliver(&sniffer->wrap.link, packets);
}

static void sniffer_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    struct tcpip_link *lower = sniffer_of(link)->wrap.lower;
    lower->ops->capabilities(lower, out);
}

static enum tcpip_error sniffer_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                       struct tcpip_link_upper *upper)
{
    struct sniffer *sniffer = sniffer_of(link);
    if (link->stack == NULL && !sniffer->begun)
        begin_file(sniffer); /* before the lower link may deliver */
    return tcpip__wrap_attach(link, stack, upper);
}

static const struct tcpip_link_ops sniffer_ops = {
    .name = "sniffer",
    .capabilities = sniffer_capabilities,
    .attach = sniffer_attach,
    .detach = tcpip__wrap_detach,
    .transmit = sniffer_transmit,
};

struct tcpip_link *tcpip_sniffer_new(const struct tcpip_env *env, struct tcpip_link *lower,
                                     const struct tcpip_sniffer_options *options)
{
    struct sniffer *sniffer = tcpip__link_alloc(env, sizeof(*sniffer));
    if (sniffer == NULL)
        return NULL;
    tcpip__link_options(env, &sniffer->options, sizeof(sniffer->options), options);
    ASSERT_ENV(env, sniffer->options.write != NULL);
    tcpip__wrap_init(&sniffer->wrap, env, &sniffer_ops, lower, sniffer_deliver);
    copy_text(sniffer->name, SNIFFER_NAME, sniffer->options.name);
    return &sniffer->wrap.link;
}

void tcpip_sniffer_free(struct tcpip_link *link)
{
    struct sniffer *sniffer = sniffer_of(link);
    ASSERT_ENV(&sniffer->wrap.env, link->stack == NULL);
    tcpip__link_free(&sniffer->wrap.env, sniffer, sizeof(*sniffer));
}

void tcpip_sniffer_comment(struct tcpip_link *link, const char *text)
{
    struct sniffer *sniffer = sniffer_of(link);
    copy_text(sniffer->comment, SNIFFER_COMMENT, text);
}
