#include "compose/unsupported.h"

#include "files.h"

static void find(struct memory_project *p, const char *text, struct strings *ret)
{
    struct memory_file *files = arena_alloc_array(&p->arena, 2, sizeof(*files));
    files[0] = (struct memory_file){"/p/compose.yaml", text};
    p->memory.files = files;
    memory_load(p);
    compose_unsupported(&p->arena, &p->project, ret);
}

static void test_places(void **state)
{
    struct memory_project p cleanup(memory_done);
    struct strings found = {0};
    memory_project(&p, NULL);
    find(&p,
         "services:\n  web:\n    image: a\n    develop: {watch: [{path: x, action: rebuild}]}\n"
         "    volumes: ['./a:/a:z']\n    pull_policy: every_5m\n    deploy: {placement: {constraints: [x]}}\n",
         &found);
    assert_int_equal(found.count, 4);
    assert_string_equal(found.items[0],
                        "compose.yaml:4:14: services.web.develop: is for development: nothing is watched");
    assert_true(str_starts(found.items[1], "compose.yaml:7:25: services.web.deploy.placement: "));
    assert_true(str_starts(found.items[2], "compose.yaml:6:18: services.web.pull_policy: "));
    assert_true(str_starts(found.items[3], "compose.yaml:5:15: services.web.volumes[0].bind.selinux: "));
}

/* What the canonical model adds by itself asks for nothing. */
static void test_plain_is_silent(void **state)
{
    struct memory_project p cleanup(memory_done);
    struct strings found = {0};
    memory_project(&p, NULL);
    find(&p,
         "services:\n  web:\n    image: a\n    ports: ['80:80']\n    volumes: [data:/d, './x:/x:ro']\n    restart: "
         "always\n"
         "    deploy: {replicas: 2, resources: {limits: {memory: 1g}}}\n    pull_policy: always\n"
         "    healthcheck: {test: x}\n    environment: {A: b}\nvolumes: {data: }\n",
         &found);
    assert_int_equal(found.count, 0);
}

TEST_MAIN(cmocka_unit_test(test_places), cmocka_unit_test(test_plain_is_silent))
