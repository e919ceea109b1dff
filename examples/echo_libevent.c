// SPDX-License-Identifier: MIT
/* echo_libevent.c: echo.c in a loop of libevent's: what a program that lives in libevent adds to have a network of its
 * own.
 *
 * libevent 2.1 has no hook before it sleeps, so attend() is called after everything that may have moved the stack:
 * here in the two callbacks; a program calls it after endpoint calls of its own too. Ends at SIGTERM or SIGINT. */
#include "host.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <tcpip/fdbased.h>

struct driver {
    struct host host;
    struct event_base *base;
    struct event *readable, *writable, *timer;
};

/* Sets the timer and the descriptor for what the stack says now. */
static void attend(struct driver *driver)
{
    tcpip_ns deadline = tcpip_stack_deadline(driver->host.stack), now = tcpip_stack_now(driver->host.stack);
    tcpip_ns wait_us = deadline <= now ? 0 : (deadline - now - 1) / TCPIP_US + 1;
    struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    if (deadline == TCPIP_NEVER)
        (void)event_del(driver->timer);
    else
        (void)event_add(driver->timer, &wait);
    if (tcpip_fdbased_wants_write(driver->host.link))
        (void)event_add(driver->writable, NULL);
}

static void on_descriptor(evutil_socket_t fd, short what, void *arg)
{
    struct driver *driver = arg;
    (void)fd;
    tcpip_stack_enter(driver->host.stack);
    if (what & EV_READ)
        (void)tcpip_fdbased_read(driver->host.link, 64); /* more than that is told again */
    if (what & EV_WRITE)
        tcpip_fdbased_write_ready(driver->host.link);
    tcpip_stack_leave(driver->host.stack);
    attend(driver);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct driver *driver = arg;
    (void)fd, (void)what;
    (void)tcpip_stack_advance(driver->host.stack, 0); /* what is left has a past deadline */
    attend(driver);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number, (void)what;
    (void)event_base_loopbreak(((struct driver *)arg)->base);
}

static struct event *new_event(struct driver *driver, int fd, short what, event_callback_fn fn)
{
    struct event *event = event_new(driver->base, fd, what, fn, driver);
    must(event != NULL ? TCPIP_OK : TCPIP_ERR_NO_MEMORY, "event");
    return event;
}

int main(void)
{
    static struct driver driver;
    struct event *ends[2];
    host_open(&driver.host);
    struct echo *echo = echo_new(driver.host.stack, 7);
    int fd = tcpip_fdbased_fd(driver.host.link);

    must((driver.base = event_base_new()) != NULL ? TCPIP_OK : TCPIP_ERR_NO_MEMORY, "loop");
    driver.readable = new_event(&driver, fd, EV_READ | EV_PERSIST, on_descriptor);
    driver.writable = new_event(&driver, fd, EV_WRITE, on_descriptor); /* once each time that it is asked for */
    driver.timer = new_event(&driver, -1, EV_TIMEOUT, on_timer);
    ends[0] = new_event(&driver, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal);
    ends[1] = new_event(&driver, SIGINT, EV_SIGNAL | EV_PERSIST, on_signal);
    (void)event_add(driver.readable, NULL);
    for (int i = 0; i < 2; i++)
        (void)event_add(ends[i], NULL);
    attend(&driver);
    (void)event_base_dispatch(driver.base);

    for (int i = 0; i < 2; i++)
        event_free(ends[i]);
    event_free(driver.timer);
    event_free(driver.writable);
    event_free(driver.readable);
    event_base_free(driver.base);
    echo_free(echo);
    host_close(&driver.host);
    libevent_global_shutdown();
}
