#include "spec/container.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What `docker run -d -p 8080:80 -e A=1 --mount type=volume,src=v,dst=/data --ulimit nofile=5:6 web` sends, in short.
 */
static const char request[] =
    "{\"Hostname\":\"h\",\"User\":\"1000:1000\",\"AttachStdout\":true,\"ExposedPorts\":{\"80/"
    "tcp\":{}},\"Env\":[\"A=1\"],"
    "\"Cmd\":[\"/serve\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":1000000000},\"Image\":\"web\","
    "\"Entrypoint\":[],\"Labels\":{\"a\":\"b\"},\"StopTimeout\":3,"
    "\"HostConfig\":{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{}},\"NetworkMode\":\"default\","
    "\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]},"
    "\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":2},"
    "\"ConsoleSize\":[24,80],\"Memory\":1048576,"
    "\"DeviceRequests\":[{\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}],\"Init\":false,"
    "\"Ulimits\":[{\"Name\":\"nofile\",\"Hard\":6,\"Soft\":5}],"
    "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/data\"}],\"MaskedPaths\":[]},"
    "\"NetworkingConfig\":{\"EndpointsConfig\":{\"net\":{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.2\"},\"Aliases\":["
    "\"x\"]}}}}";

static void test_docker_request_reads_and_writes_the_same(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err = {0};
    struct container_spec spec;
    int r = fields_read_text(&container_spec_table, request, strlen(request), &arena, &spec, "request", &err);
    assert_string_equal(err.message, "");
    assert_int_equal(r, 0);
    assert_string_equal(spec.host.port_bindings.items[0].list.items[0].host_port, "8080");
    assert_int_equal(spec.host.console_size.items[1].cells, 80);
    assert_true(spec.host.init.set && !spec.host.init.value);
    assert_non_null(spec.entrypoint.items);
    assert_string_equal(spec.networking.endpoints.items[0].network, "net");
    assert_string_equal(fields_to_text(&container_spec_table, &spec, &arena), request);
}

static void test_unknown_key_is_refused(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct container_spec spec;
    const char *text = "{\"HostConfig\":{\"Memroy\":1}}";
    assert_int_equal(fields_read_text(&container_spec_table, text, strlen(text), &arena, &spec, "request", &err), -1);
    assert_string_equal(err.message, "request: unknown field: HostConfig.Memroy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_docker_request_reads_and_writes_the_same),
        cmocka_unit_test(test_unknown_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
