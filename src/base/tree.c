// SPDX-License-Identifier: MIT
/* tree.c: an AVL tree with parent pointers.
 *
 * The heights of two siblings differ by one at most, so that n nodes are at most 1.44 log2(n) high whatever order a
 * peer makes them come in. AVL rather than red-black: the whole of the balancing is one loop upwards that recomputes a
 * height and rotates if the two sides have come to differ by two; insertion and removal share it.
 *
 * Owns:        struct tree_node while linked, but for `spare`.
 * Invariants:  tcpip__tree_check: parents mirror children, heights are right, siblings differ by at most 1.
 * Not here:    keys and their order: the caller's compare.
 */
#include "base/tree.h"

#include "base/assert.h"

static uint32_t tree_height(const struct tree_node *node)
{
    return node == NULL ? 0 : node->height;
}

/* Recomputes node's height from its children's; true if it changed. */
static bool tree_update_height(struct tree_node *node)
{
    uint32_t left = tree_height(node->left), right = tree_height(node->right);
    uint32_t height = (left > right ? left : right) + 1;
    bool changed = height != node->height;
    node->height = height;
    return changed;
}

/* Makes `child` (or nothing) take the place of `node` below node's parent. */
static void tree_replace(struct tree *tree, const struct tree_node *node, struct tree_node *child)
{
    struct tree_node *parent = node->parent;
    if (parent == NULL)
        tree->root = child;
    else if (parent->left == node)
        parent->left = child;
    else
        parent->right = child;
    if (child != NULL)
        child->parent = parent;
}

/*      node             pivot
 *     /    \           /     \
 *    a    pivot  ->  node     c      and its mirror image; returns the pivot
 *        /    \     /    \
 *       b      c   a      b
 */
static struct tree_node *tree_rotate_left(struct tree *tree, struct tree_node *node)
{
    struct tree_node *pivot = node->right;
    tree_replace(tree, node, pivot);
    node->right = pivot->left;
    if (node->right != NULL)
        node->right->parent = node;
    pivot->left = node;
    node->parent = pivot;
    tree_update_height(node);
    tree_update_height(pivot);
    return pivot;
}

static struct tree_node *tree_rotate_right(struct tree *tree, struct tree_node *node)
{
    struct tree_node *pivot = node->left;
    tree_replace(tree, node, pivot);
    node->left = pivot->right;
    if (node->left != NULL)
        node->left->parent = node;
    pivot->right = node;
    node->parent = pivot;
    tree_update_height(node);
    tree_update_height(pivot);
    return pivot;
}

/* Restores heights and balance from `node` upwards, until a height comes out as it was. */
static void tree_rebalance(struct tree *tree, struct tree_node *node)
{
    while (node != NULL) {
        uint32_t left = tree_height(node->left), right = tree_height(node->right), before = node->height;
        if (left > right + 1) {
            if (tree_height(node->left->left) < tree_height(node->left->right))
                tree_rotate_left(tree, node->left);
            node = tree_rotate_right(tree, node);
        } else if (right > left + 1) {
            if (tree_height(node->right->right) < tree_height(node->right->left))
                tree_rotate_right(tree, node->right);
            node = tree_rotate_left(tree, node);
        } else {
            tree_update_height(node);
        }
        if (node->height == before)
            return;
        node = node->parent;
    }
}

/* Hangs `node` as a leaf below `parent`, in the empty place `link`. */
static void tree_link(struct tree *tree, struct tree_node *node, struct tree_node *parent, struct tree_node **link)
{
    ASSERT(!tree_node_linked(node) && *link == NULL);
    node->left = node->right = NULL;
    node->parent = parent;
    node->height = 1;
    *link = node;
    tree_rebalance(tree, parent);
}

struct tree_node *tcpip__tree_insert(struct tree *tree, struct tree_node *node,
                                     int (*compare)(const struct tree_node *node, const void *key), const void *key)
{
    struct tree_node *parent = NULL, **link = &tree->root;
    while (*link != NULL) {
        parent = *link;
        int order = compare(parent, key);
        if (order == 0)
            return parent;
        link = order < 0 ? &parent->right : &parent->left;
    }
    tree_link(tree, node, parent, link);
    return NULL;
}

