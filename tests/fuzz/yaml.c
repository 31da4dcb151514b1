/* YAML: whatever is read prints as text that reads as the same tree. */
#include "base/cleanup.h"
#include "codec/yaml_tree.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena cleanup(arena_done) = {0};
    struct yaml_documents documents, again;
    struct err err;
    if (yaml_parse(&arena, (const char *)data, size, "input", &documents, &err) < 0)
        return 0;
    for (size_t i = 0; i < documents.count; i++) {
        struct buf text cleanup(buf_done) = BUF(YAML_BYTES_MAX);
        yaml_print(&text, documents.items[i]);
        if (buf_failed(&text))
            continue;
        if (yaml_parse(&arena, buf_str(&text), text.size, "printed", &again, &err) < 0 || again.count != 1 ||
            !yaml_equal(documents.items[i], again.items[0]))
            abort();
    }
    return 0;
}
