#include "plan/plan.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*
 * A plan as text, one step a line, those that wait in brackets: "pull web; [create shop-web-1]; …". A failure comes
 * last, after "!".
 */
static const char *text_of(const struct plan *plan, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(100000);
    vec_foreach (step, &plan->steps)
        buf_printf(&text, "%s%s%s %s%s", text.size ? "; " : "", step->blocked ? "[" : "", step_kind_name(step->kind),
                   step->name, step->blocked ? "]" : "");
    if (plan->failure)
        buf_printf(&text, "%s! %s", text.size ? " " : "", plan->failure);
    return arena_strdup(arena, buf_str(&text));
}

/* --- A stack of web (2 replicas), which needs db to be healthy */

struct shop {
    struct arena arena;
    struct stack_spec spec;
    struct observed observed;
    struct plan_options options;
};

static struct service_spec service(const char *name, const char *image, int replicas)
{
    struct service_spec s = {.name = (char *)name, .replicas = replicas};
    s.container.image = (char *)image;
    return s;
}

static void open_shop(struct shop *shop)
{
    struct arena *arena = &shop->arena;
    shop->options.pull = -1;
    shop->spec.name = (char *)"shop";
    vec_push_in(arena, &shop->spec.services, service("web", "web:1", 2));
    vec_push_in(arena, &shop->spec.services, service("db", "db:1", 1));
    struct dependency needs_db = {.service = (char *)"db", .condition = DEPENDS_HEALTHY};
    vec_push_in(arena, &shop->spec.services.items[0].depends_on, needs_db);
    vec_push_in(arena, &shop->observed.images, ((struct observed_image){.reference = "web:1", .id = "sha256:web"}));
    vec_push_in(arena, &shop->observed.images, ((struct observed_image){.reference = "db:1", .id = "sha256:db"}));
}

static struct observed_replica *put(struct shop *shop, const char *name, int number, enum replica_state state,
                                    enum replica_health health)
{
    struct arena *arena = &shop->arena;
    const struct service_spec *s = stack_service(&shop->spec, name);
    struct observed_replica replica = {
        .id = arena_printf(arena, "id-%s-%d", name, number),
        .name = arena_printf(arena, "shop-%s-%d", name, number),
        .service = name,
        .number = number,
        .hash = s ? plan_hash(&shop->spec, s, arena) : "",
        .image_id = s ? arena_printf(arena, "sha256:%s", name) : "",
        .state = state,
        .health = health,
    };
    vec_push_in(arena, &shop->observed.replicas, replica);
    return &shop->observed.replicas.items[shop->observed.replicas.count - 1];
}

static const char *up(struct shop *shop)
{
    struct plan plan = plan_up(&shop->spec, &shop->observed, &shop->options, &shop->arena);
    return text_of(&plan, &shop->arena);
}

static const char *down(struct shop *shop, bool volumes)
{
    struct plan plan = plan_down(&shop->spec, &shop->observed, volumes, &shop->arena);
    return text_of(&plan, &shop->arena);
}

#define SHOP(name)                                                                                                     \
    struct shop name = {0};                                                                                            \
    struct arena *name##_arena cleanup(release) = &name.arena;                                                         \
    (void)name##_arena;                                                                                                \
    open_shop(&name)

static void release(struct arena **arena)
{
    arena_done(*arena);
}

/* --- Up */

static void test_from_nothing(void **state)
{
    SHOP(shop);
    assert_string_equal(
        up(&shop), "create shop-db-1; [start shop-db-1]; create shop-web-1; [start shop-web-1]; create shop-web-2; "
                   "[start shop-web-2]");
}

static void test_missing_image_is_pulled_once(void **state)
{
    SHOP(shop);
    shop.observed.images.items[0].id = NULL;
    assert_string_equal(up(&shop),
                        "create shop-db-1; [start shop-db-1]; pull web:1; [create shop-web-1]; [start shop-web-1]; "
                        "[create shop-web-2]; [start shop-web-2]");
    shop.spec.services.items[0].pull_policy = PULL_NEVER;
    assert_non_null(
        strstr(up(&shop), "! service web: there is no image web:1 here, and its pull policy forbids to fetch it"));
    shop.spec.services.items[0].build = true;
    assert_non_null(strstr(up(&shop), "! service web has a build section"));
}

static void test_health_is_waited_for(void **state)
{
    SHOP(shop);
    put(&shop, "db", 1, REPLICA_RUNNING, REPLICA_CHECKING);
    put(&shop, "web", 1, REPLICA_CREATED, REPLICA_NO_CHECK);
    put(&shop, "web", 2, REPLICA_CREATED, REPLICA_NO_CHECK);
    assert_string_equal(up(&shop), "[start shop-web-1]; [start shop-web-2]");
    struct observed_replica *db = &shop.observed.replicas.items[0];
    db->health = REPLICA_HEALTHY;
    assert_string_equal(up(&shop), "start shop-web-1; start shop-web-2");
    db->health = REPLICA_UNHEALTHY;
    assert_non_null(strstr(up(&shop), "! dependency of web failed to start: container shop-db-1 is unhealthy"));
}

