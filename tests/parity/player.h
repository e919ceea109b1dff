// SPDX-License-Identifier: MIT
/* player.h: small programs of socket calls, each run on the kernel's sockets and on the library, over loopback.
 *
 * A program is an array of lines, NULL at the end; each line is one call, and has one line of answer. Sockets are named
 * by a letter; ports P1 to P9 are numbers that were free on the kernel when the program began, and that neither
 * side chooses by itself:
 *
 *     socket4 a | socket6 a            bind a 127.0.0.1 P1           connect a ::1 P1    disconnect a    close a
 *     send a TEXT | sendto a TEXT 127.0.0.1 P1                       TEXT may be @N: N bytes
 *     recv a | recv a N | peek a | next a                            N: at most so many; next: bytes of the next one
 *     name a | peer a | poll a | shutdown a r|w|rw                   set a NAME VALUE | get a NAME
 *     join a 224.1.2.3 | leave a 224.1.2.3                           on the loopback interface
 *     # LIBRARY'S | KERNEL'S           the answers that the next line is known to have: a difference we chose
 */
#ifndef TCPIP_TESTS_PARITY_PLAYER_H
#define TCPIP_TESTS_PARITY_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAYER_SOCKETS = 26, PLAYER_PORTS = 10, PLAYER_WORDS = 6, PLAYER_ANSWER = 256 };

struct player_step {
    char line[160];
    char *word[PLAYER_WORDS];
    int words;
    uint16_t ports[PLAYER_PORTS]; /* what P1 ... stand for */
};

/* The number of a word: a port by its name, else decimal. */
long player_number(const struct player_step *step, const char *word);
/* The data that a word stands for, into `out`; returns how many bytes. */
size_t player_text(const char *word, char *out, size_t size);
/* Data as it is shown: short ones as they are, long ones by their size. */
void player_show_data(char *out, const char *data, size_t size);
/* "127.0.0.1 P1": a port that the program names, "0", or "*" for any other. */
void player_show_address(const struct player_step *step, char *out, size_t size, const char *address, uint16_t port);

struct player_side {
    void *state;
    void (*step)(void *state, const struct player_step *step, char *answer);
};
void kernel_side_new(struct player_side *side);
void kernel_side_free(struct player_side *side);
void library_side_new(struct player_side *side);
/* Asserts that nothing leaked. */
void library_side_free(struct player_side *side);
/* Ports that are free on the kernel now, for both families, and not ephemeral ones. */
void kernel_free_ports(uint16_t *ports, int count);

/* Runs a program on both sides; fails the test at the first line whose answers differ. */
void player_run(const char *const *program);

#endif
