// SPDX-License-Identifier: MIT
/* call_error.c: what is told beside the data: stamps of sent bytes, and writes whose bytes were lent.
 *
 *   setsockopt(4, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_TX_SOFTWARE], 4) = 0
 *   send(4, ..., 1000, MSG_ZEROCOPY) = 1000
 *   recvmsg(4, {ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_info=SCM_TSTAMP_ACK, ee_data=999, at_us=100000},
 *           MSG_ERRQUEUE) = 0
 *   recvmsg(4, {ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_code=0, ee_info=0, ee_data=0}, MSG_ERRQUEUE) = 0
 *
 * The members are those of Linux's struct sock_extended_err, and when it happened, in microseconds since the start of
 * the script. Those that a script doesn't name aren't looked at.
 *
 * Lent bytes belong to the stack until it says otherwise, so they are overwritten the moment it does: what it might
 * still send of them would be wrong on the wire, and the run fails. */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h> /* needs time.h */
#include <linux/net_tstamp.h>

uint32_t call_stamps(int64_t timestamping)
{
    return ((timestamping & SOF_TIMESTAMPING_TX_SCHED) != 0 ? TCPIP_WRITE_STAMP_SCHEDULED : 0) |
           ((timestamping & SOF_TIMESTAMPING_TX_SOFTWARE) != 0 ? TCPIP_WRITE_STAMP_SENT : 0) |
           ((timestamping & SOF_TIMESTAMPING_TX_ACK) != 0 ? TCPIP_WRITE_STAMP_ACKED : 0);
}

/* ---- the queue ---- */

static int64_t record_origin(const struct tcpip_error_record *record)
{
    switch (record->origin) {
    case TCPIP_ERROR_FROM_ICMP:
        return SO_EE_ORIGIN_ICMP;
    case TCPIP_ERROR_FROM_ICMPV6:
        return SO_EE_ORIGIN_ICMP6;
    case TCPIP_ERROR_FROM_HERE:
        return SO_EE_ORIGIN_LOCAL;
    case TCPIP_ERROR_FROM_COPY:
        return SO_EE_ORIGIN_ZEROCOPY;
    case TCPIP_ERROR_FROM_SCHEDULING:
    case TCPIP_ERROR_FROM_SENDING:
    case TCPIP_ERROR_FROM_ACKNOWLEDGMENT:
        break;
    }
    return SO_EE_ORIGIN_TIMESTAMPING;
}

static int64_t record_info(const struct tcpip_error_record *record)
{
    switch (record->origin) {
    case TCPIP_ERROR_FROM_SCHEDULING:
        return SCM_TSTAMP_SCHED;
    case TCPIP_ERROR_FROM_SENDING:
        return SCM_TSTAMP_SND;
    case TCPIP_ERROR_FROM_ACKNOWLEDGMENT:
        return SCM_TSTAMP_ACK;
    case TCPIP_ERROR_FROM_COPY:
        return (int64_t)record->first;
    default:
        return record->info;
    }
}

static void expect_member(struct call *call, const struct expr *expected, const char *key, int64_t actual)
{
    const struct expr *member = expr_member(expected, key);
    if (member != NULL && member->kind == EXPR_NUMBER && member->number != actual)
        snprintf(call->wrong, sizeof call->wrong, "%s is %" PRId64 ", not %" PRId64, key, actual, member->number);
}

void call_error_queue(struct call *call, struct socket *socket)
{
    static const char *const members[] = {"ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data", "at_us"};
    const struct expr *expected = call_argument(call, 1);
    for (size_t i = 0; expected != NULL && i < expected->count; i++) {
        size_t known = 0;
        while (known < sizeof members / sizeof members[0] &&
               (expected->items[i].key == NULL || strcmp(members[known], expected->items[i].key) != 0))
            known++;
        if (known == sizeof members / sizeof members[0]) {
            snprintf(call->wrong, sizeof call->wrong, "recvmsg with MSG_ERRQUEUE takes {ee_origin=, ee_info=, ...}");
            return;
        }
    }
    struct tcpip_error_record record;
    enum tcpip_error error = tcpip_endpoint_read_error(socket->endpoint, &record, NULL, 0);
    call_end(call, error);
    if (error != TCPIP_OK)
        return;
    bool of_copy = record.origin == TCPIP_ERROR_FROM_COPY;
    if (of_copy)
        world_lent_back(call->world, socket, record.first, record.last);
    if (expected == NULL || expected->kind != EXPR_STRUCT)
        return;
    expect_member(call, expected, "ee_errno", call_errno(record.error));
    expect_member(call, expected, "ee_origin", record_origin(&record));
    expect_member(call, expected, "ee_type", record.type);
    expect_member(call, expected, "ee_code", of_copy && record.copied ? SO_EE_CODE_ZEROCOPY_COPIED : record.code);
    expect_member(call, expected, "ee_info", record_info(&record));
    expect_member(call, expected, "ee_data", (int64_t)(of_copy ? record.last : record.first));
    expect_member(call, expected, "at_us", (record.at - call->world->variant.start) / TCPIP_US);
}
