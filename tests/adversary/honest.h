// SPDX-License-Identifier: MIT
/* honest.h: the applications of the victim and of its honest clients. */
#ifndef TCPIP_TESTS_ADVERSARY_HONEST_H
#define TCPIP_TESTS_ADVERSARY_HONEST_H

#include "bench.h"

/* Servers, and flows of clients that are established when it returns. */
void honest_begin(struct bench *bench);
/* The victim's application does what is to be done; true if there was something. */
bool honest_serve(struct bench *bench);
/* Every millisecond: clients write, read and compare, and open connections. */
void honest_tick(struct bench *bench);
/* A packet of the clients'. */
void honest_sniff(struct bench *bench, const uint8_t *bytes, size_t size);
/* Waits for what is under way, judges it, and closes all. */
void honest_finish(struct bench *bench);

#endif
