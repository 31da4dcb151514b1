#include "compose/to_spec.h"

#include "files.h"

static const char text[] =
    "services:\n"
    "  web:\n"
    "    image: nginx\n"
    "    command: [run, it]\n"
    "    entrypoint: []\n"
    "    environment: {A: '1', B: }\n"
    "    labels: {l: v}\n"
    "    ports: ['8080:80', '127.0.0.1:8081:80', '53:53/udp']\n"
    "    expose: ['99']\n"
    "    volumes: ['data:/data:ro', './conf:/conf', '/anon']\n"
    "    tmpfs: ['/run:size=1m']\n"
    "    restart: on-failure:3\n"
    "    stop_grace_period: 1500ms\n"
    "    cpus: 1.5\n"
    "    mem_limit: 64m\n"
    "    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}\n"
    "    extra_hosts: ['h=::1']\n"
    "    healthcheck: {test: check, interval: 5s, retries: 2}\n"
    "    depends_on: {db: {condition: service_healthy, required: false}}\n"
    "    networks: {front: {aliases: [w], ipv4_address: 10.0.0.5}, back: {priority: 5}}\n"
    "    configs: [{source: conf, target: /etc/conf, mode: '0400'}]\n"
    "    secrets: [key]\n"
    "    deploy: {replicas: 3, labels: {d: e}}\n"
    "    logging: {driver: json-file, options: {max-size: 1m}}\n"
    "  db:\n"
    "    image: db\n"
    "    healthcheck: {disable: true}\n"
    "    deploy: {mode: global, restart_policy: {condition: any}, resources: {limits: {cpus: '0.5'}}}\n"
    "    container_name: the-db\n"
    "  side: {image: s, network_mode: 'service:web', pid: 'service:web'}\n"
    "  built: {build: ., network_mode: none, init: true}\n"
    "networks:\n"
    "  front: {ipam: {config: [{subnet: 10.0.0.0/24}]}, internal: true}\n"
    "  back: {external: true, name: shared}\n"
    "volumes: {data: {labels: {a: b}}}\n"
    "configs: {conf: {content: 'abc'}}\n"
    "secrets: {key: {file: ./key}}\n";

static const struct memory_file files[] = {{"/p/compose.yaml", text}, {"/p/key", "se"}, {0}};

struct fixture {
    struct memory_project p;
    struct stack_spec stack;
};

static struct fixture fixture;

static int setup(void **state)
{
    memory_project(&fixture.p, files);
    memory_load(&fixture.p);
    if (compose_to_spec(&fixture.p.options, &fixture.p.project, &fixture.p.arena, &fixture.stack, &fixture.p.err) < 0)
        fail_msg("%s", fixture.p.err.message);
    return 0;
}

static int teardown(void **state)
{
    memory_done(&fixture.p);
    return 0;
}

static void test_container(void **state)
{
    const struct container_spec *c = &stack_service(&fixture.stack, "web")->container;
    assert_string_equal(c->image, "nginx");
    assert_int_equal(c->cmd.count, 2);
    assert_non_null(c->entrypoint.items); /* none, which is not the image's */
    assert_int_equal(c->entrypoint.count, 0);
    assert_string_equal(c->env.items[0], "A=1");
    assert_string_equal(c->env.items[1], "B");
    assert_string_equal(pairs_get(&c->labels, "l"), "v");
    assert_string_equal(pairs_get(&c->labels, "com.docker.compose.service"), "web");
    assert_string_equal(pairs_get(&c->labels, "com.docker.compose.project.config_files"), "/p/compose.yaml");
    assert_int_equal(c->stop_timeout.value, 2);
    assert_string_equal(c->health_check->test.items[0], "CMD-SHELL");
    assert_int_equal(c->health_check->interval_ns, 5000000000);
    assert_string_equal(c->host.restart.name, "on-failure");
    assert_int_equal(c->host.restart.maximum_retry_count, 3);
    assert_int_equal(c->host.nano_cpus, 1500000000);
    assert_int_equal(c->host.memory, 64 << 20);
    assert_int_equal(c->host.ulimits.items[0].hard, 2);
    assert_int_equal(c->host.ulimits.items[1].soft, 3);
    assert_string_equal(c->host.extra_hosts.items[0], "h:::1");
    assert_string_equal(c->host.log.type, "json-file");
    assert_string_equal(pairs_get(&c->host.log.options, "max-size"), "1m");
}

static void test_ports(void **state)
{
    const struct container_spec *c = &stack_service(&fixture.stack, "web")->container;
    assert_int_equal(c->exposed_ports.count, 3);
    assert_string_equal(c->exposed_ports.items[0], "99/tcp");
    assert_int_equal(c->host.port_bindings.count, 2);
    assert_string_equal(c->host.port_bindings.items[0].port, "80/tcp");
    assert_int_equal(c->host.port_bindings.items[0].list.count, 2);
    assert_string_equal(c->host.port_bindings.items[0].list.items[1].host_ip, "127.0.0.1");
    assert_string_equal(c->host.port_bindings.items[1].port, "53/udp");
    assert_string_equal(c->host.port_bindings.items[1].list.items[0].host_port, "53");
}

