// SPDX-License-Identifier: MIT
/* tree.h: intrusive balanced search tree (AVL). Insertion, removal and search are O(log n), next and prev O(1)
 * amortised.
 *
 * The tree knows no keys: `compare(node, key)` says whether `node` lies before (< 0), at (0) or after (> 0) `key`. Keys
 * are unique. A zeroed node is in no tree. */
#ifndef TCPIP_SRC_BASE_TREE_H
#define TCPIP_SRC_BASE_TREE_H

#include "base/compiler.h"

struct tree_node {
    struct tree_node *left, *right, *parent;
    uint32_t height; /* of the subtree, a leaf has 1; 0: in no tree */
    uint32_t spare;  /* the owner's: would be padding */
};

struct tree {
    struct tree_node *root; /* NULL: empty */
};

#define tree_entry(node, type, member) container_of(node, type, member)

static inline void tree_init(struct tree *tree)
{
    tree->root = NULL;
}

static inline bool tree_empty(const struct tree *tree)
{
    return tree->root == NULL;
}

static inline bool tree_node_linked(const struct tree_node *node)
{
    return node->height != 0;
}

/* Inserts `node`, whose key is `key`. Returns NULL, or the node that has that key already; then nothing is changed. */
must_use struct tree_node *tcpip__tree_insert(struct tree *tree, struct tree_node *node,
                                              int (*compare)(const struct tree_node *node, const void *key),
                                              const void *key);
/* Inserts `node` directly before or after `position` (NULL: at the end, or at the start): for who knows the place. */
void tcpip__tree_insert_before(struct tree *tree, struct tree_node *position, struct tree_node *node);
void tcpip__tree_insert_after(struct tree *tree, struct tree_node *position, struct tree_node *node);
void tcpip__tree_remove(struct tree *tree, struct tree_node *node);

/* NULL when there is none. */
struct tree_node *tcpip__tree_first(const struct tree *tree);
struct tree_node *tcpip__tree_last(const struct tree *tree);
struct tree_node *tcpip__tree_next(const struct tree_node *node);
struct tree_node *tcpip__tree_prev(const struct tree_node *node);
struct tree_node *tcpip__tree_find(const struct tree *tree,
                                   int (*compare)(const struct tree_node *node, const void *key), const void *key);
/* The first node that doesn't lie before `key`. */
struct tree_node *tcpip__tree_lower_bound(const struct tree *tree,
                                          int (*compare)(const struct tree_node *node, const void *key),
                                          const void *key);
/* The last node that doesn't lie after `key`. */
struct tree_node *tcpip__tree_floor(const struct tree *tree,
                                    int (*compare)(const struct tree_node *node, const void *key), const void *key);
/* Asserts parents, heights and balance of the whole tree; returns the number of nodes. For debug builds and tests. */
size_t tcpip__tree_check(const struct tree *tree);

STATIC_ASSERT(sizeof(struct tree_node) <= 32);

#endif
