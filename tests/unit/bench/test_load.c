/* Against a server of ours on the same loop. */
#include "bench/load.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "http/listener.h"
#include "http/reply.h"
#include "http/server.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT 20

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct http_address address;
    char folder[32];
    int made[COUNT + 1], used[COUNT + 1];
    size_t told, most;
    bool stop;
};

static struct fixture f;

static int number_of(const struct http_request *request)
{
    int number = 0;
    assert_true(str_to_int(http_param(request, "n"), 1, COUNT, &number));
    return number;
}

static void make(struct http_request *request)
{
    assert_string_equal(buf_str(&request->body), "{}");
    f.made[number_of(request)]++;
    f.most = http_server_connections(f.server) > f.most ? http_server_connections(f.server) : f.most;
    http_reply(request, 201, "text/plain", "made", 4);
}

static void use(struct http_request *request)
{
    int number = number_of(request);
    assert_int_equal(f.made[number], 1);
    f.used[number]++;
    http_reply(request, 200, "text/plain", number == 13 ? "bad" : "good", number == 13 ? 3 : 4);
}

static void refuse(struct http_request *request)
{
    struct err err;
    err_set(&err, ERR_CONFLICT, "no more of them");
    http_reply_err(request, &err);
}

static const struct http_route routes[] = {
    {HTTP_METHOD_POST, "/make/{n}", make},
    {HTTP_METHOD_GET, "/use/{n}", use},
    {HTTP_METHOD_GET, "/refuse", refuse},
};

static void flush(void *data)
{
    http_server_flush(f.server);
}

static int set_up(void **state)
{
    struct err err;
    f = (struct fixture){.loop = loop_new(&err), .folder = "/tmp/test-bench-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    f.address.local = true;
    (void)snprintf(f.address.path, sizeof(f.address.path), "%s/sock", f.folder);
    f.server = http_server_new(
        &(struct http_server_options){.loop = f.loop, .routes = routes, .route_count = ARRAY_SIZE(routes)});
    loop_on_turn_end(f.loop, flush, NULL);
    int fd = http_listen_unix(f.address.path, 0600, (gid_t)-1, &err);
    assert_return_code(fd, 0);
    return http_server_listen(f.server, fd, true, &err);
}

static int tear_down(void **state)
{
    http_server_free(f.server);
    loop_free(f.loop);
    (void)unlink(f.address.path);
    (void)rmdir(f.folder);
    return 0;
}

static void ask_make(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_printf(target, "/make/%zu", number);
    buf_adds(body, "{}");
}

static void ask_use(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_printf(target, "/use/%zu", number);
}

static void ask_refuse(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_adds(target, "/refuse");
}

static int check_good(const void *data, size_t number, const struct buf *answer, struct err *err)
{
    return str_eq(buf_str(answer), "good") ? 0 : err_set(err, ERR_INVALID, "it is %s", buf_str(answer));
}

static void tell(void *data, size_t done)
{
    f.told = done;
}

static void find(const void *data, size_t number, struct http_address *ret)
{
    *ret = f.address;
}

static struct load load_of(const struct load_step *steps, size_t count)
{
    return (struct load){.loop = f.loop,
                         .clients = 4,
                         .first = 1,
                         .count = COUNT,
                         .steps = steps,
                         .step_count = count,
                         .address = &f.address,
                         .told = tell,
                         .stop = &f.stop};
}

static const struct load_step steps[] = {
    {.name = "make", .method = HTTP_METHOD_POST, .ask = ask_make},
    {.name = "use", .method = HTTP_METHOD_GET, .ask = ask_use},
};

static void test_each_number_takes_all_steps_once(void **state)
{
    struct load load = load_of(steps, 2);
    struct load_times times;
    struct err err;
    assert_return_code(load_run(&load, &times, &err), 0);
    for (int i = 1; i <= COUNT; i++) {
        assert_int_equal(f.made[i], 1);
        assert_int_equal(f.used[i], 1);
    }
    assert_int_equal(f.told, COUNT);
    assert_int_equal(f.most, 4);
    assert_true(times.seconds > 0 && times.steps[0].median_ms > 0 && times.steps[1].p99_ms >= times.steps[1].median_ms);
}

static void test_a_connection_for_each(void **state)
{
    struct load load = load_of(steps, 2);
    struct err err;
    load.address = NULL;
    load.find = find;
    load.clients = 30; /* more than there is to do */
    assert_return_code(load_run(&load, NULL, &err), 0);
    assert_int_equal(f.told, COUNT);
}

static void test_the_first_failure_ends_it(void **state)
{
    static const struct load_step checked[] = {
        {.name = "make", .method = HTTP_METHOD_POST, .ask = ask_make},
        {.name = "use", .method = HTTP_METHOD_GET, .ask = ask_use, .check = check_good},
    };
    static const struct load_step refused = {.name = "refusal", .method = HTTP_METHOD_GET, .ask = ask_refuse};
    struct load load = load_of(checked, 2);
    struct err err;
    assert_int_equal(load_run(&load, NULL, &err), -1);
    assert_string_equal(err.message, "use of number 13: it is bad");
    assert_int_equal(f.made[COUNT], 0);
    load = load_of(&refused, 1);
    assert_int_equal(load_run(&load, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.message, "refusal of number 1: no more of them");
}

static void test_it_can_be_stopped(void **state)
{
    struct load load = load_of(steps, 2);
    struct err err;
    f.stop = true;
    assert_int_equal(load_run(&load, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_CANCELLED);
    assert_int_equal(f.made[1], 0);
}

static void test_nobody_there(void **state)
{
    struct load load = load_of(steps, 2);
    struct err err;
    (void)unlink(f.address.path);
    assert_int_equal(load_run(&load, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
TEST_MAIN(CASE(test_each_number_takes_all_steps_once), CASE(test_a_connection_for_each),
          CASE(test_the_first_failure_ends_it), CASE(test_it_can_be_stopped), CASE(test_nobody_there))
