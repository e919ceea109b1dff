// SPDX-License-Identifier: MIT
/* serve_tree.c: the files under one folder, and nothing outside it.
 *
 * A path is walked segment by segment from the root's descriptor, and no symbolic link is followed: so whoever can
 * write into the tree can't make the server read beyond it, and there is no moment between a check and a use.
 *
 * An upload is written under a name of its own in the folder it is for, and renamed when it is whole: a reader sees the
 * old file or the new one, and a broken transfer leaves neither a part nor a gap. Such names can't be asked for.
 *
 * Owns:        the descriptors of an upload.
 * Not here:    HTTP (http.c), what is done with the files (serve_reply.c, serve_conn.c). */
#include "serve_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPLOAD_PREFIX ".tcpip-upload-"

enum { LIST_MAX = 10000 }; /* entries of one page */

/* ---- walking ---- */

/* Copies the segment at `*path` and moves on to the next; false: too long, or not for others. */
static bool take_segment(const char **path, char out[NAME_MAX + 1])
{
    size_t length = strcspn(*path, "/");
    if (length > NAME_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(out, *path, length);
    out[length] = '\0';
    *path += length;
    if (**path == '/')
        ++*path;
    if (strncmp(out, UPLOAD_PREFIX, sizeof(UPLOAD_PREFIX) - 1) == 0) {
        errno = ENOENT;
        return false;
    }
    return true;
}

static void close_quietly(int fd)
{
    int number = errno;
    close(fd);
    errno = number;
}

/* The folder that the last segment of `path` is in, and that segment; "." for the root itself. */
static int open_parent(int root, const char *path, char last[NAME_MAX + 1])
{
    int folder = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    memcpy(last, ".", 2);
    while (folder >= 0 && *path != '\0') {
        if (!take_segment(&path, last)) {
            close_quietly(folder);
            return -1;
        }
        if (*path == '\0')
            break;
        int next = openat(folder, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close_quietly(folder);
        folder = next;
    }
    return folder;
}

int tree_open(int root, const char *path)
{
    char last[NAME_MAX + 1];
    int folder = open_parent(root, path, last);
    if (folder < 0)
        return -1;
    /* A named pipe would block until somebody writes. */
    int fd = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    close_quietly(folder);
    return fd;
}

int tree_status(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP: /* a symbolic link */
    case ENXIO:
    case ENAMETOOLONG:
        return 404;
    case EACCES:
    case EPERM:
    case EROFS:
        return 403;
    case EISDIR:
    case EEXIST:
        return 409;
    case EFBIG:
        return 413;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    case ENOSPC:
    case EDQUOT:
        return 507;
    default:
        return 500;
    }
}

/* ---- listing ---- */

static void write_escaped_url(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~/", c) != NULL)
            fputc(c, out);
        else
            fprintf(out, "%%%02X", c);
    }
}

static void write_escaped_html(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("&<>\"'", *text) != NULL)
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    }
}

char *tree_escape(const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputc('/', out);
    write_escaped_url(out, path);
    return fclose(out) == 0 ? text : (free(text), NULL);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads the names in a folder into names[], folders with a slash behind them; returns how many. */
static size_t read_names(DIR *folder, char **names)
{
    size_t count = 0;
    struct dirent *entry;
    while (count < LIST_MAX && (entry = readdir(folder)) != NULL) {
        struct stat stat;
        char name[NAME_MAX + 2];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strncmp(entry->d_name, UPLOAD_PREFIX, sizeof(UPLOAD_PREFIX) - 1) == 0)
            continue;
        if (fstatat(dirfd(folder), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
            !(S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)))
            continue;
        snprintf(name, sizeof(name), "%.255s%s", entry->d_name, S_ISDIR(stat.st_mode) ? "/" : "");
        names[count] = strdup(name);
        if (names[count] == NULL)
            break;
        count++;
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    return count;
}

static void write_list(FILE *out, const char *path, char **names, size_t count)
{
    fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>/", out);
    write_escaped_html(out, path);
    fputs("</title>\n<h1>/", out);
    write_escaped_html(out, path);
    fputs("</h1>\n<ul>\n", out);
    if (*path != '\0')
        fputs("<li><a href=\"../\">../</a>\n", out);
    for (size_t i = 0; i < count; i++) {
        fputs("<li><a href=\"./", out); /* or a colon in the name would be a scheme */
        write_escaped_url(out, names[i]);
        fputs("\">", out);
        write_escaped_html(out, names[i]);
        fputs("</a>\n", out);
        free(names[i]);
    }
    fputs("</ul>\n", out);
    if (count == LIST_MAX)
        fprintf(out, "<p>These are %d; there are more.\n", LIST_MAX);
}

char *tree_list(int fd, const char *path, size_t *size)
{
    char *text = NULL, **names = malloc(LIST_MAX * sizeof(names[0]));
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = own >= 0 ? fdopendir(own) : NULL;
    FILE *out = names != NULL && folder != NULL ? open_memstream(&text, size) : NULL;
    if (out != NULL) {
        size_t count = read_names(folder, names);
        write_list(out, path, names, count);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    if (folder != NULL)
        closedir(folder);
    else if (own >= 0)
        close(own);
    free(names);
    return text;
}

/* ---- uploads ---- */

void upload_init(struct upload *upload)
{
    upload->folder = upload->fd = -1;
    upload->bytes = 0;
}

static int upload_fail(struct upload *upload)
{
    int status = tree_status(errno);
    upload_abort(upload);
    return status;
}

int upload_begin(struct upload *upload, int root, const char *path)
{
    struct stat stat;
    uint64_t number;
    upload->folder = open_parent(root, path, upload->name);
    if (upload->folder < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 409 : tree_status(errno); /* no such folder */
    /* A folder, or anything else that isn't a file, is not replaced. */
    if (fstatat(upload->folder, upload->name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(stat.st_mode)) {
        errno = EISDIR;
        return upload_fail(upload);
    }
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        return upload_fail(upload);
    snprintf(upload->temporary, sizeof(upload->temporary), UPLOAD_PREFIX "%016llx", (unsigned long long)number);
    upload->fd = openat(upload->folder, upload->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    upload->bytes = 0;
    return upload->fd < 0 ? upload_fail(upload) : 0;
}

int upload_commit(struct upload *upload)
{
    struct stat stat;
    bool replaces = fstatat(upload->folder, upload->name, &stat, AT_SYMLINK_NOFOLLOW) == 0;
    int failed = close(upload->fd);
    upload->fd = -1;
    if (failed != 0 || renameat(upload->folder, upload->temporary, upload->folder, upload->name) != 0) {
        int status = tree_status(errno);
        unlinkat(upload->folder, upload->temporary, 0);
        upload_abort(upload);
        return status;
    }
    close(upload->folder);
    upload->folder = -1;
    return replaces ? 204 : 201;
}

void upload_abort(struct upload *upload)
{
    if (upload->fd >= 0) {
        close(upload->fd);
        unlinkat(upload->folder, upload->temporary, 0);
    }
    if (upload->folder >= 0)
        close(upload->folder);
    upload->folder = upload->fd = -1;
}
