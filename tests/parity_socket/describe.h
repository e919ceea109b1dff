// SPDX-License-Identifier: MIT
/* describe.h: words for flags, events and control messages; where lines go. */
#ifndef TCPIP_TESTS_PARITY_DESCRIBE_H
#define TCPIP_TESTS_PARITY_DESCRIBE_H

#include "play.h"

enum { ALL_EVENTS = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND };

char *play_buffer(void); /* one of a few, 400 bytes */
void play_line(const char *line);
const char *message_flags_text(int flags);
/* One line for each control message. */
void say_control(struct msghdr *message);

#endif
