#include "base/mem.h"
#include "image/inflate.h"
#include "image/skeleton.h"
#include "sys/files.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)256 * 1024)

struct player {
    struct inflate *records;
    int root;
    int (*sink)(void *sink_data, const void *data, size_t size, struct err *err);
    void *sink_data;
    uint64_t written;
    char *block; /* BLOCK_SIZE bytes */
};

static int broken(struct err *err)
{
    return err_set(err, ERR_INVALID, "a layer's skeleton is damaged");
}

static int take(struct player *p, void *data, size_t size, struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = inflate_read(p->records, (char *)data + done, size - done, err);
        if (n <= 0)
            return n < 0 ? -1 : broken(err);
        done += (size_t)n;
    }
    return 0;
}

static int emit(struct player *p, size_t size, struct err *err)
{
    p->written += size;
    return p->sink(p->sink_data, p->block, size, err);
}

static int play_raw(struct player *p, struct err *err)
{
    uint32_t le_size;
    if (take(p, &le_size, sizeof(le_size), err) < 0)
        return -1;
    for (size_t left = le32toh(le_size); left > 0;) {
        size_t n = left < BLOCK_SIZE ? left : BLOCK_SIZE;
        if (take(p, p->block, n, err) < 0 || emit(p, n, err) < 0)
            return -1;
        left -= n;
    }
    return 0;
}

static int play_file(struct player *p, struct err *err)
{
    uint64_t numbers[2];
    uint16_t le_length;
    char path[PATH_MAX];
    if (take(p, numbers, sizeof(numbers), err) < 0 || take(p, &le_length, sizeof(le_length), err) < 0)
        return -1;
    size_t length = le16toh(le_length);
    if (length == 0 || length >= sizeof(path))
        return broken(err);
    if (take(p, path, length, err) < 0)
        return -1;
    path[length] = '\0';
    cleanup_fd int fd = file_open_in_root(p->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, fd, "the layer has lost its file \"%s\"", path);
    struct byte_source source = {
        .fd = fd, .offset = (int64_t)le64toh(numbers[0]), .left = (int64_t)le64toh(numbers[1])};
    while (source.left > 0) {
        ssize_t n = byte_source_read(&source, p->block, BLOCK_SIZE, err);
        if (n < 0)
            return -1;
        if (n == 0)
            return err_set(err, ERR_INVALID, "the layer's file \"%s\" is shorter than it was", path);
        if (emit(p, (size_t)n, err) < 0)
            return -1;
    }
    return 0;
}

static int play_end(struct player *p, struct err *err)
{
    uint64_t le_size;
    char more;
    if (take(p, &le_size, sizeof(le_size), err) < 0)
        return -1;
    ssize_t n = inflate_read(p->records, &more, 1, err);
    if (n < 0)
        return -1;
    return n > 0 || le64toh(le_size) != p->written ? broken(err) : 0;
}

static int play(struct player *p, struct err *err)
{
    char magic[sizeof(SKELETON_MAGIC) - 1], type;
    if (take(p, magic, sizeof(magic), err) < 0)
        return -1;
    if (memcmp(magic, SKELETON_MAGIC, sizeof(magic)) != 0)
        return broken(err);
    for (;;) {
        int r;
        if (take(p, &type, 1, err) < 0)
            return -1;
        switch (type) {
        case 'R':
            r = play_raw(p, err);
            break;
        case 'F':
            r = play_file(p, err);
            break;
        case 'E':
            return play_end(p, err);
        default:
            return broken(err);
        }
        if (r < 0)
            return -1;
    }
}

int skeleton_play(int fd, int root, int (*sink)(void *sink_data, const void *data, size_t size, struct err *err),
                  void *sink_data, struct err *err)
{
    struct byte_source source = byte_source_of(fd);
    struct inflate *records cleanup(inflate_freep) = inflate_open(&source, err);
    cleanup_free char *block = mem_alloc(BLOCK_SIZE);
    struct player player = {.records = records, .root = root, .sink = sink, .sink_data = sink_data, .block = block};
    return records ? play(&player, err) : -1;
}