void tcpip__tree_insert_before(struct tree *tree, struct tree_node *position, struct tree_node *node)
{
    if (position != NULL && position->left == NULL) {
        tree_link(tree, node, position, &position->left);
        return;
    }
    /* Then it goes behind the one before, which has nothing to its right. */
    position = position == NULL ? tcpip__tree_last(tree) : tcpip__tree_prev(position);
    tree_link(tree, node, position, position == NULL ? &tree->root : &position->right);
}

void tcpip__tree_insert_after(struct tree *tree, struct tree_node *position, struct tree_node *node)
{
    if (position != NULL && position->right == NULL) {
        tree_link(tree, node, position, &position->right);
        return;
    }
    position = position == NULL ? tcpip__tree_first(tree) : tcpip__tree_next(position);
    tree_link(tree, node, position, position == NULL ? &tree->root : &position->left);
}

void tcpip__tree_remove(struct tree *tree, struct tree_node *node)
{
    ASSERT(tree_node_linked(node));
    struct tree_node *from = node->parent; /* where balance must be looked at first */
    if (node->left != NULL && node->right != NULL) {
        /* The successor has no left child: it leaves its own place and takes node's. */
        struct tree_node *successor = tcpip__tree_next(node);
        from = successor->parent == node ? successor : successor->parent;
        tree_replace(tree, successor, successor->right);
        successor->left = node->left;
        successor->right = node->right; /* already without the successor */
        successor->height = node->height;
        successor->left->parent = successor;
        if (successor->right != NULL)
            successor->right->parent = successor;
        tree_replace(tree, node, successor);
    } else {
        tree_replace(tree, node, node->left != NULL ? node->left : node->right);
    }
    node->left = node->right = node->parent = NULL;
    node->height = 0;
    tree_rebalance(tree, from);
}

struct tree_node *tcpip__tree_first(const struct tree *tree)
{
    struct tree_node *node = tree->root;
    while (node != NULL && node->left != NULL)
        node = node->left;
    return node;
}

struct tree_node *tcpip__tree_last(const struct tree *tree)
{
    struct tree_node *node = tree->root;
    while (node != NULL && node->right != NULL)
        node = node->right;
    return node;
}

struct tree_node *tcpip__tree_next(const struct tree_node *node)
{
    ASSERT(tree_node_linked(node));
    if (node->right != NULL) {
        const struct tree below = {node->right};
        return tcpip__tree_first(&below);
    }
    while (node->parent != NULL && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tcpip__tree_prev(const struct tree_node *node)
{
    ASSERT(tree_node_linked(node));
    if (node->left != NULL) {
        const struct tree below = {node->left};
        return tcpip__tree_last(&below);
    }
    while (node->parent != NULL && node->parent->left == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tcpip__tree_lower_bound(const struct tree *tree,
                                          int (*compare)(const struct tree_node *node, const void *key),
                                          const void *key)
{
    struct tree_node *node = tree->root, *best = NULL;
    while (node != NULL) {
        if (compare(node, key) < 0) {
            node = node->right;
        } else {
            best = node;
            node = node->left;
        }
    }
    return best;
}

struct tree_node *tcpip__tree_floor(const struct tree *tree,
                                    int (*compare)(const struct tree_node *node, const void *key), const void *key)
{
    struct tree_node *node = tree->root, *best = NULL;
    while (node != NULL) {
        if (compare(node, key) > 0) {
            node = node->left;
        } else {
            best = node;
            node = node->right;
        }
    }
    return best;
}

struct tree_node *tcpip__tree_find(const struct tree *tree,
                                   int (*compare)(const struct tree_node *node, const void *key), const void *key)
{
    struct tree_node *node = tcpip__tree_lower_bound(tree, compare, key);
    return node != NULL && compare(node, key) == 0 ? node : NULL;
}

size_t tcpip__tree_check(const struct tree *tree)
{
    size_t count = 0;
    ASSERT(tree->root == NULL || tree->root->parent == NULL);
    for (const struct tree_node *node = tcpip__tree_first(tree); node != NULL; node = tcpip__tree_next(node)) {
        uint32_t left = tree_height(node->left), right = tree_height(node->right);
        ASSERT(node->left == NULL || node->left->parent == node);
        ASSERT(node->right == NULL || node->right->parent == node);
        ASSERT(node->height == (left > right ? left : right) + 1);
        ASSERT(left <= right + 1 && right <= left + 1);
        count++;
    }
    return count;
}
