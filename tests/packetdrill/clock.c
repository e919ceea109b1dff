// SPDX-License-Identifier: MIT
/* clock.c: time that passes only when packetdrill waits.
 *
 * The driving thread moves the clock: usleep and a wait for a packet run timers in order, each at its own instant;
 * each look at the clock takes a microsecond, for packetdrill spins on it; it passes before the next thing happens, so
 * that what packetdrill does next is no later than the time that it saw. Calls on the second thread take no time:
 * after anything that may have woken one, the driving thread waits until it sleeps again, or has left and asked what
 * time it is. So a blocking call ends at the very instant of what ended it.
 *
 * Invariants: env.now moves only while each call of the second thread sleeps.
 * Not here:   how a call waits (src/socket). */
#include "adapter.h"

#include "socket/sockets.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { LOOK_NS = 1000, STEPS_MAX = 1000000 };

static bool is_driver(const struct adapter *adapter)
{
    return pthread_equal(pthread_self(), adapter->driver) != 0;
}

/* ---- the second thread ---- */

static void tell_driver(struct adapter *adapter, int under_way)
{
    pthread_mutex_lock(&adapter->mutex);
    adapter->under_way = under_way;
    adapter->ended = under_way == 0 ? gettid() : 0;
    adapter->changes++;
    pthread_cond_broadcast(&adapter->changed);
    pthread_mutex_unlock(&adapter->mutex);
}

/* A call that has ended has more to tell packetdrill, under its lock, than it told us: time passes in the script when
 * it has, and the second thread sleeps again. Not as long as packetdrill's lock may be held. */
static void wait_idle(struct adapter *adapter)
{
    char path[64], how = 0;
    pthread_mutex_lock(&adapter->mutex);
    pid_t second = adapter->ended;
    adapter->ended = 0;
    pthread_mutex_unlock(&adapter->mutex);
    if (second == 0)
        return;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)second);
    for (;;) {
        FILE *file = fopen(path, "re");
        bool read = file != NULL && fscanf(file, "%*d (%*[^)]) %c", &how) == 1;
        if (file != NULL)
            fclose(file);
        if (!read || how == 'S')
            return;
        sched_yield();
    }
}

static bool is_under_way(struct adapter *adapter)
{
    pthread_mutex_lock(&adapter->mutex);
    bool is = adapter->under_way != 0;
    pthread_mutex_unlock(&adapter->mutex);
    return is;
}

/* Asked by the sockets before a call sleeps, with their lock held. Who drives must not: nobody would be left to wake
 * it. */
bool clock_may_sleep(void *ctx, tcpip_ns until)
{
    struct adapter *adapter = ctx;
    (void)until;
    if (is_driver(adapter))
        return false;
    tell_driver(adapter, 1);
    return true;
}

void clock_call_begins(struct adapter *adapter)
{
    if (is_driver(adapter))
        clock_tick(adapter);
    else
        tell_driver(adapter, 1);
}

void clock_call_ends(struct adapter *adapter)
{
    if (is_driver(adapter))
        clock_settle(adapter);
}

/* Is there a call that sleeps, and that nobody has told anything since? */
static bool sleeps(struct tcpip_sockets *sockets)
{
    bool found = false;
    tcpip_sockets_lock(sockets);
    list_for_each(node, &sockets->drive.waits)
    {
        const struct wait *wait = container_of(node, struct wait, node);
        found |= wait->asleep && !wait->woken;
    }
    tcpip_sockets_unlock(sockets);
    return found;
}

/* Until each call of the second thread sleeps for something that it hasn't been told of. */
static void wait_quiet(struct adapter *adapter)
{
    pthread_mutex_lock(&adapter->mutex);
    while (adapter->under_way != 0) {
        unsigned changes = adapter->changes;
        pthread_mutex_unlock(&adapter->mutex);
        bool asleep = sleeps(adapter->sockets);
        pthread_mutex_lock(&adapter->mutex);
        if (asleep)
            break;
        while (changes == adapter->changes)
            pthread_cond_wait(&adapter->changed, &adapter->mutex);
    }
    pthread_mutex_unlock(&adapter->mutex);
}

/* ---- the driving thread ---- */

void clock_settle(struct adapter *adapter)
{
    bool again = true;
    for (unsigned steps = 0; again; steps++) {
        if (steps == STEPS_MAX)
            adapter_fail("the stack", "is never quiet");
        wait_quiet(adapter);
        tcpip_sockets_lock(adapter->sockets);
        wire_collect(adapter);
        again = tcpip_stack_deadline(adapter->stack) <= adapter->env.now;
        if (again)
            tcpip_stack_advance(adapter->stack, 0);
        tcpip_sockets_unlock(adapter->sockets);
    }
}

void clock_run_to(struct adapter *adapter, tcpip_ns at)
{
    if (adapter->stack == NULL) {
        adapter->env.now = at;
        return;
    }
    clock_settle(adapter);
    while (adapter->env.now < at) {
        tcpip_sockets_lock(adapter->sockets);
        tcpip_ns due = tcpip_stack_deadline(adapter->stack);
        tcpip_ns next = due < at ? due : at;
        if (next > adapter->env.now)
            adapter->env.now = next;
        tcpip_sockets_unlock(adapter->sockets);
        clock_settle(adapter);
    }
}

void clock_tick(struct adapter *adapter)
{
    if (adapter->looked)
        clock_run_to(adapter, adapter->env.now + LOOK_NS);
    adapter->looked = false;
}

int clock_usleep(void *userdata, useconds_t usecs)
{
    struct adapter *adapter = userdata;
    if (is_driver(adapter))
        wait_idle(adapter);
    clock_run_to(adapter, adapter->env.now + usecs * TCPIP_US);
    return 0;
}

int clock_gettimeofday(void *userdata, struct timeval *out, struct timezone *zone)
{
    struct adapter *adapter = userdata;
    (void)zone;
    /* The second thread looks twice: before a call, waiting for its time as the driver would (who then waits for it),
     * and after it. */
    bool after = !is_driver(adapter) && is_under_way(adapter);
    if (!after) {
        clock_tick(adapter);
        adapter->looked = true;
    }
    *out = (struct timeval){
        .tv_sec = adapter->env.now / TCPIP_SECOND,
        .tv_usec = adapter->env.now % TCPIP_SECOND / TCPIP_US,
    };
    if (after)
        tell_driver(adapter, 0);
    return 0;
}
