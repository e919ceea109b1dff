// SPDX-License-Identifier: MIT
/* option_block.h: an endpoint's overrides of options: one counted block, shared with the listener that made the
 * endpoint, copied at the first change. What isn't set follows the stack's defaults live. */
#ifndef TCPIP_SRC_STACK_OPTION_BLOCK_H
#define TCPIP_SRC_STACK_OPTION_BLOCK_H

#include "stack/stack.h"

struct option_block {
    uint32_t refs;
    uint64_t set[2]; /* bit per enum tcpip_option */
    int64_t values[TCPIP_OPTION_COUNT];
};

_Static_assert(TCPIP_OPTION_COUNT <= 128, "bits of option_block.set");

static inline int64_t option_get(const struct tcpip_stack *stack, const struct option_block *block,
                                 enum tcpip_option option)
{
    if (block != NULL && (block->set[option / 64] >> (option % 64) & 1) != 0)
        return block->values[option];
    return stack->defaults[option];
}

/* Sets one override. NO_MEMORY: *block as before. */
must_use enum tcpip_error tcpip__option_block_set(struct tcpip_stack *stack, struct option_block **block,
                                                  enum tcpip_option option, int64_t value);
/* One more owner; NULL stays NULL. */
struct option_block *tcpip__option_block_share(struct option_block *block);
void tcpip__option_block_unref(struct tcpip_stack *stack, struct option_block *block);

struct archive;
/* Saved and restored (base/archive.h), by name: one that this version doesn't know is left out. */
void tcpip__option_block_archive(struct archive *archive, struct tcpip_stack *stack, struct option_block **block);
/* The same for the stack's defaults. */
void tcpip__option_defaults_archive(struct archive *archive, struct tcpip_stack *stack);

#endif
