// SPDX-License-Identifier: MIT
/* route_table.h: the rows of the route table, and which of them a destination takes. */
#ifndef TCPIP_SRC_STACK_ROUTE_TABLE_H
#define TCPIP_SRC_STACK_ROUTE_TABLE_H

#include "stack/route.h"

struct route_row {
    uint8_t prefix[16]; /* IPv4 mapped, host bits cleared */
    uint8_t gateway[16];
    struct tcpip_nic *nic;
    uint32_t mtu;          /* 0: the NIC's */
    uint16_t advmss;       /* 0: what the MTU leaves */
    uint32_t next_head;    /* of the bucket's next chain; ROUTE_ROW_NONE: the last */
    uint32_t next_same;    /* the next row of the same prefix; ROUTE_ROW_NONE: the last */
    uint32_t last_same;    /* a chain's first row: its last one */
    uint8_t bits;          /* of the family's own length */
    uint8_t address_bytes; /* 4, 16; 0: matches nothing */
    bool has_gateway;
};

struct route_query {
    const uint8_t *remote;
    const struct tcpip_nic *nic; /* only rows through it; NULL: any */
    const uint8_t *local;        /* rows through a NIC that has this address go first; NULL: no such wish */
};

/* The rows in their order; false: there is no i-th. */
bool tcpip__route_table_row(const struct tcpip_stack *stack, uint32_t i, struct tcpip_route_entry *out);
enum tcpip_route_order tcpip__route_table_order(const struct tcpip_stack *stack);

/* The row that a packet takes, of those whose NIC is usable; NULL: none. Good until the table changes. */
const struct route_row *tcpip__route_lookup(const struct tcpip_stack *stack, const struct route_query *query);

#endif
