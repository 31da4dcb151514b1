#include "compose/hash.h"

#include "base/str.h"
#include "base/vec.h"
#include "codec/digest.h"
#include "compose/model.h"

#include <stdio.h>

#define HASH_TEXT_MAX (64U << 20)

/* Go's JSON escapes what HTML would read, and two line separators. */
static void escape_as_go(const struct buf *text, struct buf *out)
{
    for (size_t i = 0; i < text->size; i++) {
        const unsigned char *p = (const unsigned char *)text->data + i;
        if (strchr("<>&", *p)) {
            buf_printf(out, "\\u%04x", *p);
        } else if (i + 2 < text->size && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
            buf_printf(out, "\\u20%02x", p[2] - 0x80);
            i += 2;
        } else {
            buf_addc(out, (char)*p);
        }
    }
}

void compose_service_hash(struct arena *arena, const struct yaml *service, char hash[COMPOSE_HASH_SIZE])
{
    static const char *const left_out[] = {"build", "pull_policy", "scale", "depends_on", "profiles", "x-shoal"};
    struct buf json cleanup(buf_done) = BUF(HASH_TEXT_MAX), text cleanup(buf_done) = BUF(HASH_TEXT_MAX);
    struct json_out out = {.buf = &json};
    struct walk walk = {.arena = arena};
    char digest[DIGEST_SHA256_SIZE];
    struct yaml *copy = yaml_clone(arena, service), *root = yaml_new(arena, YAML_MAP, NULL);
    struct yaml *services = yaml_set(arena, root, "services", yaml_new(arena, YAML_MAP, NULL));
    yaml_set(arena, services, "service", copy);
    model_drop_extensions(&walk, root);
    for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
        yaml_remove(copy, left_out[i]);
    yaml_remove(yaml_get(copy, "deploy"), "replicas");
    yaml_write_json(copy, &out);
    escape_as_go(&json, &text);
    digest_of(text.data, text.size, digest);
    snprintf(hash, COMPOSE_HASH_SIZE, "%s", digest_hex(digest));
}
