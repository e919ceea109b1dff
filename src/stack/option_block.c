// SPDX-License-Identifier: MIT
/* option_block.c: copy-on-write overrides of options.
 *
 * Most endpoints set nothing, or what their listener set: so a block is shared and costs an endpoint a pointer.
 *
 * Owns:       struct option_block.
 * Invariants: a block with refs > 1 is never written.
 * Not here:   which values are valid (option.c), what an option does (each protocol). */
#include "stack/option_block.h"

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