static void test_completion_is_waited_for(void **state)
{
    SHOP(shop);
    shop.spec.services.items[0].depends_on.items[0].condition = DEPENDS_COMPLETED;
    put(&shop, "db", 1, REPLICA_RUNNING, REPLICA_NO_CHECK);
    put(&shop, "web", 1, REPLICA_CREATED, REPLICA_NO_CHECK);
    put(&shop, "web", 2, REPLICA_CREATED, REPLICA_NO_CHECK);
    assert_string_equal(up(&shop), "[start shop-web-1]; [start shop-web-2]");
    struct observed_replica *db = &shop.observed.replicas.items[0];
    db->state = REPLICA_EXITED;
    db->tried = true;
    assert_string_equal(up(&shop), "start shop-web-1; start shop-web-2");
    db->exit_code = 3;
    assert_non_null(strstr(up(&shop), "! service \"db\" didn't complete successfully: exit 3"));
}

static void put_all(struct shop *shop)
{
    put(shop, "db", 1, REPLICA_RUNNING, REPLICA_HEALTHY);
    put(shop, "web", 1, REPLICA_RUNNING, REPLICA_NO_CHECK);
    put(shop, "web", 2, REPLICA_RUNNING, REPLICA_NO_CHECK);
}

static void test_nothing_to_do(void **state)
{
    SHOP(shop);
    put_all(&shop);
    assert_string_equal(up(&shop), "");
}

static void test_only_what_changed_is_made_again(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.spec.services.items[0].container.user = (char *)"1000";
    assert_string_equal(up(&shop), "stop shop-web-1; [remove shop-web-1]; [create shop-web-1]; [start shop-web-1]; "
                                   "stop shop-web-2; [remove shop-web-2]; [create shop-web-2]; [start shop-web-2]");
    shop.options.no_recreate = true;
    assert_string_equal(up(&shop), "");
}

static void test_new_image_makes_it_again(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.observed.images.items[1].id = "sha256:newer";
    assert_string_equal(up(&shop), "stop shop-db-1; [remove shop-db-1]; [create shop-db-1]; [start shop-db-1]");
}

static void test_policies_do_not_make_it_again(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.spec.services.items[0].pull_policy = PULL_NEVER;
    shop.spec.services.items[0].attach_logs = true;
    assert_string_equal(up(&shop), "");
}

static void test_forced_recreation_ends(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.options.force_recreate = true;
    assert_non_null(strstr(up(&shop), "stop shop-web-1"));
    vec_foreach (replica, &shop.observed.replicas)
        replica->made = replica->tried = true;
    assert_string_equal(up(&shop), "");
}

static void test_scaling(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.spec.services.items[0].replicas = 1;
    assert_string_equal(up(&shop), "stop shop-web-2; [remove shop-web-2]");
    shop.spec.services.items[0].replicas = 3;
    assert_string_equal(up(&shop), "create shop-web-3; [start shop-web-3]");
}

static void test_orphans(void **state)
{
    SHOP(shop);
    put_all(&shop);
    put(&shop, "cache", 1, REPLICA_RUNNING, REPLICA_NO_CHECK);
    assert_string_equal(up(&shop), "");
    shop.options.remove_orphans = true;
    assert_string_equal(up(&shop), "stop shop-cache-1; [remove shop-cache-1]");
}

static void test_named_services_bring_what_they_need(void **state)
{
    SHOP(shop);
    char *names[] = {(char *)"web"};
    shop.options.services = &(struct strings){names, 1, 1};
    assert_non_null(strstr(up(&shop), "create shop-db-1"));
    shop.options.no_deps = true;
    assert_null(strstr(up(&shop), "create shop-db-1"));
    names[0] = (char *)"db";
    shop.options.no_deps = false;
    assert_string_equal(up(&shop), "create shop-db-1; [start shop-db-1]");
}

static void test_an_exit_is_not_answered_by_another_start(void **state)
{
    SHOP(shop);
    put_all(&shop);
    struct observed_replica *web = &shop.observed.replicas.items[1];
    web->state = REPLICA_EXITED;
    assert_string_equal(up(&shop), "start shop-web-1");
    web->tried = true;
    assert_string_equal(up(&shop), "");
    shop.options.wait = true;
    web->exit_code = 2;
    assert_string_equal(up(&shop), "! container shop-web-1 exited (2)");
}

static void test_waiting_for_all(void **state)
{
    SHOP(shop);
    put_all(&shop);
    shop.options.wait = true;
    shop.observed.replicas.items[0].health = REPLICA_CHECKING;
    assert_string_equal(up(&shop), "[wait shop-db-1]");
}