static void test_mounts(void **state)
{
    const struct host_config *h = &stack_service(&fixture.stack, "web")->container.host;
    assert_int_equal(h->mounts.count, 3);
    assert_string_equal(h->mounts.items[0].source, "test_data");
    assert_true(h->mounts.items[0].read_only);
    assert_string_equal(h->mounts.items[1].source, "/p/conf");
    assert_true(h->mounts.items[1].bind->create_mountpoint);
    assert_null(h->mounts.items[2].source);
    assert_string_equal(pairs_get(&h->tmpfs, "/run"), "size=1m");
}

/* The network of highest priority comes first, and is the container's mode; names are the real ones. */
static void test_networks(void **state)
{
    const struct container_spec *c = &stack_service(&fixture.stack, "web")->container;
    assert_string_equal(c->host.network_mode, "shared");
    assert_int_equal(c->networking.endpoints.count, 2);
    assert_string_equal(c->networking.endpoints.items[0].network, "shared");
    assert_string_equal(c->networking.endpoints.items[1].network, "test_front");
    assert_string_equal(c->networking.endpoints.items[1].ipam->ipv4_address, "10.0.0.5");
    assert_string_equal(c->networking.endpoints.items[1].aliases.items[0], "web");
    assert_string_equal(c->networking.endpoints.items[1].aliases.items[1], "w");
    assert_int_equal(fixture.stack.networks.count, 3); /* back, default, front */
    assert_true(fixture.stack.networks.items[0].external);
    assert_true(fixture.stack.networks.items[2].network.internal);
    assert_string_equal(fixture.stack.networks.items[2].network.ipam.pools.items[0].subnet, "10.0.0.0/24");
}

static void test_service(void **state)
{
    const struct service_spec *web = stack_service(&fixture.stack, "web"), *db = stack_service(&fixture.stack, "db");
    const struct service_spec *built = stack_service(&fixture.stack, "built");
    const struct service_spec *side = stack_service(&fixture.stack, "side");
    assert_int_equal(web->replicas, 3);
    assert_int_equal(web->stop_grace_ns, 1500000000);
    assert_string_equal(web->depends_on.items[0].service, "db");
    assert_int_equal(web->depends_on.items[0].condition, DEPENDS_HEALTHY);
    assert_true(web->depends_on.items[0].optional);
    assert_string_equal(web->files.items[0].target, "/etc/conf");
    assert_int_equal(web->files.items[0].mode, 0400);
    assert_string_equal(web->files.items[1].target, "/run/secrets/key");
    assert_int_equal(web->files.items[1].mode, 0444);
    assert_string_equal(pairs_get(&web->deploy_labels, "d"), "e");
    assert_string_equal(side->network_of, "web");
    assert_string_equal(side->pid_of, "web");
    assert_null(side->container.host.network_mode);
    assert_null(side->container.host.pid_mode);
    assert_string_equal(db->container.health_check->test.items[0], "NONE");
    assert_true(db->global);
    assert_string_equal(db->container_name, "the-db");
    assert_string_equal(db->container.host.restart.name, "always");
    assert_int_equal(db->container.host.nano_cpus, 500000000);
    assert_true(built->build);
    assert_string_equal(built->container.image, "test-built");
    assert_string_equal(built->container.host.network_mode, "none");
    assert_true(built->container.host.init.value);
}

static void test_files(void **state)
{
    assert_string_equal(fixture.stack.configs.items[0].content, "YWJj");
    assert_string_equal(fixture.stack.secrets.items[0].content, "c2U=");
    assert_string_equal(fixture.stack.volumes.items[0].volume.name, "test_data");
    assert_string_equal(pairs_get(&fixture.stack.volumes.items[0].volume.labels, "com.docker.compose.volume"), "data");
    assert_string_equal(fixture.stack.working_dir, "/p");
}

static void test_missing_secret(void **state)
{
    static const struct memory_file without[] = {{"/p/compose.yaml", text}, {0}};
    fixture.p.memory.files = without;
    struct err err = {0};
    assert_true(compose_to_spec(&fixture.p.options, &fixture.p.project, &fixture.p.arena, &fixture.stack, &err) < 0);
    assert_string_equal(err.message, "the secret key: /p/key: not there");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

TEST_MAIN(TEST(test_container), TEST(test_ports), TEST(test_mounts), TEST(test_networks), TEST(test_service),
          TEST(test_files), TEST(test_missing_secret))
