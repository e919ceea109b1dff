// SPDX-License-Identifier: MIT
/* archive.h: a cursor that walks through fields in one order, writing or reading them: what is saved and restored.
 *
 * One function per organ names its fields once; whether it saves or restores, the archive knows. So both can't differ.
 *
 *     void tcpip__x_archive(struct archive *archive, struct x *x)
 *     {
 *         archive_u32(archive, &x->bytes);
 *         archive_instant(archive, &x->sent_at);
 *         archive_require(archive, x->bytes <= X_MAX);
 *     }
 *
 * What is read may be anybody's: a function checks what its organ takes for granted, with archive_require. After the
 * first failure everything read is zero and loops over sections end, so that one look at the end is enough. */
#ifndef TCPIP_SRC_BASE_ARCHIVE_H
#define TCPIP_SRC_BASE_ARCHIVE_H

#include "base/compiler.h"
#include "base/seqnum.h"
#include <tcpip/error.h>

struct archive {
    uint8_t *out;      /* saving: where to; may be shorter than what comes */
    const uint8_t *in; /* restoring: where from; NULL: saving */
    size_t size;       /* of either */
    size_t at;         /* saving: what was wanted so far */
    size_t end;        /* restoring: of the innermost section */
    enum tcpip_error error;
    tcpip_ns now; /* the instant that others are told relative to */
};

/* A tagged piece; they nest. */
struct archive_section {
    uint16_t tag, version; /* restoring: what was found */
    size_t from;           /* of its contents */
    size_t outer_end;      /* restoring */
};

/* In a tag: who doesn't know this section must not go on without it. */
#define ARCHIVE_CRITICAL 0x8000u

void tcpip__archive_save_init(struct archive *archive, void *out, size_t size, tcpip_ns now);
void tcpip__archive_restore_init(struct archive *archive, const void *in, size_t size, tcpip_ns now);
static inline bool archive_restoring(const struct archive *archive)
{
    return archive->in != NULL;
}
static inline bool archive_ok(const struct archive *archive)
{
    return archive->error == TCPIP_OK;
}
/* The first error stays. */
void tcpip__archive_fail(struct archive *archive, enum tcpip_error error);
/* Restoring: what was read can't be so (MALFORMED_HEADER). */
static inline void archive_require(struct archive *archive, bool holds)
{
    if (archive->in != NULL && !holds)
        tcpip__archive_fail(archive, TCPIP_ERR_MALFORMED_HEADER);
}

/* ---- sections: tag, version, length, contents ---- */

/* Saving. */
void tcpip__archive_begin(struct archive *archive, struct archive_section *section, uint16_t tag, uint16_t version);
/* Restoring: the next section of the enclosing one; false: there is none. */
must_use bool tcpip__archive_next(struct archive *archive, struct archive_section *section);
/* Ends either. Restoring: what a newer version has put behind is skipped; reading beyond the end has failed. */
void tcpip__archive_end(struct archive *archive, struct archive_section *section);
/* Restoring: nobody knows this tag; fails with NOT_SUPPORTED if it is critical. */
void tcpip__archive_unknown(struct archive *archive, const struct archive_section *section);
/* Restoring: bytes left in the innermost section. */
static inline size_t archive_left(const struct archive *archive)
{
    return archive->end - archive->at;
}

/* ---- fields: little-endian ---- */

void tcpip__archive_bytes(struct archive *archive, void *bytes, size_t size);
/* Restoring: `size` bytes to be read in place; NULL: there aren't so many. */
const uint8_t *tcpip__archive_take(struct archive *archive, size_t size);
/* Saving. */
void tcpip__archive_put(struct archive *archive, const void *bytes, size_t size);
void tcpip__archive_u64(struct archive *archive, uint64_t *value, unsigned bytes);

static inline void archive_u64(struct archive *archive, uint64_t *value)
{
    tcpip__archive_u64(archive, value, 8);
}
static inline void archive_i64(struct archive *archive, int64_t *value)
{
    uint64_t bits = archive_restoring(archive) ? 0 : (uint64_t)*value;
    tcpip__archive_u64(archive, &bits, 8);
    *value = (int64_t)bits;
}
static inline void archive_u32(struct archive *archive, uint32_t *value)
{
    uint64_t wide = archive_restoring(archive) ? 0 : *value;
    tcpip__archive_u64(archive, &wide, 4);
    *value = (uint32_t)wide;
}
static inline void archive_u16(struct archive *archive, uint16_t *value)
{
    uint64_t wide = archive_restoring(archive) ? 0 : *value;
    tcpip__archive_u64(archive, &wide, 2);
    *value = (uint16_t)wide;
}
/* At most `most`; what is more is read as 0. */
static inline void archive_u8(struct archive *archive, uint8_t *value, uint8_t most)
{
    uint64_t wide = archive_restoring(archive) ? 0 : *value;
    tcpip__archive_u64(archive, &wide, 1);
    archive_require(archive, wide <= most);
    *value = archive_restoring(archive) && wide > most ? 0 : (uint8_t)wide;
}
static inline void archive_bool(struct archive *archive, bool *value)
{
    uint8_t byte = !archive_restoring(archive) && *value ? 1 : 0;
    archive_u8(archive, &byte, 1);
    *value = byte == 1;
}
static inline void archive_seq(struct archive *archive, seqnum *value)
{
    archive_u32(archive, &value->v);
}
/* A duration, not negative and no longer than some years. */
void tcpip__archive_duration(struct archive *archive, tcpip_ns *duration_ns);
/* An instant, which may be TCPIP_NEVER: stays as long ago, or as far ahead, as it was. */
void tcpip__archive_instant(struct archive *archive, tcpip_ns *at);
/* The same, where 0 means none. */
void tcpip__archive_instant_or_zero(struct archive *archive, tcpip_ns *at);

#endif
