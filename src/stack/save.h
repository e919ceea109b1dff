// SPDX-License-Identifier: MIT
/* save.h: saving and restoring, between its files and the protocols. */
#ifndef TCPIP_SRC_STACK_SAVE_H
#define TCPIP_SRC_STACK_SAVE_H

#include "base/archive.h"
#include "stack/nic.h"
#include <tcpip/save.h>

/* Where a restored endpoint comes to. */
struct restore_how {
    bool alone;                      /* not with the stack that it was in */
    bool open;                       /* the application hasn't closed it */
    struct tcpip_endpoint *listener; /* it waits to be accepted there; NULL: it doesn't */
};

/* save_nic.c: each writes or reads one section's contents. */
void tcpip__nic_save(struct archive *archive, struct tcpip_nic *nic);
void tcpip__nic_restore(struct archive *archive, struct tcpip_stack *stack,
                        const struct tcpip_restore_options *options);
void tcpip__routes_archive(struct archive *archive, struct tcpip_stack *stack);
void tcpip__neighbors_archive(struct archive *archive, struct tcpip_stack *stack);

#endif
