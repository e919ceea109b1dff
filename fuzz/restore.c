// SPDX-License-Identifier: MIT
/* restore.c: fuzzes the restoring of endpoints and of whole stacks.
 *
 * Input: a byte that says which (bit 0: a stack) and then the sections; the envelope with its checksum, which a fuzzer
 * doesn't guess, is put in front here.
 *
 * What is refused must leave nothing: the stack's books are balanced when it is freed. What is taken must work: time
 * goes by, endpoints are read, written and closed, and what is saved of it again can be restored again. */
#include "base/siphash.h"
#include "fuzz_env.h"
#include "stack/stack.h"

#include <tcpip/save.h>
#include <tcpip/tcpip.h>

enum { ENVELOPE_BYTES = 24, INPUT_MAX = 1 << 16, STEPS = 40, KIND_ENDPOINT = 1, KIND_STACK = 2 };

struct fuzz {
    struct fuzz_env world;
    struct tcpip_limits limits;
    struct tcpip_link *link;
};

/* ---- the world ---- */

static void discard(struct fuzz *fuzz)
{
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(fuzz->link)) != NULL)
        tcpip_packet_free(packet);
}

static struct tcpip_stack *fuzz_host(struct fuzz *fuzz)
{
    struct tcpip_stack *stack;
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    static const char *const texts[] = {"10.0.0.1/24", "fd00::1/64"};
    REQUIRE(tcpip_stack_new(&fuzz->world.env, &fuzz->limits, &tcpip_protocols_all, &stack) == TCPIP_OK);
    REQUIRE(tcpip_stack_create_nic(stack, 1, fuzz->link, NULL) == TCPIP_OK);
    for (int i = 0; i < 2; i++) {
        REQUIRE(tcpip_prefix_parse(texts[i], &prefix) == TCPIP_OK);
        REQUIRE(tcpip_stack_add_address(stack, 1, &prefix, &properties) == TCPIP_OK);
        struct tcpip_route_entry row = {.destination = {prefix.address, 0}, .nic = 1};
        REQUIRE(tcpip_stack_add_route(stack, &row) == TCPIP_OK);
    }
    return stack;
}

/* ---- what is taken must work ---- */

static void live(struct fuzz *fuzz, struct tcpip_stack *stack)
{
    for (int i = 0; i < STEPS; i++) {
        tcpip_ns next = tcpip_stack_deadline(stack);
        fuzz->world.now = next > fuzz->world.now && next < fuzz->world.now + 10 * TCPIP_SECOND
                              ? next
                              : fuzz->world.now + TCPIP_SECOND;
        (void)tcpip_stack_advance(stack, 0);
        discard(fuzz);
    }
}

static void use(struct tcpip_endpoint *endpoint)
{
    uint8_t bytes[512] = {0};
    size_t done;
    struct tcpip_endpoint *accepted;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    struct tcpip_error_record record;
    if (tcpip_endpoint_tcp_info(endpoint, &info) == TCPIP_OK)
        REQUIRE(info.state <= TCPIP_TCP_TIME_WAIT);
    while (tcpip_endpoint_accept(endpoint, &accepted, NULL) == TCPIP_OK)
        tcpip_endpoint_close(accepted);
    for (int i = 0; i < 8 && tcpip_endpoint_read(endpoint, bytes, sizeof(bytes), &done, NULL) == TCPIP_OK; i++)
        REQUIRE(done <= sizeof(bytes));
    if (tcpip_endpoint_write(endpoint, bytes, sizeof(bytes), 0, NULL, &done) == TCPIP_OK)
        REQUIRE(done <= sizeof(bytes));
    enum tcpip_error error = tcpip_endpoint_shutdown(endpoint, TCPIP_SHUTDOWN_WRITE);
    REQUIRE(error == TCPIP_OK || error == TCPIP_ERR_NOT_CONNECTED);
    for (int i = 0; i < 8 && tcpip_endpoint_read_error(endpoint, &record, NULL, 0) == TCPIP_OK; i++)
        (void)record;
}

static enum tcpip_error give_link(void *ctx, const struct tcpip_saved_nic *nic, struct tcpip_link **link,
                                  struct tcpip_nic_options *options)
{
    struct fuzz *fuzz = ctx;
    (void)nic, (void)options;
    *link = fuzz->link->stack == NULL ? fuzz->link : NULL; /* there is but one */
    return TCPIP_OK;
}

