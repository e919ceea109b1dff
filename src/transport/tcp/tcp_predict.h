// SPDX-License-Identifier: MIT
/* tcp_predict.h: the segment that was to be expected. */
#ifndef TCPIP_SRC_TCP_TCP_PREDICT_H
#define TCPIP_SRC_TCP_TCP_PREDICT_H

#include "transport/tcp/tcp.h"

/* True: this was it, and it is taken in. False: nothing was done, and it goes the long way. */
bool tcpip__tcp_predicted_input(struct tcp_endpoint *ep, struct tcp_segment *segment);

#endif
