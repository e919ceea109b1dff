// SPDX-License-Identifier: MIT
/* options_signature.c: TCP_MD5SIG, TCP_MD5SIG_EXT and TCP_AO_...: the keys of signed connections.
 *
 * The kernel's structs, flags and errors; an interface index, which must be a VRF's there, is a NIC here. A key has 80
 * bytes at most, a port can't be named: the core allows more (tcpip/signature.h).
 *
 * Owns:     nothing.
 * Not here: what keys do (transport/tcp/tcp_key.c). */
#include "base/math.h"
#include "socket/linux_tcp_ao.h"
#include "socket/option_table.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <tcpip/signature.h>
#include <tcpip/stack.h>

/* Both kinds of options begin with a struct that later kernels may make longer: what is behind ours must be zeros. */
static int read_struct(const struct option_call *call, void *out, size_t size)
{
    if (call->in_length < (int)size)
        return EINVAL;
    if (tcpip__option_readable(call, (size_t)call->in_length) != 0)
        return EFAULT;
    memcpy(out, call->in, size);
    for (size_t i = size; i < (size_t)call->in_length; i++)
        if (((const uint8_t *)call->in)[i] != 0)
            return E2BIG;
    return 0;
}

/* The peers that an address and a prefix mean, of the socket's family; bits < 0: that one. Host bits are cleared. */
static int signature_prefix(const struct option_call *call, const void *address, int bits, struct tcpip_prefix *out,
                            uint16_t *port)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, address, sizeof(in));
    memcpy(&in6, address, sizeof(in6));
    *out = (struct tcpip_prefix){.bits = 0};
    if (call->socket->domain == AF_INET) {
        if (in.sin_family != AF_INET)
            return EINVAL;
        out->address.len = 4;
        memcpy(out->address.bytes, &in.sin_addr, 4);
    } else {
        if (in6.sin6_family != AF_INET6)
            return EINVAL;
        struct tcpip_address six = tcpip_address_v6(in6.sin6_addr.s6_addr);
        out->address = tcpip_address_from_mapped(&six);
    }
    *port = ntohs(in.sin_port); /* at the same place in both */
    int whole = out->address.len * 8;
    if (bits > whole)
        return EINVAL;
    out->bits = (uint8_t)(bits < 0 ? whole : bits);
    return 0;
}

