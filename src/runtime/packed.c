#include "runtime/packed.h"

#include <string.h>

#define NO_FD UINT32_MAX

static int put(struct packed_writer *w, const void *data, size_t size, struct err *err)
{
    if (size > w->size - w->used)
        return err_set(err, ERR_LIMIT, "the description is larger than %zu bytes", w->size);
    if (size)
        memcpy(w->data + w->used, data, size);
    w->used += size;
    return 0;
}

static int put_u32(struct packed_writer *w, uint32_t value, struct err *err)
{
    return put(w, &value, sizeof(value), err);
}

static int put_text(struct packed_writer *w, const char *text, struct err *err)
{
    size_t size = text ? strlen(text) + 1 : 0;
    if (size > w->size)
        return err_set(err, ERR_LIMIT, "the description is larger than %zu bytes", w->size);
    return put_u32(w, (uint32_t)size, err) < 0 ? -1 : put(w, text, size, err);
}

static int put_texts(struct packed_writer *w, const char *const *texts, struct err *err)
{
    uint32_t count = 0;
    while (texts && texts[count])
        count++;
    int r = put_u32(w, count, err);
    for (uint32_t i = 0; r >= 0 && i < count; i++)
        r = put_text(w, texts[i], err);
    return r;
}

static int put_fd(struct packed_writer *w, int32_t fd, struct err *err)
{
    if (fd < 0)
        return put_u32(w, NO_FD, err);
    unsigned i = 0;
    while (i < w->fd_count && w->fds[i] != fd)
        i++;
    if (i == w->fd_max)
        return err_set(err, ERR_LIMIT, "more than %u descriptors in one description", w->fd_max);
    if (i == w->fd_count)
        w->fds[w->fd_count++] = fd;
    return put_u32(w, i, err);
}

static int put_items(struct packed_writer *w, const struct packed_field *f, const char *from, struct err *err)
{
    uint32_t count = *(const uint32_t *)(from + f->count_offset);
    const char *item = *(const char *const *)(from + f->offset);
    int r = put_u32(w, count, err);
    for (uint32_t i = 0; r >= 0 && i < count; i++, item += f->items->size)
        r = packed_write(w, f->items, item, err);
    return r;
}

static int put_u32s(struct packed_writer *w, const struct packed_field *f, const char *from, struct err *err)
{
    uint32_t count = *(const uint32_t *)(from + f->count_offset);
    const uint32_t *numbers = *(const uint32_t *const *)(from + f->offset);
    return put_u32(w, count, err) < 0 ? -1 : put(w, numbers, count * sizeof(uint32_t), err);
}

static int put_field(struct packed_writer *w, const struct packed_field *f, const char *from, struct err *err)
{
    const void *value = from + f->offset;
    switch (f->type) {
    case PACKED_U32:
        return put(w, value, sizeof(uint32_t), err);
    case PACKED_U64:
        return put(w, value, sizeof(uint64_t), err);
    case PACKED_TEXT:
        return put_text(w, *(const char *const *)value, err);
    case PACKED_TEXTS:
        return put_texts(w, *(const char *const *const *)value, err);
    case PACKED_U32S:
        return put_u32s(w, f, from, err);
    case PACKED_ITEMS:
        return put_items(w, f, from, err);
    case PACKED_FD:
        return put_fd(w, *(const int32_t *)value, err);
    }
    return err_set(err, ERR_INTERNAL, "field %s has no type", f->name);
}

int packed_write(struct packed_writer *w, const struct packed_table *table, const void *from, struct err *err)
{
    for (size_t i = 0; i < table->field_count; i++)
        if (put_field(w, &table->fields[i], from, err) < 0)
            return -1;
    return 0;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static int cut(const struct packed_field *f, struct err *err)
{
    return err_set(err, ERR_INVALID, "the description ends within %s", f->name);
}

static const void *get(struct packed_reader *r, size_t size)
{
    if (size > r->size - r->used)
        return NULL;
    const void *p = r->data + r->used;
    r->used += size;
    return p;
}

static int get_number(struct packed_reader *r, const struct packed_field *f, void *to, size_t size, struct err *err)
{
    const void *p = get(r, size);
    if (!p)
        return cut(f, err);
    memcpy(to, p, size);
    return 0;
}

static void *reserve(struct packed_reader *r, size_t count, size_t size, struct err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 15 ||
        ((bytes + 15) & ~(size_t)15) > r->scratch_size - r->scratch_used) {
        (void)err_set(err, ERR_LIMIT, "the description has too many items");
        return NULL;
    }
    void *p = r->scratch + r->scratch_used;
    r->scratch_used += (bytes + 15) & ~(size_t)15;
    return p;
}

