/*
 * JSON and field tables: a document is read as JSON, written and read again, which must give the same text; and it is
 * read as what clients send (a container, a stack), whose text, read again, must be the same.
 */
#include "codec/json.h"
#include "base/arena.h"
#include "base/str.h"
#include "spec/container.h"
#include "spec/stack.h"

#include <stdint.h>
#include <stdlib.h>

#define SIZE_MAX_READ ((size_t)1 << 20)

static void fail_if(bool wrong)
{
    if (wrong)
        abort();
}

static char *write_value(const json_value *value)
{
    struct buf text = BUF(SIZE_MAX_READ * 16);
    json_value_write(value, &(struct json_out){.buf = &text});
    return buf_take(&text);
}

static void check_text(const json_value *value)
{
    struct err err;
    char *first cleanup(freep) = write_value(value);
    json_value *again cleanup(json_freep) = json_parse(first, strlen(first), "again", &err);
    fail_if(!again);
    char *second cleanup(freep) = write_value(again);
    fail_if(!str_eq(first, second));
}

static void check_table(const struct fields *table, const json_value *value)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    void *read = arena_alloc(&arena, table->size), *again = arena_alloc(&arena, table->size);
    if (fields_read(table, value, &arena, read, "", NULL, NULL, &err) < 0)
        return;
    const char *first = fields_to_text(table, read, &arena);
    fail_if(fields_read_text(table, first, strlen(first), &arena, again, "again", &err) < 0);
    fail_if(!str_eq(first, fields_to_text(table, again, &arena)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    json_value *value cleanup(json_freep) =
        size > SIZE_MAX_READ ? NULL : json_parse((const char *)data, size, "input", &err);
    if (!value)
        return 0;
    check_text(value);
    check_table(&container_spec_table, value);
    check_table(&stack_spec_table, value);
    return 0;
}