static void test_networks_and_volumes_first(void **state)
{
    SHOP(shop);
    struct arena *arena = &shop.arena;
    struct stack_network network = {.key = (char *)"default", .network.name = (char *)"shop_default"};
    struct stack_volume volume = {.key = (char *)"data", .volume.name = (char *)"shop_data"};
    vec_push_in(arena, &shop.spec.networks, network);
    vec_push_in(arena, &shop.spec.volumes, volume);
    struct endpoint_spec endpoint = {.network = (char *)"shop_default"};
    vec_push_in(arena, &shop.spec.services.items[1].container.networking.endpoints, endpoint);
    shop.spec.services.count = 2;
    char *db[] = {(char *)"db"};
    shop.options.services = &(struct strings){db, 1, 1};
    assert_string_equal(up(&shop),
                        "create volume shop_data; create network shop_default; [create shop-db-1]; [start shop-db-1]");
    shop.spec.networks.items[0].external = true;
    assert_non_null(strstr(up(&shop), "! network shop_default declared as external, but could not be found"));
}

static void test_circles_are_named(void **state)
{
    SHOP(shop);
    struct dependency needs_web = {.service = (char *)"web"};
    vec_push_in(&shop.arena, &shop.spec.services.items[1].depends_on, needs_web);
    assert_string_equal(up(&shop), "! web →: db →: web: services depend on each other in a circle");
}

/* --- Down and stop */

static void test_down_in_reverse(void **state)
{
    SHOP(shop);
    put_all(&shop);
    assert_string_equal(down(&shop, false),
                        "[stop shop-db-1]; [remove shop-db-1]; stop shop-web-1; [remove shop-web-1]; stop shop-web-2; "
                        "[remove shop-web-2]");
    shop.observed.replicas.items[1].state = shop.observed.replicas.items[2].state = REPLICA_EXITED;
    assert_string_equal(down(&shop, false), "stop shop-db-1; [remove shop-db-1]; remove shop-web-1; remove shop-web-2");
}

static void test_down_takes_volumes_when_asked(void **state)
{
    SHOP(shop);
    struct stack_volume own = {.key = (char *)"data", .volume.name = (char *)"shop_data"};
    struct stack_volume external = {.key = (char *)"old", .external = true, .volume.name = (char *)"old"};
    vec_push_in(&shop.arena, &shop.spec.volumes, own);
    vec_push_in(&shop.arena, &shop.spec.volumes, external);
    vec_push_in(&shop.arena, &shop.observed.volumes, (char *)"shop_data");
    vec_push_in(&shop.arena, &shop.observed.volumes, (char *)"old");
    assert_string_equal(down(&shop, false), "");
    assert_string_equal(down(&shop, true), "remove volume shop_data");
}

static void test_stop(void **state)
{
    SHOP(shop);
    put_all(&shop);
    struct plan plan = plan_stop(&shop.spec, &shop.observed, NULL, &shop.arena);
    assert_string_equal(text_of(&plan, &shop.arena), "[stop shop-db-1]; stop shop-web-1; stop shop-web-2");
}

/* --- Replicas */

static void test_replica_spec(void **state)
{
    SHOP(shop);
    struct arena *arena = &shop.arena;
    struct stack_network network = {.key = (char *)"front", .network.name = (char *)"shop_front"};
    struct endpoint_spec endpoint = {.network = (char *)"shop_front"};
    struct service_spec *web = &shop.spec.services.items[0];
    vec_push_in(arena, &shop.spec.networks, network);
    vec_push_in(arena, &web->container.networking.endpoints, endpoint);
    web->pid_of = (char *)"db";
    struct container_spec *spec = plan_replica_spec(&shop.spec, web, 2, arena);
    assert_string_equal(spec->host.network_mode, "shop_front");
    assert_string_equal(spec->networking.endpoints.items[0].network, "shop_front");
    assert_string_equal(spec->networking.endpoints.items[0].aliases.items[0], "web");
    assert_string_equal(spec->networking.endpoints.items[0].aliases.items[1], "web-2");
    assert_string_equal(spec->host.pid_mode, "container:shop-db-1");
    assert_string_equal(pairs_get(&spec->labels, LABEL_NUMBER), "2");
    assert_int_equal(web->container.networking.endpoints.items[0].aliases.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nothing),
        cmocka_unit_test(test_missing_image_is_pulled_once),
        cmocka_unit_test(test_health_is_waited_for),
        cmocka_unit_test(test_completion_is_waited_for),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_only_what_changed_is_made_again),
        cmocka_unit_test(test_new_image_makes_it_again),
        cmocka_unit_test(test_policies_do_not_make_it_again),
        cmocka_unit_test(test_forced_recreation_ends),
        cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_named_services_bring_what_they_need),
        cmocka_unit_test(test_an_exit_is_not_answered_by_another_start),
        cmocka_unit_test(test_waiting_for_all),
        cmocka_unit_test(test_networks_and_volumes_first),
        cmocka_unit_test(test_circles_are_named),
        cmocka_unit_test(test_down_in_reverse),
        cmocka_unit_test(test_down_takes_volumes_when_asked),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_replica_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