static int get_text(struct packed_reader *r, const struct packed_field *f, const char **to, struct err *err)
{
    uint32_t size = 0;
    if (get_number(r, f, &size, sizeof(size), err) < 0)
        return -1;
    *to = NULL;
    if (!size)
        return 0;
    const char *text = get(r, size);
    if (!text)
        return cut(f, err);
    if (memchr(text, '\0', size) != text + size - 1)
        return err_set(err, ERR_INVALID, "a text of %s does not end where it says", f->name);
    *to = text;
    return 0;
}

static int get_texts(struct packed_reader *r, const struct packed_field *f, const char *const **to, struct err *err)
{
    uint32_t count = 0;
    if (get_number(r, f, &count, sizeof(count), err) < 0)
        return -1;
    const char **texts = reserve(r, (size_t)count + 1, sizeof(*texts), err);
    if (!texts)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        if (get_text(r, f, &texts[i], err) < 0)
            return -1;
        if (!texts[i])
            return err_set(err, ERR_INVALID, "an item of %s is missing", f->name);
    }
    texts[count] = NULL;
    *to = texts;
    return 0;
}

static int get_items(struct packed_reader *r, const struct packed_field *f, char *to, struct err *err)
{
    uint32_t count = 0;
    if (get_number(r, f, &count, sizeof(count), err) < 0)
        return -1;
    char *items = reserve(r, count, f->items->size, err);
    if (!items)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        char *item = items + (size_t)i * f->items->size;
        memset(item, 0, f->items->size);
        if (packed_read(r, f->items, item, err) < 0)
            return -1;
    }
    *(uint32_t *)(to + f->count_offset) = count;
    *(const void **)(to + f->offset) = items;
    return 0;
}

static int get_u32s(struct packed_reader *r, const struct packed_field *f, char *to, struct err *err)
{
    uint32_t count = 0;
    if (get_number(r, f, &count, sizeof(count), err) < 0)
        return -1;
    uint32_t *numbers = reserve(r, count, sizeof(*numbers), err);
    if (!numbers)
        return -1;
    if (get_number(r, f, numbers, count * sizeof(*numbers), err) < 0)
        return -1;
    *(uint32_t *)(to + f->count_offset) = count;
    *(const uint32_t **)(to + f->offset) = numbers;
    return 0;
}

static int get_fd(struct packed_reader *r, const struct packed_field *f, int32_t *to, struct err *err)
{
    uint32_t place = NO_FD;
    if (get_number(r, f, &place, sizeof(place), err) < 0)
        return -1;
    *to = -1;
    if (place == NO_FD)
        return 0;
    if (place >= r->fd_count)
        return err_set(err, ERR_INVALID, "%s names descriptor %u of %u", f->name, place, r->fd_count);
    *to = r->fds[place];
    return 0;
}

static int get_field(struct packed_reader *r, const struct packed_field *f, char *to, struct err *err)
{
    void *value = to + f->offset;
    switch (f->type) {
    case PACKED_U32:
        return get_number(r, f, value, sizeof(uint32_t), err);
    case PACKED_U64:
        return get_number(r, f, value, sizeof(uint64_t), err);
    case PACKED_TEXT:
        return get_text(r, f, value, err);
    case PACKED_TEXTS:
        return get_texts(r, f, value, err);
    case PACKED_U32S:
        return get_u32s(r, f, to, err);
    case PACKED_ITEMS:
        return get_items(r, f, to, err);
    case PACKED_FD:
        return get_fd(r, f, value, err);
    }
    return err_set(err, ERR_INTERNAL, "field %s has no type", f->name);
}

int packed_read(struct packed_reader *r, const struct packed_table *table, void *to, struct err *err)
{
    for (size_t i = 0; i < table->field_count; i++)
        if (get_field(r, &table->fields[i], to, err) < 0)
            return -1;
    return 0;
}
