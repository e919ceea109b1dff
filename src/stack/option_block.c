// SPDX-License-Identifier: MIT
/* option_block.c: copy-on-write overrides of options.
 *
 * Most endpoints set nothing, or what their listener set: so a block is shared and costs an endpoint a pointer.
 *
 * Owns:       struct option_block.
 * Invariants: a block with refs > 1 is never written.
 * Not here:   which values are valid (option.c), what an option does (each protocol). */
#include "stack/option_block.h"

#include "base/archive.h"

#include <stdalign.h>
#include <string.h>

enum tcpip_error tcpip__option_block_set(struct tcpip_stack *stack, struct option_block **block,
                                         enum tcpip_option option, int64_t value)
{
    struct option_block *own = *block;
    if (own == NULL || own->refs > 1) {
        own = tcpip__memory_alloc(&stack->memory, sizeof(*own), alignof(struct option_block));
        if (own == NULL)
            return TCPIP_ERR_NO_MEMORY;
        if (*block == NULL) {
            memset(own, 0, sizeof(*own));
        } else {
            memcpy(own, *block, sizeof(*own));
            (*block)->refs--;
        }
        own->refs = 1;
        *block = own;
    }
    own->set[option / 64] |= (uint64_t)1 << (option % 64);
    own->values[option] = value;
    return TCPIP_OK;
}

struct option_block *tcpip__option_block_share(struct option_block *block)
{
    if (block != NULL)
        block->refs++;
    return block;
}

void tcpip__option_block_unref(struct tcpip_stack *stack, struct option_block *block)
{
    if (block != NULL && --block->refs == 0)
        tcpip__memory_free(&stack->memory, block, sizeof(*block));
}

/* ---- saved and restored ---- */

enum { OPTION_NAME_MAX = 40 };

static void option_put(struct archive *archive, enum tcpip_option option, int64_t value)
{
    const char *name = tcpip_option_name(option);
    uint8_t length = (uint8_t)strlen(name);
    archive_u8(archive, &length, OPTION_NAME_MAX);
    tcpip__archive_put(archive, name, length);
    archive_i64(archive, &value);
}

/* COUNT: unknown, or its value is none that it can have. */
static enum tcpip_option option_take(struct archive *archive, int64_t *value)
{
    uint8_t length = 0;
    archive_u8(archive, &length, OPTION_NAME_MAX);
    const uint8_t *name = tcpip__archive_take(archive, length);
    archive_i64(archive, value);
    for (uint32_t i = 0; i < TCPIP_OPTION_COUNT && archive_ok(archive); i++) {
        const char *known = tcpip_option_name((enum tcpip_option)i);
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return tcpip__option_valid((enum tcpip_option)i, *value) == TCPIP_OK ? (enum tcpip_option)i
                                                                                 : TCPIP_OPTION_COUNT;
    }
    return TCPIP_OPTION_COUNT;
}

void tcpip__option_block_archive(struct archive *archive, struct tcpip_stack *stack, struct option_block **block)
{
    for (uint32_t i = 0; i < TCPIP_OPTION_COUNT && !archive_restoring(archive); i++)
        if (((*block)->set[i / 64] >> (i % 64) & 1) != 0)
            option_put(archive, (enum tcpip_option)i, (*block)->values[i]);
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0) {
        int64_t value = 0;
        enum tcpip_option option = option_take(archive, &value);
        if (option != TCPIP_OPTION_COUNT && tcpip__option_block_set(stack, block, option, value) != TCPIP_OK)
            tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
    }
}

void tcpip__option_defaults_archive(struct archive *archive, struct tcpip_stack *stack)
{
    for (uint32_t i = 0; i < TCPIP_OPTION_COUNT && !archive_restoring(archive); i++)
        if (tcpip__option_valid((enum tcpip_option)i, stack->defaults[i]) == TCPIP_OK)
            option_put(archive, (enum tcpip_option)i, stack->defaults[i]);
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0) {
        int64_t value = 0;
        enum tcpip_option option = option_take(archive, &value);
        if (option != TCPIP_OPTION_COUNT)
            stack->defaults[option] = value;
    }
}
