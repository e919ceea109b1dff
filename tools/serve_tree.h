// SPDX-License-Identifier: MIT
/* serve_tree.h: the files under one folder, and nothing outside it. Paths are those of struct http_request: decoded,
 * without ".." or empty segments, "" for the folder itself. */
#ifndef TCPIP_TOOLS_SERVE_TREE_H
#define TCPIP_TOOLS_SERVE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a file or a folder for reading, never blocking; -1 and errno. */
int tree_open(int root, const char *path);
/* The HTTP status of an errno. */
int tree_status(int number);
/* A page that lists the open folder `fd`, which keeps being the caller's; malloc'd, NULL: out of memory. */
char *tree_list(int fd, const char *path, size_t *size);
/* `path` with everything escaped that isn't plain, and a slash before it; malloc'd or NULL. */
char *tree_escape(const char *path);

/* A file being written, under another name until it is whole. */
struct upload {
    int folder, fd; /* -1: none */
    char temporary[40];
    char name[NAME_MAX + 1];
    uint64_t bytes;
};

void upload_init(struct upload *upload);
/* Returns 0 or the status that is the answer. */
int upload_begin(struct upload *upload, int root, const char *path);
/* Moves it to its name. Returns 201, 204 (it replaced a file) or the status of a failure. */
int upload_commit(struct upload *upload);
/* Removes what was written. Nothing if there is none. */
void upload_abort(struct upload *upload);

#endif
