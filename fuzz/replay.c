// SPDX-License-Identifier: MIT
/* replay.c: gives a fuzz target the inputs of files and folders, once each, without libFuzzer.
 *
 * So that every build, with every compiler, runs what the fuzzers ever found, and so that one crashing input can be
 * looked at in a debugger. The empty input always comes first. Before each input goes out the command that repeats it
 * alone: if the target dies, that is the last thing it said.
 *
 * Owns: nothing. Not here: looking for new inputs (libFuzzer, -Dfuzz=true). */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

static void replay_file(const char *program, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (!file || fstat(fileno(file), &st) != 0)
        fail(path);
    size_t size = (size_t)st.st_size;
    /* Exactly `size` bytes, so that AddressSanitizer sees a read of one more. */
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        fail(path);
    fclose(file);
    printf("# repeat: %s %s\n", program, path);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The files of a folder in the order of their names: a run is the same on every machine. Returns how many. */
static unsigned replay_folder(const char *program, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, not_hidden, alphasort);
    if (count < 0)
        fail(folder);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        replay_file(program, path);
        free(entries[i]);
    }
    free(entries);
    return (unsigned)count;
}

int main(int argc, char **argv)
{
    unsigned inputs = 1;
    printf("1..1\n");
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) != 0)
            fail(argv[i]);
        if (S_ISDIR(st.st_mode)) {
            inputs += replay_folder(argv[0], argv[i]);
        } else {
            replay_file(argv[0], argv[i]);
            inputs++;
        }
    }
    printf("ok 1 - %u inputs\n", inputs);
    return 0;
}