static bool signature_has_host_bits(const struct tcpip_prefix *prefix)
{
    for (unsigned bit = prefix->bits; bit < 8u * prefix->address.len; bit++)
        if ((prefix->address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    return false;
}

static void signature_clear_host_bits(struct tcpip_prefix *prefix)
{
    for (unsigned bit = prefix->bits; bit < 8u * prefix->address.len; bit++)
        prefix->address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static bool signature_nic_exists(const struct option_call *call, int32_t ifindex)
{
    struct tcpip_nic_info info;
    return ifindex > 0 && tcpip_stack_nic_info(call->sockets->stack, (uint32_t)ifindex, &info) == TCPIP_OK;
}

static int signature_errno(enum tcpip_error error)
{
    return error == TCPIP_OK ? 0 : tcpip__socket_errno(SOCKET_CALL_OPTION, error);
}

/* ---- TCP-MD5 ---- */

int tcpip__option_md5_set(const struct option_call *call)
{
    struct tcp_md5sig in;
    struct tcpip_tcp_md5_key key = {.size = sizeof(key)};
    uint16_t port;
    if (call->in_length < (int)sizeof(in))
        return EINVAL;
    if (tcpip__option_readable(call, sizeof(in)) != 0)
        return EFAULT;
    memcpy(&in, call->in, sizeof(in));
    bool extended = call->row->name == TCP_MD5SIG_EXT;
    bool has_prefix = extended && (in.tcpm_flags & TCP_MD5SIG_FLAG_PREFIX) != 0;
    int number = signature_prefix(call, &in.tcpm_addr, has_prefix ? (int)in.tcpm_prefixlen : -1, &key.peer, &port);
    if (number != 0)
        return number;
    signature_clear_host_bits(&key.peer);
    if (extended && (in.tcpm_flags & TCP_MD5SIG_FLAG_IFINDEX) != 0 && in.tcpm_ifindex != 0) {
        if (!signature_nic_exists(call, in.tcpm_ifindex))
            return EINVAL;
        key.nic = (uint32_t)in.tcpm_ifindex;
    }
    if (in.tcpm_keylen == 0)
        return signature_errno(tcpip_tcp_md5_key_remove(call->socket->endpoint, &key));
    if (in.tcpm_keylen > TCP_MD5SIG_MAXKEYLEN)
        return EINVAL;
    key.secret = in.tcpm_key;
    key.secret_bytes = in.tcpm_keylen;
    return signature_errno(tcpip_tcp_md5_key_set(call->socket->endpoint, &key));
}

/* ---- TCP-AO ---- */

enum {
    AO_FLAGS = LINUX_AO_FLAG_IFINDEX | LINUX_AO_FLAG_EXCLUDE_OPTIONS,
    AO_MAC_MAX = 16, /* what fits beside the other options of a SYN */
};

static const struct {
    const char *name;
    enum tcpip_tcp_ao_algorithm algorithm;
} ao_algorithms[] = {
    {"hmac(sha1)", TCPIP_TCP_AO_HMAC_SHA1},
    {"cmac(aes128)", TCPIP_TCP_AO_AES_128_CMAC},
};

/* The peers of a key: an address only with a prefix, a prefix only with an address, and no port. */
static int ao_prefix(const struct option_call *call, const struct sockaddr_storage *address, uint8_t bits,
                     struct tcpip_prefix *out)
{
    uint16_t port = 0;
    int number = signature_prefix(call, address, bits, out, &port);
    if (number != 0)
        return number;
    bool any = tcpip_address_is_unspecified(&out->address);
    return port != 0 || any != (bits == 0) || signature_has_host_bits(out) ? EINVAL : 0;
}

static int ao_nic(const struct option_call *call, uint8_t flags, int32_t ifindex, int unknown, uint32_t *out)
{
    if ((flags & ~AO_FLAGS) != 0 || ((flags & LINUX_AO_FLAG_IFINDEX) == 0 && ifindex != 0))
        return EINVAL;
    if (ifindex != 0 && !signature_nic_exists(call, ifindex))
        return unknown;
    *out = (uint32_t)ifindex;
    return 0;
}

static int ao_read_algorithm(const char name[LINUX_AO_NAME_MAX], enum tcpip_tcp_ao_algorithm *out)
{
    for (size_t i = 0; i < array_count(ao_algorithms); i++) {
        if (strncmp(name, ao_algorithms[i].name, LINUX_AO_NAME_MAX) == 0) {
            *out = ao_algorithms[i].algorithm;
            return 0;
        }
    }
    return ENOENT;
}

int tcpip__option_ao_add(const struct option_call *call)
{
    struct linux_ao_add in;
    int number = read_struct(call, &in, sizeof(in));
    if (number != 0)
        return number;
    struct tcpip_tcp_ao_key key = {
        .size = sizeof(key),
        .secret = in.key,
        .secret_bytes = in.key_bytes,
        .send_id = in.send_id,
        .receive_id = in.receive_id,
        .mac_bytes = in.mac_bytes,
        .exclude_options = (in.flags & LINUX_AO_FLAG_EXCLUDE_OPTIONS) != 0,
        .set_current = in.set_current,
        .set_next = in.set_next,
    };
    if (in.key_bytes > LINUX_AO_KEY_MAX || in.reserved != 0 || in.reserved2 != 0)
        return EINVAL;
    number = ao_prefix(call, &in.address, in.prefix, &key.peer);
    if (number == 0)
        number = ao_nic(call, in.flags, in.ifindex, EINVAL, &key.nic);
    if (number == 0)
        number = ao_read_algorithm(in.algorithm, &key.algorithm);
    if (number != 0)
        return number;
    if (in.mac_bytes > AO_MAC_MAX)
        return EMSGSIZE;
    return signature_errno(tcpip_tcp_ao_key_add(call->socket->endpoint, &key));
}

int tcpip__option_ao_remove(const struct option_call *call)
{
    struct linux_ao_del in;
    int number = read_struct(call, &in, sizeof(in));
    if (number != 0)
        return number;
    struct tcpip_tcp_ao_key_removal removal = {
        .size = sizeof(removal),
        .send_id = in.send_id,
        .receive_id = in.receive_id,
        .set_current = in.set_current,
        .set_next = in.set_next,
        .current_send_id = in.current_id,
        .next_receive_id = in.next_id,
    };
    if (in.reserved != 0 || in.reserved2 != 0 || (in.async && !call->socket->listening))
        return EINVAL;
    number = ao_nic(call, in.flags, in.ifindex, ENOENT, &removal.nic);
    if (number == 0)
        number = ao_prefix(call, &in.address, in.prefix, &removal.peer);
    return number != 0 ? number : signature_errno(tcpip_tcp_ao_key_remove(call->socket->endpoint, &removal));
}

int tcpip__option_ao_info_set(const struct option_call *call)
{
    struct linux_ao_info in;
    int number = read_struct(call, &in, sizeof(in));
    if (number != 0)
        return number;
    if (in.reserved != 0 || in.reserved2 != 0)
        return EINVAL;
    struct tcpip_tcp_ao_info info = {
        .size = sizeof(info),
        .set_current = in.set_current,
        .set_next = in.set_next,
        .set_counters = in.set_counters,
        .required = in.required,
        .accept_icmps = in.accept_icmps,
        .current_id = in.current_id,
        .next_id = in.next_id,
        .good = in.good,
        .bad = in.bad,
        .key_not_found = in.key_not_found,
        .ao_required = in.ao_required,
        .dropped_icmp = in.dropped_icmp,
    };
    return signature_errno(tcpip_tcp_ao_set(call->socket->endpoint, &info));
}

int tcpip__option_ao_info_get(const struct option_call *call)
{
    struct tcpip_tcp_ao_info info = {.size = sizeof(info)};
    enum tcpip_error error = tcpip_tcp_ao_get(call->socket->endpoint, &info);
    if (error != TCPIP_OK)
        return signature_errno(error);
    struct linux_ao_info out;
    memset(&out, 0, sizeof(out));
    out.set_current = info.set_current;
    out.set_next = info.set_next;
    out.required = info.required;
    out.accept_icmps = info.accept_icmps;
    out.current_id = info.current_id;
    out.next_id = info.next_id;
    out.good = info.good;
    out.bad = info.bad;
    out.key_not_found = info.key_not_found;
    out.ao_required = info.ao_required;
    out.dropped_icmp = info.dropped_icmp;
    return call->room == 0 ? EINVAL : tcpip__option_answer(call, &out, sizeof(out));
}

static void ao_key_tell(const struct option_call *call, const struct tcpip_tcp_ao_key_info *info,
                        struct linux_ao_key *out)
{
    const struct tcpip_tcp_ao_key *key = &info->key;
    memset(out, 0, sizeof(*out));
    if (call->socket->domain == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        memcpy(&in.sin_addr, key->peer.address.bytes, 4);
        memcpy(&out->address, &in, sizeof(in));
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        struct tcpip_address mapped = tcpip_address_to_mapped(&key->peer.address);
        memcpy(&in6.sin6_addr, mapped.bytes, 16);
        memcpy(&out->address, &in6, sizeof(in6));
    }
    for (size_t i = 0; i < array_count(ao_algorithms); i++)
        if (ao_algorithms[i].algorithm == key->algorithm)
            memcpy(out->algorithm, ao_algorithms[i].name, strlen(ao_algorithms[i].name));
    out->key_bytes = (uint8_t)min_size(key->secret_bytes, LINUX_AO_KEY_MAX);
    memcpy(out->key, key->secret, out->key_bytes);
    out->is_current = key->set_current;
    out->is_next = key->set_next;
    out->send_id = key->send_id;
    out->receive_id = key->receive_id;
    out->prefix = key->peer.bits;
    out->mac_bytes = key->mac_bytes;
    out->ifindex = (int32_t)key->nic;
    out->flags =
        (uint8_t)((key->exclude_options ? LINUX_AO_FLAG_EXCLUDE_OPTIONS : 0) | (key->nic ? LINUX_AO_FLAG_IFINDEX : 0));
    out->good = info->good;
    out->bad = info->bad;
}

/* Which keys TCP_AO_GET_KEYS asks for. */
struct ao_question {
    struct linux_ao_key in;
    struct tcpip_prefix peer;
    uint32_t nic;
    bool by_address;
};

static bool ao_asked_for(const struct ao_question *question, const struct tcpip_tcp_ao_key *key)
{
    const struct linux_ao_key *in = &question->in;
    if (in->get_all)
        return true;
    if (in->is_current || in->is_next)
        return (in->is_current && key->set_current) || (in->is_next && key->set_next);
    if (question->by_address &&
        (key->peer.bits != question->peer.bits || !tcpip_address_equal(&key->peer.address, &question->peer.address)))
        return false;
    return key->send_id == in->send_id && key->receive_id == in->receive_id && key->nic == question->nic;
}

/* The first struct of the caller's array says which keys, and how many there is room for. */
static int ao_question_read(const struct option_call *call, struct ao_question *out)
{
    memset(out, 0, sizeof(*out));
    if (call->room <= 0)
        return EINVAL;
    size_t size = min_size((size_t)call->room, sizeof(out->in));
    if (tcpip__pointer_readable(call->sockets, call->out, size) != 0 ||
        tcpip__pointer_writable(call->sockets, call->out, size) != 0)
        return EFAULT;
    memcpy(&out->in, call->out, size);
    const struct linux_ao_key *in = &out->in;
    if (in->good != 0 || in->bad != 0 || in->reserved != 0 || (in->get_all && (in->is_current || in->is_next)))
        return EINVAL;
    int number = ao_nic(call, in->flags, in->ifindex, EINVAL, &out->nic);
    if (number != 0 || in->get_all || in->is_current || in->is_next)
        return number;
    if (in->count != 1)
        return EINVAL;
    out->by_address = in->address.ss_family != AF_UNSPEC;
    return out->by_address ? ao_prefix(call, &in->address, in->prefix, &out->peer) : 0;
}

int tcpip__option_ao_keys_get(const struct option_call *call)
{
    struct tcpip_tcp_ao_info any = {.size = sizeof(any)};
    enum tcpip_error error = tcpip_tcp_ao_get(call->socket->endpoint, &any);
    if (error != TCPIP_OK)
        return signature_errno(error);
    struct ao_question question;
    int number = ao_question_read(call, &question);
    if (number != 0)
        return number;
    size_t stride = (size_t)call->room, size = min_size(stride, sizeof(struct linux_ao_key));
    struct tcpip_tcp_ao_key_info info = {.size = sizeof(info)};
    uint32_t matched = 0;
    for (size_t i = 0; tcpip_tcp_ao_key_get(call->socket->endpoint, i, &info) == TCPIP_OK; i++) {
        if (!ao_asked_for(&question, &info.key))
            continue;
        if (matched < question.in.count) {
            uint8_t *at = (uint8_t *)call->out + matched * stride;
            struct linux_ao_key key;
            ao_key_tell(call, &info, &key);
            if (tcpip__pointer_writable(call->sockets, at, size) != 0)
                return EFAULT;
            memcpy(at, &key, size);
        }
        matched++;
    }
    size_t count_at = offsetof(struct linux_ao_key, count);
    if (size >= count_at + sizeof(matched))
        memcpy((uint8_t *)call->out + count_at, &matched, sizeof(matched));
    *call->out_length = (socklen_t)size;
    return 0;
}
