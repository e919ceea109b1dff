// SPDX-License-Identifier: MIT
/* table.c: descriptors: which number is which file.
 *
 * A real descriptor is an eventfd that nobody reads: the kernel hands out its number, so a program can keep ours and
 * the kernel's in one table of its own, and they never collide. The kernel's own close() of such a number can't be
 * seen; when the kernel gives the number out again, the file that was there is closed then.
 *
 * Private descriptors cost the kernel nothing, and are the lowest free numbers from first_descriptor on, as POSIX
 * wants.
 *
 * Owns:       descriptors, descriptor_*.
 * Invariants: a number is free (file NULL, not reserved), reserved, or has a file of which it holds a reference;
 *             real descriptors: a number that isn't free is an open descriptor of the kernel's.
 * Not here:   the calls (descriptor.c). */
#include "base/math.h"
#include "socket/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TABLE_ROOM_MIN = 64 };

static int table_first(const struct tcpip_sockets *s)
{
    return s->options.private_descriptors ? s->options.first_descriptor : 0;
}

static struct descriptor *table_entry(const struct tcpip_sockets *s, int fd)
{
    if (fd < table_first(s) || (uint32_t)(fd - table_first(s)) >= s->descriptor_room)
        return NULL;
    return &s->descriptors[fd - table_first(s)];
}

static bool entry_used(const struct descriptor *entry)
{
    return entry->file != NULL || entry->reserved;
}

/* Room for `index`. */
static bool table_grow(struct tcpip_sockets *s, uint32_t index)
{
    uint32_t room = max_u32(s->descriptor_room, TABLE_ROOM_MIN);
    while (room <= index)
        room *= 2;
    if (room == s->descriptor_room)
        return true;
    struct descriptor *descriptors = tcpip__sockets_alloc(s, room * sizeof(*descriptors));
    if (descriptors == NULL)
        return false;
    if (s->descriptor_room > 0)
        memcpy(descriptors, s->descriptors, s->descriptor_room * sizeof(*descriptors));
    tcpip__descriptors_fini(s);
    s->descriptors = descriptors;
    s->descriptor_room = room;
    return true;
}

void tcpip__descriptors_fini(struct tcpip_sockets *s)
{
    if (s->descriptors != NULL)
        tcpip__sockets_dealloc(s, s->descriptors, s->descriptor_room * sizeof(*s->descriptors));
    s->descriptors = NULL;
    s->descriptor_room = 0;
}

struct open_file *tcpip__sockets_file(const struct tcpip_sockets *s, int fd)
{
    const struct descriptor *entry = table_entry(s, fd);
    return entry != NULL ? entry->file : NULL;
}

static int reserve_private(struct tcpip_sockets *s, int lowest, int *fd)
{
    int first = table_first(s);
    uint32_t from = lowest > first ? (uint32_t)(lowest - first) : 0;
    if (lowest > first && from >= s->options.max_descriptors)
        return EMFILE;
    uint32_t index = max_u32(from, s->descriptor_lowest);
    while (index < s->descriptor_room && entry_used(&s->descriptors[index]))
        index++;
    if (index >= s->options.max_descriptors || index > (uint32_t)(INT32_MAX - first))
        return EMFILE;
    if (!table_grow(s, index))
        return ENOMEM;
    if (from <= s->descriptor_lowest)
        s->descriptor_lowest = index + 1;
    s->descriptors[index].reserved = true;
    *fd = first + (int)index;
    return 0;
}

static int reserve_real(struct tcpip_sockets *s, int lowest, int *fd)
{
    int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (number < 0)
        return errno;
    if (number < lowest) {
        int other = fcntl(number, F_DUPFD_CLOEXEC, lowest);
        int why = errno;
        close(number);
        if (other < 0)
            return why;
        number = other;
    }
    if (!table_grow(s, (uint32_t)number)) {
        close(number);
        return ENOMEM;
    }
    struct descriptor *entry = &s->descriptors[number];
    struct open_file *lost = entry->file; /* closed behind our back */
    bool was_reserved = entry->reserved;
    *entry = (struct descriptor){.reserved = true};
    if (lost != NULL || was_reserved)
        s->descriptor_count--;
    if (lost != NULL)
        tcpip__file_unref(lost);
    *fd = number;
    return 0;
}

int tcpip__descriptor_reserve(struct tcpip_sockets *s, int lowest, int *fd)
{
    if (s->descriptor_count >= s->options.max_descriptors)
        return EMFILE;
    int number = s->options.private_descriptors ? reserve_private(s, lowest, fd) : reserve_real(s, lowest, fd);
    if (number == 0)
        s->descriptor_count++;
    return number;
}

void tcpip__descriptor_install(struct tcpip_sockets *s, int fd, struct open_file *file, bool close_on_exec)
{
    struct descriptor *entry = table_entry(s, fd);
    ASSERT(entry != NULL && entry->reserved);
    *entry = (struct descriptor){.file = file, .close_on_exec = close_on_exec};
}

/* The number goes back to whoever hands numbers out. */
static void table_free_number(struct tcpip_sockets *s, int fd)
{
    s->descriptor_count--;
    if (!s->options.private_descriptors)
        close(fd);
    else
        s->descriptor_lowest = min_u32(s->descriptor_lowest, (uint32_t)(fd - table_first(s)));
}

void tcpip__descriptor_cancel(struct tcpip_sockets *s, int fd)
{
    struct descriptor *entry = table_entry(s, fd);
    ASSERT(entry != NULL && entry->reserved);
    *entry = (struct descriptor){0};
    table_free_number(s, fd);
}

struct open_file *tcpip__descriptor_remove(struct tcpip_sockets *s, int fd)
{
    struct descriptor *entry = table_entry(s, fd);
    if (entry == NULL || entry->file == NULL)
        return NULL;
    struct open_file *file = entry->file;
    *entry = (struct descriptor){0};
    table_free_number(s, fd);
    return file;
}

/* Any number may be asked for: one that the kernel would never give must not cost the memory up to it. */
static bool table_kernel_allows(int fd)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)fd < limit.rlim_cur;
}

int tcpip__descriptor_claim(struct tcpip_sockets *s, int from, int fd, struct open_file **was)
{
    *was = NULL;
    if (s->options.private_descriptors) {
        if (fd < table_first(s) || (uint32_t)(fd - table_first(s)) >= s->options.max_descriptors)
            return EBADF;
        if (!table_grow(s, (uint32_t)(fd - table_first(s))))
            return ENOMEM;
    } else {
        if (fd < 0 || !table_kernel_allows(fd))
            return EBADF;
        if (!table_grow(s, (uint32_t)fd))
            return ENOMEM;
        if (table_entry(s, fd)->reserved)
            return EBUSY;
        if (dup3(from, fd, O_CLOEXEC) < 0)
            return errno;
    }
    struct descriptor *entry = table_entry(s, fd);
    if (entry->reserved)
        return EBUSY;
    *was = entry->file;
    if (entry->file == NULL)
        s->descriptor_count++;
    *entry = (struct descriptor){.reserved = true};
    return 0;
}

bool *tcpip__descriptor_close_on_exec(struct tcpip_sockets *s, int fd)
{
    struct descriptor *entry = table_entry(s, fd);
    return entry != NULL && entry->file != NULL ? &entry->close_on_exec : NULL;
}
