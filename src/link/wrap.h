// SPDX-License-Identifier: MIT
/* wrap.h: what links have in common: their memory, and, for links that wrap a link, attaching, detaching and
 * back-pressure. */
#ifndef TCPIP_SRC_LINK_WRAP_H
#define TCPIP_SRC_LINK_WRAP_H

#include "base/compiler.h"

#include <tcpip/env.h>
#include <tcpip/link.h>

/* A link that stands on another. First member of each wrapping link. */
struct wrap {
    struct tcpip_link link;        /* what is above sees */
    struct tcpip_link_upper below; /* what the lower link sees */
    struct tcpip_link *lower;
    struct tcpip_env env;
    /* Taken from above, worked on, and not yet taken by the lower link. While there are any, nothing more is taken. */
    struct tcpip_packet_list held;
};

enum { WRAP_BATCH = 64 }; /* packets worked on before they are handed down: what `held` can come to at a time */

/* Zeroed memory for a link object from env.alloc; NULL: none. */
must_use void *tcpip__link_alloc(const struct tcpip_env *env, size_t size);
void tcpip__link_free(const struct tcpip_env *env, void *link, size_t size);
/* The caller's env, which may be shorter than ours. */
struct tcpip_env tcpip__link_env(const struct tcpip_env *env);
/* Copies what the caller gave of an options struct, whose first member is its size, to `to`, zeroed, of `to_bytes`.
 * NULL: nothing given. */
void tcpip__link_options(const struct tcpip_env *env, void *to, size_t to_bytes, const void *given);
/* Loses all packets of a list for one reason. */
void tcpip__link_drop_all(struct tcpip_packet_list *list, enum tcpip_drop reason);
/* Makes a packet that was sent one that has been received, at once or on the other end of a wire: what the sender noted
 * of it goes, the bytes, GSO and checksum state stay. */
void tcpip__link_turn_round(struct tcpip_packet *packet);
/* Can a link with these capabilities carry the packet? A super-segment needs its flag. */
bool tcpip__link_can_carry(uint32_t flags, const struct tcpip_packet *packet);

/* `wrap` is zeroed; fills in all but below.deliver. */
void tcpip__wrap_init(struct wrap *wrap, const struct tcpip_env *env, const struct tcpip_link_ops *ops,
                      struct tcpip_link *lower,
                      void (*deliver)(struct tcpip_link_upper *below, struct tcpip_packet_list *packets));
/* The vtable's functions, for links that have nothing to add. */
enum tcpip_error tcpip__wrap_attach(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper);
void tcpip__wrap_detach(struct tcpip_link *link);
/* Hands packets down; what the lower link leaves is held and goes first when it is ready again. Takes all. */
void tcpip__wrap_send(struct wrap *wrap, struct tcpip_packet_list *packets);

/* May packets be taken from above? */
static inline bool wrap_ready(const struct wrap *wrap)
{
    return wrap->held.count == 0;
}

#endif
