#include "compose/compose.h"

#include "compose/print.h"
#include "files.h"

/* The rules of the specification have golden tests (tests/golden/compose); here is what those cannot show. */

static void load_refused(struct memory_project *p, const char *message)
{
    assert_true(compose_load(&p->options, &p->arena, &p->project, &p->err) < 0);
    if (!strstr(p->err.message, message))
        fail_msg("expected '%s' in '%s'", message, p->err.message);
}

static void test_warnings_have_places(void **state)
{
    static const struct memory_file files[] = {
        {"/p/compose.yaml", "version: '3'\nservices:\n  web:\n    image: a:$TAG\n"}, {0}};
    struct memory_project p cleanup(memory_done);
    memory_project(&p, files);
    memory_load(&p);
    assert_string_equal(p.memory.warnings, "compose.yaml:4:12: services.web.image: the variable TAG is not set, "
                                           "taken as empty\n"
                                           "compose.yaml:1:10: version is obsolete and has no effect\n");
}

/* Nothing but the io is asked: a missing file is the io's error, with the place that wants it. */
static void test_missing_files(void **state)
{
    static const struct memory_file files[] = {
        {"/p/compose.yaml", "services:\n  web:\n    image: a\n    env_file: [x.env]\n"}, {0}};
    static const struct memory_file none[] = {{0}};
    struct memory_project p cleanup(memory_done);
    memory_project(&p, files);
    load_refused(&p, "compose.yaml:4:16: services.web.env_file[0]: /p/x.env: not there");
    p.memory.files = none;
    load_refused(&p, "/p/compose.yaml: not there");
    assert_int_equal(p.err.kind, ERR_NOT_FOUND);
}

static void test_too_many_files(void **state)
{
    static const struct memory_file files[] = {
        {"/p/compose.yaml", "include: [a.yaml]\nservices: {web: {image: a}}\n"}, {"/p/a.yaml", "services: {}\n"}, {0}};
    struct memory_project p cleanup(memory_done);
    memory_project(&p, files);
    for (int i = 0; i < COMPOSE_FILES_MAX; i++)
        vec_push_in(&p.arena, &p.options.files, (struct compose_file){"/p/compose.yaml", "compose.yaml"});
    load_refused(&p, "more than 200 compose files");
}

/* Lines of ranges cannot fill the memory. */
static void test_too_many_ports(void **state)
{
    static const struct memory_file files[] = {
        {"/p/compose.yaml",
         "services:\n  web:\n    image: a\n    ports: ['1-65535', '1-65534', '1-65533', '1-65532']\n"},
        {0}};
    struct memory_project p cleanup(memory_done);
    memory_project(&p, files);
    load_refused(&p, "compose.yaml:4:46: services.web.ports[3]: more than 200000 ports in all");
}

static void test_names(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    assert_string_equal(compose_normalise_name(&arena, "My.App-1_x"), "myapp-1_x");
    assert_string_equal(compose_normalise_name(&arena, "_-x"), "x");
    assert_string_equal(compose_normalise_name(&arena, "..."), "");
}

static void test_no_name(void **state)
{
    static const struct memory_file files[] = {{"/p/compose.yaml", "services: {web: {image: a}}\n"}, {0}};
    struct memory_project p cleanup(memory_done);
    memory_project(&p, files);
    p.options.project_name = NULL;
    p.options.default_name = "///";
    load_refused(&p, "the project has no name");
    p.options.default_name = "Folder";
    memory_load(&p);
    assert_string_equal(p.project.name, "folder");
    assert_string_equal(env_get(&p.project.env, "COMPOSE_PROJECT_NAME"), "folder");
}

/* Reading twice what is not checked twice would hide a fault: all of these are refused before anything is returned. */
static void test_hostile_trees(void **state)
{
    static const char *const texts[] = {
        "services: {web: {image: a, depends_on: {b: 5}}}",
        "services: {web: {image: a, links: [5]}}",
        "services: {web: {image: a, volumes: [[]]}}",
        "services: {web: {image: a, ports: [[1]]}}",
        "services: {web: {image: a, network_mode: [x]}}",
        "services: {web: {extends: {file: 5}}}",
        "services: {web: {extends: [x]}}",
        "include: {path: x}",
        "include: [[x]]",
        "services: {web: {image: a, env_file: {path: x}}}",
        "volumes: [x]",
        "networks: {x: [y]}",
        "secrets: {x: null}",
        "services: {web: null}",
        "services: {web: {image: a, environment: [[x]]}}",
        "services: {web: {image: a, extra_hosts: {x: {}}}}",
        "services: {web: {image: a, extra_hosts: [x]}}",
        "services: {web: {build: {ssh: [x]}}}",
        "services: {web: {image: a, devices: ['a:b:c:d']}}",
        "services: {web: {image: a, deploy: {replicas: 1.5}}}",
        "services: {web: {image: a, ulimits: {x: {soft: a}}}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct memory_file files[] = {{"/p/compose.yaml", texts[i]}, {0}};
        struct memory_project p cleanup(memory_done);
        memory_project(&p, files);
        if (compose_load(&p.options, &p.arena, &p.project, &p.err) == 0)
            fail_msg("taken: %s", texts[i]);
        assert_true(str_starts(p.err.message, "compose.yaml:1:"));
    }
}

TEST_MAIN(cmocka_unit_test(test_warnings_have_places), cmocka_unit_test(test_missing_files),
          cmocka_unit_test(test_too_many_files), cmocka_unit_test(test_too_many_ports), cmocka_unit_test(test_names),
          cmocka_unit_test(test_no_name), cmocka_unit_test(test_hostile_trees))
