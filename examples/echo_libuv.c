// SPDX-License-Identifier: MIT
/* echo_libuv.c: echo.c in a loop of libuv's: what a program that lives in libuv adds to have a network of its own.
 *
 * libuv asks before it sleeps (uv_prepare_t), and that is the whole trick: whatever ran in this iteration, of ours or
 * of the program's, the timer and the descriptor are set for what the stack says now. Ends at SIGTERM or SIGINT. */
#include "host.h"

#include <signal.h>
#include <stdlib.h>
#include <tcpip/fdbased.h>
#include <uv.h>

struct driver {
    struct host host;
    uv_poll_t readable; /* and writable, when the link asks for it */
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_signal_t ends[2];
};

static void on_descriptor(uv_poll_t *handle, int status, int events)
{
    struct driver *driver = handle->data;
    tcpip_stack_enter(driver->host.stack);
    if (status < 0)
        tcpip_fdbased_hang_up(driver->host.link);
    if (events & UV_READABLE)
        (void)tcpip_fdbased_read(driver->host.link, 64); /* more than that is told again */
    if (events & UV_WRITABLE)
        tcpip_fdbased_write_ready(driver->host.link);
    tcpip_stack_leave(driver->host.stack);
}

static void on_timer(uv_timer_t *handle)
{
    (void)tcpip_stack_advance(((struct driver *)handle->data)->host.stack, 0); /* what is left has a past deadline */
}

static void before_sleeping(uv_prepare_t *handle)
{
    struct driver *driver = handle->data;
    tcpip_ns deadline = tcpip_stack_deadline(driver->host.stack), now = tcpip_stack_now(driver->host.stack);
    uv_update_time(handle->loop); /* timers count from the loop's time, which may be old */
    if (deadline == TCPIP_NEVER)
        uv_timer_stop(&driver->timer);
    else /* libuv counts milliseconds: rounded up, so as not to spin for the last one */
        uv_timer_start(&driver->timer, on_timer, deadline <= now ? 0 : (uint64_t)((deadline - now - 1) / TCPIP_MS + 1),
                       0);
    uv_poll_start(&driver->readable, UV_READABLE | (tcpip_fdbased_wants_write(driver->host.link) ? UV_WRITABLE : 0),
                  on_descriptor);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    uv_close(handle, NULL);
}

static void must_uv(int result, const char *what)
{
    must(result == 0 ? TCPIP_OK : TCPIP_ERR_NOT_SUPPORTED, what);
}

int main(void)
{
    static struct driver driver;
    static const int signals[2] = {SIGTERM, SIGINT};
    uv_loop_t *loop = uv_default_loop();
    host_open(&driver.host);
    struct echo *echo = echo_new(driver.host.stack, 7);

    must_uv(uv_poll_init(loop, &driver.readable, tcpip_fdbased_fd(driver.host.link)), "descriptor");
    must_uv(uv_timer_init(loop, &driver.timer), "timer");
    must_uv(uv_prepare_init(loop, &driver.prepare), "prepare");
    driver.readable.data = driver.timer.data = driver.prepare.data = &driver;
    must_uv(uv_prepare_start(&driver.prepare, before_sleeping), "prepare");
    for (int i = 0; i < 2; i++) {
        must_uv(uv_signal_init(loop, &driver.ends[i]), "signal");
        must_uv(uv_signal_start(&driver.ends[i], on_signal, signals[i]), "signal");
    }
    (void)uv_run(loop, UV_RUN_DEFAULT);

    uv_walk(loop, close_handle, NULL);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    must_uv(uv_loop_close(loop), "loop");
    echo_free(echo);
    host_close(&driver.host);
}
