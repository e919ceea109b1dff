// SPDX-License-Identifier: MIT
/* pointer.c: memory of the caller's: EFAULT without a fault.
 *
 * The kernel finds bad pointers out by touching them; a library can't. NULL is judged always. With the option
 * probe_pointers each page of what is handed in is tried with a system call that fails instead of faulting: reading it
 * by process_vm_readv; writing it by a futex operation that adds 0 to a word, which no other thread can notice.
 *
 * Owns:     nothing.
 * Not here: what pointers mean. */
#include "socket/sockets.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { POINTER_PAGE = 4096 };

static bool pointer_probe_read(uintptr_t at)
{
    uint8_t byte;
    struct iovec to = {&byte, 1}, from = {(void *)at, 1};
    ssize_t got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    return got == 1 || errno != EFAULT;
}

static bool pointer_probe_write(uintptr_t at)
{
    uint32_t own = 0;
    uintptr_t word = at & ~(uintptr_t)3; /* in the same page */
    int operation = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
    long done = syscall(SYS_futex, &own, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, word, operation);
    return done >= 0 || errno != EFAULT;
}

/* The first byte, and the first one of each page after it. */
static bool pointer_probe(const void *memory, size_t size, bool (*probe)(uintptr_t at))
{
    uintptr_t at = (uintptr_t)memory, end = at + size;
    if (end < at)
        return false;
    for (; at < end; at = (at | (POINTER_PAGE - 1)) + 1) {
        if (!probe(at))
            return false;
        if ((at | (POINTER_PAGE - 1)) == UINTPTR_MAX)
            break;
    }
    return true;
}

static int pointer_judge(const struct tcpip_sockets *s, const void *memory, size_t size, bool (*probe)(uintptr_t at))
{
    if (size == 0)
        return 0;
    if (memory == NULL)
        return EFAULT;
    return !s->options.probe_pointers || pointer_probe(memory, size, probe) ? 0 : EFAULT;
}

int tcpip__pointer_readable(const struct tcpip_sockets *s, const void *memory, size_t size)
{
    return pointer_judge(s, memory, size, pointer_probe_read);
}

int tcpip__pointer_writable(const struct tcpip_sockets *s, const void *memory, size_t size)
{
    return pointer_judge(s, memory, size, pointer_probe_write);
}
