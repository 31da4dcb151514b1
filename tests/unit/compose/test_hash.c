#include "compose/hash.h"

#include "codec/digest.h"
#include "files.h"

static void hash_of(const char *service, char hash[COMPOSE_HASH_SIZE])
{
    struct memory_project p cleanup(memory_done);
    char text[1000];
    (void)snprintf(text, sizeof(text), "services: {web: %s, db: {image: x}}\n", service);
    struct memory_file files[] = {{"/p/compose.yaml", text}, {0}};
    memory_project(&p, files);
    memory_load(&p);
    compose_service_hash(&p.arena, yaml_get(yaml_get(p.project.model, "services"), "web"), hash);
}

/* The text that is hashed is the one that docker compose hashes: Go's JSON of the service. */
static void test_text(void **state)
{
    static const char json[] = "{\"command\":[\"a\\u003cb\"],\"entrypoint\":null,\"environment\":{\"A\":\"1\"},"
                               "\"image\":\"i\",\"networks\":{\"default\":null}}";
    char hash[COMPOSE_HASH_SIZE], digest[DIGEST_SHA256_SIZE];
    hash_of("{image: i, command: ['a<b'], environment: [A=1]}", hash);
    digest_of(json, strlen(json), digest);
    assert_string_equal(hash, digest_hex(digest));
}

static void test_what_counts(void **state)
{
    static const struct {
        const char *service;
        bool same;
    } cases[] = {
        {"{image: i, scale: 3}", true},
        {"{image: i, depends_on: [db]}", true},
        {"{image: i, pull_policy: always}", true},
        {"{image: i, build: .}", true},
        {"{image: i, x-note: 1}", true},
        {"{image: j}", false},
        {"{image: i, labels: {a: b}}", false},
        {"{image: i, command: []}", false},
    };
    char base[COMPOSE_HASH_SIZE], other[COMPOSE_HASH_SIZE];
    hash_of("{image: i}", base);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        hash_of(cases[i].service, other);
        if (str_eq(base, other) != cases[i].same)
            fail_msg("%s", cases[i].service);
    }
}

TEST_MAIN(cmocka_unit_test(test_text), cmocka_unit_test(test_what_counts))
