#include "api/container_json.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "test.h"

#define STARTED_NS (1700000000 * NS_PER_S + 5)

static char *text(const char *s)
{
    return (char *)s;
}

/* A container put together by hand, as the engine fills one that runs. */
static struct container_endpoint endpoints[1];
static struct container_port ports[3];
static struct container_mount mounts[2];
static struct health_probe probes[1];
static char *exposed[2];

static void fill(struct container *c)
{
    endpoints[0] = (struct container_endpoint){
        .network = text("bridge"),
        .network_id = text("n1"),
        .endpoint_id = text("e1"),
        .ipv4 = text("10.1.0.2"),
        .mac = text("02:00:00:00:00:01"),
        .gateway = text("10.1.0.1"),
        .prefix_length = 16,
    };
    ports[0] = (struct container_port){text("80/tcp"), text("0.0.0.0"), text("8080")};
    ports[1] = (struct container_port){text("80/tcp"), text("::"), text("8080")};
    ports[2] = (struct container_port){text("53/udp"), text("127.0.0.1"), text("5353")};
    mounts[0] = (struct container_mount){.type = text("volume"),
                                         .name = text("data"),
                                         .source = text("/v/data/_data"),
                                         .destination = text("/data"),
                                         .driver = text("local"),
                                         .mode = text("z"),
                                         .read_write = true};
    mounts[1] = (struct container_mount){
        .type = text("bind"), .source = text("/srv"), .destination = text("/srv"), .propagation = text("rprivate")};
    probes[0] = (struct health_probe){STARTED_NS, STARTED_NS, 1, text("no \"answer\"")};
    exposed[0] = text("80/tcp");
    exposed[1] = text("443/tcp");
    *c = (struct container){
        .pid = 42,
        .state = {.status = CONTAINER_RUNNING, .started_ns = STARTED_NS, .restart_count = 2},
        .health = HEALTH_UNHEALTHY,
        .health_failing_streak = 3,
    };
    c->endpoints.items = endpoints;
    c->endpoints.count = 1;
    c->ports.items = ports;
    c->ports.count = 3;
    c->mounts.items = mounts;
    c->mounts.count = 2;
    c->health_log.items = probes;
    c->health_log.count = 1;
    c->outline.exposed_ports = (struct strings){exposed, 2, 2};
}

static void assert_written(void (*write)(const struct container *c, struct json_out *out), const char *expected)
{
    struct container c;
    struct buf b cleanup(buf_done) = BUF(64 * 1024);
    struct json_out out = {.buf = &b};
    fill(&c);
    write(&c, &out);
    assert_string_equal(buf_str(&b), expected);
}

static void test_state(void **state)
{
    assert_written(container_json_state,
                   "{\"Status\":\"running\",\"Running\":true,\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,"
                   "\"Dead\":false,\"Pid\":42,\"ExitCode\":0,\"Error\":\"\","
                   "\"StartedAt\":\"2023-11-14T22:13:20.000000005Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\","
                   "\"Health\":{\"Status\":\"unhealthy\",\"FailingStreak\":3,\"Log\":[{"
                   "\"Start\":\"2023-11-14T22:13:20.000000005Z\",\"End\":\"2023-11-14T22:13:20.000000005Z\","
                   "\"ExitCode\":1,\"Output\":\"no \\\"answer\\\"\"}]}}");
}

static void test_ports_of_lists(void **state)
{
    assert_written(container_json_port_list,
                   "[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
                   "{\"IP\":\"::\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
                   "{\"IP\":\"127.0.0.1\",\"PrivatePort\":53,\"PublicPort\":5353,\"Type\":\"udp\"},"
                   "{\"PrivatePort\":443,\"Type\":\"tcp\"}]");
}

static void test_ports_of_inspect(void **state)
{
    assert_written(
        container_json_port_map,
        "{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},{\"HostIp\":\"::\",\"HostPort\":\"8080\"}],"
        "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"5353\"}],\"443/tcp\":null}");
}

static void test_mounts(void **state)
{
    assert_written(container_json_mounts,
                   "[{\"Type\":\"volume\",\"Name\":\"data\",\"Source\":\"/v/data/_data\",\"Destination\":\"/data\","
                   "\"Driver\":\"local\",\"Mode\":\"z\",\"RW\":true,\"Propagation\":\"\"},"
                   "{\"Type\":\"bind\",\"Source\":\"/srv\",\"Destination\":\"/srv\",\"Mode\":\"\",\"RW\":false,"
                   "\"Propagation\":\"rprivate\"}]");
}

static void test_networks(void **state)
{
    assert_written(
        container_json_networks,
        "{\"bridge\":{\"IPAMConfig\":null,\"Links\":null,\"Aliases\":null,\"MacAddress\":\"02:00:00:00:00:01\","
        "\"NetworkID\":\"n1\",\"EndpointID\":\"e1\",\"Gateway\":\"10.1.0.1\",\"IPAddress\":\"10.1.0.2\","
        "\"IPPrefixLen\":16,\"IPv6Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,"
        "\"DriverOpts\":null}}");
}

/* The table of spec/ does the writing: here counts what is there though it is empty, and what is not. */
static void test_config(void **state)
{
    char *words[] = {text("sleep"), text("1000")};
    struct container_spec spec = {.image = text("busybox"), .cmd = {words, 2, 2}};
    struct buf b cleanup(buf_done) = BUF(64 * 1024);
    struct json_out out = {.buf = &b};
    container_json_config(&spec, &out);
    static const char *const there[] = {"\"Hostname\":\"\"",   "\"Labels\":{}",         "\"Cmd\":[\"sleep\",\"1000\"]",
                                        "\"Entrypoint\":null", "\"Image\":\"busybox\"", "\"Tty\":false"};
    static const char *const absent[] = {"HostConfig", "NetworkingConfig", "Healthcheck", "StopTimeout", "MacAddress"};
    for (size_t i = 0; i < ARRAY_SIZE(there); i++)
        if (!strstr(buf_str(&b), there[i]))
            fail_msg("%s is not in %s", there[i], buf_str(&b));
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
        if (strstr(buf_str(&b), absent[i]))
            fail_msg("%s is in %s", absent[i], buf_str(&b));
}

static void test_host_config(void **state)
{
    struct host_config host = {.network_mode = text("bridge")};
    struct buf b cleanup(buf_done) = BUF(64 * 1024);
    struct json_out out = {.buf = &b};
    container_json_host_config(&host, &out);
    static const char *const there[] = {"\"Binds\":null",
                                        "\"Memory\":0",
                                        "\"PortBindings\":{}",
                                        "\"RestartPolicy\":{\"Name\":\"\",\"MaximumRetryCount\":0}",
                                        "\"NetworkMode\":\"bridge\"",
                                        "\"PidsLimit\":null",
                                        "\"Privileged\":false"};
    for (size_t i = 0; i < ARRAY_SIZE(there); i++)
        if (!strstr(buf_str(&b), there[i]))
            fail_msg("%s is not in %s", there[i], buf_str(&b));
    assert_null(strstr(buf_str(&b), "\"Tmpfs\""));
}

TEST_MAIN(cmocka_unit_test(test_state), cmocka_unit_test(test_ports_of_lists), cmocka_unit_test(test_ports_of_inspect),
          cmocka_unit_test(test_mounts), cmocka_unit_test(test_networks), cmocka_unit_test(test_config),
          cmocka_unit_test(test_host_config))
