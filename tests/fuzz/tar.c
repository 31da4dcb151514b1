/* A layer is unpacked into a temporary folder; nothing may appear beside it. What unpacks is packed again from its
 * skeleton. */
#include "image/beneath.h"
#include "image/skeleton.h"
#include "image/unpack.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hash(void *sink_data, const void *data, size_t size, struct err *err)
{
    hasher_add(sink_data, data, size);
    return 0;
}

static void check_skeleton(int skeleton, int root, const char *diff_id)
{
    struct err err;
    char digest[DIGEST_SIZE];
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, DIGEST_SHA256);
    if (skeleton_play(skeleton, root, hash, &hasher, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    hasher_finish(&hasher, digest);
    if (strcmp(digest, diff_id) != 0)
        abort();
}

static void unpack_in(int folder, const uint8_t *data, size_t size)
{
    struct err err;
    struct arena arena cleanup(arena_done) = {0};
    struct unpack_result result = {.arena = &arena};
    cleanup_fd int blob = memfd_create("blob", MFD_CLOEXEC), skeleton = memfd_create("skeleton", MFD_CLOEXEC);
    cleanup_fd int root = openat(folder, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (write(blob, data, size) != (ssize_t)size)
        return;
    struct unpack_options options = {.root = root,
                                     .source = byte_source_of(blob),
                                     .skeleton = skeleton,
                                     .max_bytes = (int64_t)16 << 20,
                                     .max_entries = 2000};
    if (unpack_layer(&options, &result, &err) == 0 && !result.replaced)
        check_skeleton(skeleton, root, result.diff_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    char path[] = "/tmp/shoal-fuzz-tar-XXXXXX";
    if (!mkdtemp(path))
        abort();
    cleanup_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)mkdirat(folder, "root", 0700);
    unpack_in(folder, data, size);
    /* rmdir fails where anything but the root was made. */
    if (tree_remove(folder, "root", &err) < 0 || rmdir(path) < 0)
        abort();
    return 0;
}
