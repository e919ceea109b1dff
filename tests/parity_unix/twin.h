// SPDX-License-Identifier: MIT
/* twin.h: one call, and what came of it, in words that fit the kernel's AF_UNIX and the library alike. */
#ifndef TCPIP_TESTS_PARITY_UNIX_TWIN_H
#define TCPIP_TESTS_PARITY_UNIX_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_env;

enum { SLOTS = 7, NAMES = 6, DATA_MAX = 600 };

enum call {
    CALL_NEW, /* size: type */
    CALL_PAIR,
    CALL_CLOSE,
    CALL_BIND, /* name */
    CALL_AUTOBIND,
    CALL_UNLINK,
    CALL_CONNECT,
    CALL_DISCONNECT,
    CALL_LISTEN, /* size: backlog */
    CALL_ACCEPT, /* into other */
    CALL_SEND,   /* size bytes, to name or -1, with references */
    CALL_RECV,   /* size bytes, flag: peek */
    CALL_SHUTDOWN,
    CALL_PASSCRED,
    CALL_READY,
    CALL_LOCAL,
    CALL_REMOTE,
    CALL_UNREAD,
    CALL_ERROR,
    CALL_PEERCRED,
    CALLS
};

struct step {
    enum call call;
    int slot, other;
    int name; /* -1: none; even: abstract, odd: a path */
    uint32_t size;
    bool flag;
    uint32_t references;
    int uid; /* said with SCM_CREDENTIALS; -1: nothing said */
    uint8_t fill;
};

/* All zero but for what the call says. */
struct answer {
    int error; /* errno */
    int64_t value;
    uint32_t bytes, references, message_bytes;
    uint8_t data[DATA_MAX];
    int from; /* index of a name, -1: unnamed, -2: chosen by bind */
    bool has_credentials;
    int64_t pid, uid, gid;
};

enum { SHOWN_UNNAMED = -1, SHOWN_AUTO = -2, SHOWN_STRANGE = -3 };

/* The name's bytes, without a terminating zero; returns the size. */
uint32_t name_bytes(const char *directory, int name, uint8_t *out);
/* The inverse, for what a call has shown. */
int name_index(const char *directory, const uint8_t *bytes, uint32_t size);
const char *call_text(enum call call);

struct kernel;
struct kernel *kernel_new(const char *directory);
void kernel_free(struct kernel *kernel);
void kernel_do(struct kernel *kernel, const struct step *step, struct answer *out);
/* Bytes, overhead included, that a slot has in flight. */
int64_t kernel_in_flight(const struct kernel *kernel, int slot);

struct library;
struct library *library_new(const char *directory);
void library_free(struct library *library);
void library_do(struct library *library, const struct step *step, struct answer *out);
/* References that somebody has. */
uint32_t library_references(const struct library *library);

#endif
