#include "cli/container_options.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

#include <stdlib.h>

static int parse(struct arena *arena, const char *line, struct container_spec *spec, struct err *err)
{
    struct container_options options = {0};
    char *words[64], *rest = arena_strdup(arena, line);
    size_t count = 0, arguments;
    for (char *word; count < 63 && (word = str_split(&rest, ' '));)
        words[count++] = word;
    if (cli_parse(arena, container_option_table, words, count, true, &options, &arguments, err) < 0)
        return -1;
    words[arguments] = NULL;
    return container_options_spec(&options, words[0], words + 1, arena, spec, err);
}

static void test_requests(void **state)
{
    static const struct {
        const char *line, *json;
    } cases[] = {
        {"nginx", "{\"AttachStdout\":true,\"AttachStderr\":true,\"Image\":\"nginx\"}"},
        {"-d nginx", "{\"Image\":\"nginx\"}"},
        {"-dit --rm nginx sh -c ls",
         "{\"Tty\":true,\"OpenStdin\":true,\"Cmd\":[\"sh\",\"-c\",\"ls\"],\"Image\":\"nginx\","
         "\"HostConfig\":{\"AutoRemove\":true}}"},
        {"-d --entrypoint /x -e A=1 -e SHOAL_TEST_VARIABLE -e SHOAL_TEST_NONE i",
         "{\"Env\":[\"A=1\",\"SHOAL_TEST_VARIABLE=v=w\"],\"Image\":\"i\",\"Entrypoint\":[\"/x\"]}"},
        {"-d -v /a:/b:ro -v vol:/c -v /anonymous i",
         "{\"Image\":\"i\",\"Volumes\":{\"/anonymous\":{}},\"HostConfig\":{\"Binds\":[\"/a:/b:ro\",\"vol:/c\"]}}"},
        {"-d -m 512m --cpus 1.5 --pids-limit 10 --restart on-failure:3 --init i",
         "{\"Image\":\"i\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3},"
         "\"Memory\":536870912,\"NanoCpus\":1500000000,\"PidsLimit\":10,\"Init\":true}}"},
        {"-d -l a=b -l c --tmpfs /t:size=1m --ulimit nofile=1:2 --device /dev/a:/dev/b:r --log-driver none i",
         "{\"Image\":\"i\",\"Labels\":{\"a\":\"b\",\"c\":\"\"},\"HostConfig\":{\"LogConfig\":{\"Type\":\"none\"},"
         "\"Tmpfs\":{\"/t\":\"size=1m\"},\"Devices\":[{\"PathOnHost\":\"/dev/a\",\"PathInContainer\":\"/dev/b\","
         "\"CgroupPermissions\":\"r\"}],\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":2}]}}"},
        {"-d --network n --network-alias a --ip 10.0.0.2 i",
         "{\"Image\":\"i\",\"HostConfig\":{\"NetworkMode\":\"n\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"n\":{"
         "\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.2\"},\"Aliases\":[\"a\"]}}}}"},
    };
    (void)setenv("SHOAL_TEST_VARIABLE", "v=w", 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct container_spec spec, expected;
        struct err err;
        if (parse(&arena, cases[i].line, &spec, &err) < 0)
            fail_msg("%s: %s", cases[i].line, err.message);
        /* Both in the table's own order. */
        assert_return_code(fields_read_text(&container_spec_table, cases[i].json, strlen(cases[i].json), &arena,
                                            &expected, "expected", &err),
                           0);
        assert_string_equal(fields_to_text(&container_spec_table, &spec, &arena),
                            fields_to_text(&container_spec_table, &expected, &arena));
    }
}

static void test_ports(void **state)
{
    static const struct {
        const char *text, *expected; /* "ip host port", one after the other */
    } cases[] = {
        {"80", "80/tcp= "},
        {"8080:80", "80/tcp=8080 "},
        {"8080:80/udp", "80/udp=8080 "},
        {"127.0.0.1:8080:80", "80/tcp=127.0.0.1:8080 "},
        {"127.0.0.1::80", "80/tcp=127.0.0.1: "},
        {"[::1]:8080:80", "80/tcp=::1:8080 "},
        {"8000-8001:80-81", "80/tcp=8000 81/tcp=8001 "},
        {"80-81", "80/tcp= 81/tcp= "},
        {"8000-8009:80", "80/tcp=8000-8009 "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct container_spec spec = {0};
        struct buf text cleanup(buf_done) = BUF(1000);
        struct err err;
        if (container_option_publish(&arena, cases[i].text, &spec, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        vec_foreach (port, &spec.host.port_bindings)
            buf_printf(&text, "%s=%s%s%s ", port->port, port->list.items[0].host_ip,
                       *port->list.items[0].host_ip ? ":" : "", port->list.items[0].host_port);
        assert_string_equal(buf_str(&text), cases[i].expected);
    }
}

static void test_refused(void **state)
{
    static const char *const lines[] = {
        "-p x i",
        "-p 0 i",
        "-p 70000 i",
        "-p 1:2:3:4 i",
        "-p 80/tcpp i",
        "-p 8000-8002:80-81 i",
        "-p 81-80 i",
        "-p : i",
        "--cpus x i",
        "--cpus -1 i",
        "-m x i",
        "--restart sometimes i",
        "--restart on-failure:x i",
        "--restart always:3 i",
        "--rm --restart always i",
        "--ulimit nofile i",
        "--sysctl a i",
        "-e =b i",
        "--pids-limit x i",
        "-v ./does-not-exist:/x i",
        "--env-file /does-not-exist i",
        "-l =x i",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct container_spec spec;
        struct err err;
        if (parse(&arena, lines[i], &spec, &err) == 0)
            fail_msg("accepted: %s", lines[i]);
    }
}

TEST_MAIN(cmocka_unit_test(test_requests), cmocka_unit_test(test_ports), cmocka_unit_test(test_refused))
