// SPDX-License-Identifier: MIT
/* tcpip.h: all that an application needs. */
#ifndef TCPIP_TCPIP_H
#define TCPIP_TCPIP_H

#include <tcpip/address.h>
#include <tcpip/buffer.h>
#include <tcpip/congestion.h>
#include <tcpip/endpoint.h>
#include <tcpip/env.h>
#include <tcpip/error.h>
#include <tcpip/forward.h>
#include <tcpip/link.h>
#include <tcpip/option.h>
#include <tcpip/signature.h>
#include <tcpip/stack.h>
#include <tcpip/stats.h>
#include <tcpip/trace.h>
#include <tcpip/unix.h>
#include <tcpip/waiter.h>

#endif