static void use_restored(void *ctx, uint64_t tag, struct tcpip_endpoint *endpoint)
{
    (void)ctx;
    use(endpoint);
    if (tag % 2 == 1)
        tcpip_endpoint_close(endpoint);
}

/* ---- inputs ---- */

static uint8_t *sealed(const uint8_t *data, size_t size, uint16_t kind)
{
    static const uint8_t magic[8] = {'t', 'c', 'p', 'i', 'p', '\r', '\n', 0x1a};
    static const struct siphash_key key;
    uint8_t *image = malloc(ENVELOPE_BYTES + size);
    uint64_t sum = tcpip__siphash(&key, data, size);
    REQUIRE(image != NULL);
    memcpy(image, magic, sizeof(magic));
    image[8] = 1;
    image[9] = 0;
    image[10] = (uint8_t)kind;
    image[11] = 0;
    for (int i = 0; i < 4; i++)
        image[12 + i] = (uint8_t)(size >> (8 * i));
    for (int i = 0; i < 8; i++)
        image[16 + i] = (uint8_t)(sum >> (8 * i));
    memcpy(image + ENVELOPE_BYTES, data, size);
    return image;
}

static void fuzz_endpoint(struct fuzz *fuzz, const uint8_t *image, size_t size)
{
    struct tcpip_stack *stack = fuzz_host(fuzz);
    struct tcpip_endpoint *endpoint;
    size_t bytes;
    if (tcpip_endpoint_restore(stack, image, size, NULL, &endpoint) == TCPIP_OK) {
        REQUIRE(tcpip_endpoint_save(endpoint, NULL, 0, &bytes) == TCPIP_ERR_NO_BUFFER_SPACE);
        uint8_t *again = malloc(bytes);
        REQUIRE(again != NULL && tcpip_endpoint_save(endpoint, again, bytes, &bytes) == TCPIP_OK);
        tcpip_endpoint_forget(endpoint);
        REQUIRE(tcpip_endpoint_restore(stack, again, bytes, NULL, &endpoint) == TCPIP_OK);
        free(again);
        live(fuzz, stack);
        use(endpoint);
        live(fuzz, stack);
        tcpip_endpoint_close(endpoint);
        live(fuzz, stack);
    }
    tcpip_stack_free(stack);
}

static void fuzz_stack(struct fuzz *fuzz, const uint8_t *image, size_t size)
{
    struct tcpip_restore_options options = {.size = sizeof(options), .ctx = fuzz, .link = give_link};
    struct tcpip_stack *stack;
    size_t bytes;
    if (tcpip_stack_restore(&fuzz->world.env, &fuzz->limits, &tcpip_protocols_all, image, size, &options, &stack) !=
        TCPIP_OK)
        return;
    discard(fuzz);
    REQUIRE(tcpip_stack_save(stack, NULL, NULL, 0, &bytes) == TCPIP_ERR_NO_BUFFER_SPACE);
    uint8_t *again = malloc(bytes);
    REQUIRE(again != NULL && tcpip_stack_save(stack, NULL, again, bytes, &bytes) == TCPIP_OK);
    tcpip_stack_free(stack);
    discard(fuzz);
    options.endpoint = use_restored;
    REQUIRE(tcpip_stack_restore(&fuzz->world.env, &fuzz->limits, &tcpip_protocols_all, again, bytes, &options,
                                &stack) == TCPIP_OK);
    free(again);
    live(fuzz, stack);
    tcpip_stack_free(stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz;
    struct tcpip_channel_options channel = {.size = sizeof(channel),
                                            .flags = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST,
                                            .queue_packets = 4096,
                                            .address = {{2, 0, 0, 0, 0, 1}, 6}};
    if (size == 0 || size > INPUT_MAX)
        return 0;
    fuzz_env_init(&fuzz.world);
    tcpip_limits_tiny(&fuzz.limits);
    fuzz.link = tcpip_channel_new(&fuzz.world.env, &channel);
    REQUIRE(fuzz.link != NULL);
    bool whole = (data[0] & 1) != 0;
    uint8_t *image = sealed(data + 1, size - 1, whole ? KIND_STACK : KIND_ENDPOINT);
    if (whole)
        fuzz_stack(&fuzz, image, ENVELOPE_BYTES + size - 1);
    else
        fuzz_endpoint(&fuzz, image, ENVELOPE_BYTES + size - 1);
    free(image);
    discard(&fuzz);
    tcpip_channel_free(fuzz.link);
    REQUIRE(fuzz.world.used_bytes == 0);
    return 0;
}
