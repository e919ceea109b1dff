// SPDX-License-Identifier: MIT
/* echo.c: TCP in user space: a server at 10.1.0.2, port 7, behind tun0, that gives back what it gets, in the library's
 * own loop. Runs until it is killed. */
#include "host.h"

#include <tcpip/loop.h>

int main(void)
{
    struct host host;
    struct tcpip_loop *loop;
    host_open(&host);
    (void)echo_new(host.stack, 7);
    must(tcpip_loop_new(&host.env, NULL, &loop), "loop");
    must(tcpip_loop_add_stack(loop, host.stack), "loop");
    must(tcpip_loop_add_link(loop, host.link), "loop");
    tcpip_loop_run(loop);
}
