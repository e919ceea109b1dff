// SPDX-License-Identifier: MIT
/* list.h: intrusive doubly linked list over the public struct tcpip_list_node.
 *
 * Circular through a head, so that nothing here branches. A node that is in no list is {NULL, NULL} (so zeroed memory
 * is a valid unlinked node), and every removal makes it so again: list_node_linked() can be trusted, and a double
 * removal asserts. */
#ifndef TCPIP_SRC_BASE_LIST_H
#define TCPIP_SRC_BASE_LIST_H

#include "base/assert.h"
#include "base/compiler.h"

struct list {
    struct tcpip_list_node head; /* next: first, prev: last; itself when empty. A list can't be moved in memory. */
};

#define list_entry(node, type, member) container_of(node, type, member)

/* `node` must stay in the list during the body; with _safe it may be removed or freed, `following` may not. */
#define list_for_each(node, list) \
    for (struct tcpip_list_node *node = (list)->head.next; node != &(list)->head; node = node->next)
#define list_for_each_safe(node, following, list)                                                          \
    for (struct tcpip_list_node *node = (list)->head.next, *following = node->next; node != &(list)->head; \
         node = following, following = following->next)

static inline void list_init(struct list *list)
{
    list->head.next = list->head.prev = &list->head;
}

static inline void list_node_init(struct tcpip_list_node *node)
{
    node->next = node->prev = NULL;
}

static inline bool list_node_linked(const struct tcpip_list_node *node)
{
    return node->next != NULL;
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

/* First, last, the one after and the one before; NULL when there is none. */
static inline struct tcpip_list_node *list_first(const struct list *list)
{
    return list_empty(list) ? NULL : list->head.next;
}

static inline struct tcpip_list_node *list_last(const struct list *list)
{
    return list_empty(list) ? NULL : list->head.prev;
}

static inline struct tcpip_list_node *list_next(const struct list *list, const struct tcpip_list_node *node)
{
    return node->next == &list->head ? NULL : node->next;
}

static inline struct tcpip_list_node *list_prev(const struct list *list, const struct tcpip_list_node *node)
{
    return node->prev == &list->head ? NULL : node->prev;
}

/* `node` is in no list; `position` is a node of the list, or its head. */
static inline void list_insert_before(struct tcpip_list_node *position, struct tcpip_list_node *node)
{
    ASSERT(!list_node_linked(node));
    node->next = position;
    node->prev = position->prev;
    position->prev->next = node;
    position->prev = node;
}

static inline void list_insert_after(struct tcpip_list_node *position, struct tcpip_list_node *node)
{
    list_insert_before(position->next, node);
}

static inline void list_push_back(struct list *list, struct tcpip_list_node *node)
{
    list_insert_before(&list->head, node);
}

static inline void list_push_front(struct list *list, struct tcpip_list_node *node)
{
    list_insert_after(&list->head, node);
}

static inline void list_remove(struct tcpip_list_node *node)
{
    ASSERT(list_node_linked(node));
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_node_init(node);
}

/* As list_remove, and nothing if it is in no list. */
static inline void list_remove_if_linked(struct tcpip_list_node *node)
{
    if (list_node_linked(node))
        list_remove(node);
}

/* NULL when empty. */
static inline struct tcpip_list_node *list_pop_front(struct list *list)
{
    struct tcpip_list_node *node = list_first(list);
    if (node != NULL)
        list_remove(node);
    return node;
}

static inline struct tcpip_list_node *list_pop_back(struct list *list)
{
    struct tcpip_list_node *node = list_last(list);
    if (node != NULL)
        list_remove(node);
    return node;
}

/* Moves all of `from` to the end of `to`, in order; `from` is empty afterwards. */
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    from->head.prev->next = &to->head;
    to->head.prev->next = from->head.next;
    to->head.prev = from->head.prev;
    list_init(from);
}

#endif
