// SPDX-License-Identifier: MIT
/* path.c: packets in a list by their time of arrival; what befalls one is drawn from a seed, in the order of sending.
 *
 * Owns:       the packets under way.
 * Invariants: packets that nothing befell arrive in the order in which they were sent.
 * Not here:   the hosts (recovery_matrix.c). */
#include "path.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_MTU = 1500 };

static uint32_t path_draw(struct path *path, uint32_t sides)
{
    path->random ^= path->random << 13;
    path->random ^= path->random >> 7;
    path->random ^= path->random << 17;
    return (uint32_t)((path->random * 0x2545f4914f6cdd1du) >> 33) % sides;
}

static bool path_befalls(struct path *path, uint32_t ppm)
{
    return ppm != 0 && path_draw(path, 1000000) < ppm;
}

void path_init(struct path *path, const struct path_profile *profile, uint64_t seed)
{
    *path = (struct path){.profile = *profile, .random = (seed + 1) * 0x9e3779b97f4a7c15u};
    for (int i = 0; i < 8; i++)
        (void)path_draw(path, 2);
}

void path_fini(struct path *path)
{
    while (path->first != NULL) {
        struct path_packet *packet = path->first;
        path->first = packet->next;
        free(packet);
    }
}

static void path_insert(struct path *path, const uint8_t *bytes, size_t size, tcpip_ns at)
{
    struct path_packet *packet = malloc(sizeof(*packet)), **place = &path->first;
    if (packet == NULL || size > sizeof(packet->bytes))
        abort();
    packet->at = at;
    packet->size = size;
    memcpy(packet->bytes, bytes, size);
    while (*place != NULL && (*place)->at <= at)
        place = &(*place)->next;
    packet->next = *place;
    *place = packet;
}

static tcpip_ns path_takes(const struct path *path, size_t size)
{
    return (tcpip_ns)((uint64_t)size * 8 * 1000000000 / path->profile.rate_bps);
}

void path_send(struct path *path, const uint8_t *bytes, size_t size, tcpip_ns now)
{
    const struct path_profile *profile = &path->profile;
    /* The dice are thrown for each packet alike, so that a loss doesn't change what befalls the others. */
    bool lost = path_befalls(path, profile->loss_ppm), burst = path_befalls(path, profile->burst_ppm);
    bool doubled = path_befalls(path, profile->duplicate_ppm), late = path_befalls(path, profile->reorder_ppm);
    if (path->free_at < now)
        path->free_at = now;
    if (path->free_at - now > profile->queue_ns) {
        path->overflowed++;
        return;
    }
    if (burst) /* it lasts for a time, or it would outlast everybody's patience where packets are seldom */
        path->burst_until = path->free_at + profile->burst_packets * path_takes(path, PATH_MTU);
    bool gone = lost || path->free_at < path->burst_until;
    path->free_at += path_takes(path, size);
    if (gone) {
        path->lost++;
        return;
    }
    path->passed++;
    tcpip_ns at = path->free_at + profile->delay_ns;
    path_insert(path, bytes, size, late ? at + profile->reorder_ns : at);
    if (doubled)
        path_insert(path, bytes, size, at);
}

tcpip_ns path_next(const struct path *path)
{
    return path->first == NULL ? TCPIP_NEVER : path->first->at;
}

struct path_packet *path_take(struct path *path, tcpip_ns now)
{
    struct path_packet *packet = path->first;
    if (packet == NULL || packet->at > now)
        return NULL;
    path->first = packet->next;
    return packet;
}
