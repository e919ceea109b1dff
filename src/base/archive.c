// SPDX-License-Identifier: MIT
/* archive.c: fields to bytes and back.
 *
 * A section is a tag (u16), a version (u16), a length (u32) and that many bytes; all numbers are little-endian. Who
 * reads an older version asks for its number before a field that came later; who reads a newer one stops where it knows
 * no more, and the rest is skipped. A section without a reader is skipped as well, unless its tag says that nobody may.
 *
 * Saving writes into the caller's memory, and goes on counting when that is full: the caller learns how much it takes.
 * Nothing is allocated, so saving can't fail for want of memory.
 *
 * Instants are told as distances from the archive's `now`, so that they hold under another clock.
 *
 * Owns:        struct archive.
 * Invariants:  restoring, at <= end <= size; after a failure at == end of everything, so that nothing more is read.
 * Not here:    what is saved (each organ's _archive), the envelope with version and checksum (stack/save.c). */
#include "base/archive.h"

#include "base/assert.h"
#include "base/math.h"

#include <string.h>

enum { SECTION_HEAD_BYTES = 8 };

/* Longer than anything that waits, and short enough to be added to any clock. */
#define ARCHIVE_DURATION_MAX ((tcpip_ns)1 << 60)

void tcpip__archive_save_init(struct archive *archive, void *out, size_t size, tcpip_ns now)
{
    *archive = (struct archive){.out = out, .size = size, .now = now};
}

void tcpip__archive_restore_init(struct archive *archive, const void *in, size_t size, tcpip_ns now)
{
    static const uint8_t nothing[1];
    *archive = (struct archive){.in = in != NULL ? in : nothing, .size = size, .end = size, .now = now};
}

void tcpip__archive_fail(struct archive *archive, enum tcpip_error error)
{
    if (archive->error == TCPIP_OK)
        archive->error = error;
    if (archive->in != NULL)
        archive->at = archive->end;
}

void tcpip__archive_put(struct archive *archive, const void *bytes, size_t size)
{
    if (archive->at <= archive->size && size <= archive->size - archive->at && size > 0)
        memcpy(archive->out + archive->at, bytes, size);
    archive->at += size;
}

const uint8_t *tcpip__archive_take(struct archive *archive, size_t size)
{
    if (archive->error != TCPIP_OK || size > archive_left(archive)) {
        tcpip__archive_fail(archive, TCPIP_ERR_MALFORMED_HEADER);
        return NULL;
    }
    const uint8_t *bytes = archive->in + archive->at;
    archive->at += size;
    return bytes;
}

void tcpip__archive_bytes(struct archive *archive, void *bytes, size_t size)
{
    if (!archive_restoring(archive)) {
        tcpip__archive_put(archive, bytes, size);
        return;
    }
    const uint8_t *from = tcpip__archive_take(archive, size);
    if (from != NULL)
        memcpy(bytes, from, size);
    else
        memset(bytes, 0, size);
}

void tcpip__archive_u64(struct archive *archive, uint64_t *value, unsigned bytes)
{
    uint8_t wire[8];
    if (!archive_restoring(archive)) {
        for (unsigned i = 0; i < bytes; i++)
            wire[i] = (uint8_t)(*value >> (8 * i));
        tcpip__archive_put(archive, wire, bytes);
        return;
    }
    const uint8_t *from = tcpip__archive_take(archive, bytes);
    *value = 0;
    for (unsigned i = 0; from != NULL && i < bytes; i++)
        *value |= (uint64_t)from[i] << (8 * i);
}

void tcpip__archive_begin(struct archive *archive, struct archive_section *section, uint16_t tag, uint16_t version)
{
    ASSERT(!archive_restoring(archive));
    *section = (struct archive_section){.tag = tag, .version = version};
    uint32_t length = 0; /* filled in at its end */
    archive_u16(archive, &tag);
    archive_u16(archive, &version);
    archive_u32(archive, &length);
    section->from = archive->at;
}

bool tcpip__archive_next(struct archive *archive, struct archive_section *section)
{
    uint32_t length = 0;
    *section = (struct archive_section){.outer_end = archive->end};
    if (archive->error != TCPIP_OK || archive_left(archive) == 0)
        return false;
    archive_u16(archive, &section->tag);
    archive_u16(archive, &section->version);
    archive_u32(archive, &length);
    archive_require(archive, length <= archive_left(archive) && section->version != 0);
    if (archive->error != TCPIP_OK)
        return false;
    section->from = archive->at;
    archive->end = archive->at + length;
    return true;
}

void tcpip__archive_end(struct archive *archive, struct archive_section *section)
{
    if (archive_restoring(archive)) {
        archive->at = archive->error == TCPIP_OK ? archive->end : section->outer_end;
        archive->end = section->outer_end;
        return;
    }
    uint64_t length = archive->at - section->from;
    if (length > UINT32_MAX)
        tcpip__archive_fail(archive, TCPIP_ERR_MESSAGE_TOO_LONG);
    struct archive patch = *archive;
    patch.at = section->from - sizeof(uint32_t);
    tcpip__archive_u64(&patch, &length, sizeof(uint32_t));
}

void tcpip__archive_unknown(struct archive *archive, const struct archive_section *section)
{
    if ((section->tag & ARCHIVE_CRITICAL) != 0)
        tcpip__archive_fail(archive, TCPIP_ERR_NOT_SUPPORTED);
}

void tcpip__archive_duration(struct archive *archive, tcpip_ns *duration_ns)
{
    archive_i64(archive, duration_ns);
    archive_require(archive, *duration_ns >= 0 && *duration_ns <= ARCHIVE_DURATION_MAX);
    if (archive->error != TCPIP_OK && archive_restoring(archive))
        *duration_ns = 0;
}

void tcpip__archive_instant(struct archive *archive, tcpip_ns *at)
{
    int64_t distance_ns = 0;
    if (!archive_restoring(archive))
        distance_ns = *at == TCPIP_NEVER ? TCPIP_NEVER : *at - archive->now;
    archive_i64(archive, &distance_ns);
    if (!archive_restoring(archive))
        return;
    bool never = distance_ns == TCPIP_NEVER;
    archive_require(archive, never || (distance_ns >= -ARCHIVE_DURATION_MAX && distance_ns <= ARCHIVE_DURATION_MAX));
    if (archive->error != TCPIP_OK)
        distance_ns = 0;
    *at = never ? TCPIP_NEVER : archive->now + distance_ns;
}

void tcpip__archive_instant_or_zero(struct archive *archive, tcpip_ns *at)
{
    bool some = !archive_restoring(archive) && *at != 0;
    archive_bool(archive, &some);
    tcpip__archive_instant(archive, at);
    if (archive_restoring(archive) && !some)
        *at = 0;
    else if (archive_restoring(archive) && *at == 0)
        *at = -1; /* an instant all the same */
}
