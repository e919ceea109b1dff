// SPDX-License-Identifier: MIT
/* view.c: vectors of views.
 *
 * A vectorised view borrows: the array and the references are its caller's, so trimming only moves the window and never
 * releases anything.
 *
 * Invariants:  size is the sum of the lengths of views[0..count).
 * Not here:    single views and the prependable (inline in buffer.h), packets, which own their views (packet.c).
 */
#include "base/assert.h"
#include "base/math.h"

#include <string.h>
#include <tcpip/buffer.h>

void tcpip_vectorised_view_trim_front(struct tcpip_vectorised_view *vv, uint32_t count)
{
    ASSERT(count <= vv->size);
    vv->size -= count;
    while (vv->count > 0 && count >= vv->views->length) {
        count -= vv->views->length;
        vv->views++;
        vv->count--;
    }
    if (count > 0)
        tcpip_view_trim_front(vv->views, count);
}

void tcpip_vectorised_view_cap_length(struct tcpip_vectorised_view *vv, uint32_t length)
{
    if (length >= vv->size)
        return;
    vv->size = length;
    uint32_t i = 0;
    for (; length > 0; i++) {
        tcpip_view_cap_length(&vv->views[i], length);
        length -= vv->views[i].length;
    }
    vv->count = i;
}

size_t tcpip_vectorised_view_copy_out(const struct tcpip_vectorised_view *vv, uint32_t offset, void *out, size_t size)
{
    uint8_t *to = out;
    size_t done = 0;
    for (uint32_t i = 0; i < vv->count && done < size; i++) {
        const struct tcpip_view *view = &vv->views[i];
        if (offset >= view->length) {
            offset -= view->length;
            continue;
        }
        size_t part = min_size(view->length - offset, size - done);
        memcpy(to + done, tcpip_view_data(view) + offset, part);
        done += part;
        offset = 0;
    }
    return done;
}
