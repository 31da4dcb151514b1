#include "bench/containers.h"

#include "base/clock.h"
#include "base/str.h"
#include "http/uri.h"

#include <stdio.h>

#define LISTINGS 7 /* of which the median counts */

/* --- Steps */

static void put_name(const struct containers *c, size_t number, struct buf *target)
{
    buf_printf(target, "bench-%s-%zu", c->class->name, number);
}

static void ask_create(const void *data, size_t number, struct buf *target, struct buf *body)
{
    const struct containers *c = data;
    buf_adds(target, "/containers/create?name=");
    put_name(c, number, target);
    bench_class_body(c->class, c->bench->options.image, bench_port(c->bench, number), body);
}

static void ask_start(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_adds(target, "/containers/");
    put_name(data, number, target);
    buf_adds(target, "/start");
}

static void ask_stop(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_adds(target, "/containers/");
    put_name(data, number, target);
    buf_adds(target, "/stop");
}

static void ask_remove(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_adds(target, "/containers/");
    put_name(data, number, target);
    buf_adds(target, "?v=1");
}

static const struct load_step start_steps[] = {
    [STEP_CREATE] = {.name = "create", .method = HTTP_METHOD_POST, .ask = ask_create},
    [STEP_START] = {.name = "start", .method = HTTP_METHOD_POST, .ask = ask_start},
};
static const struct load_step stop_steps[] = {
    [STEP_STOP] = {.name = "stop", .method = HTTP_METHOD_POST, .ask = ask_stop},
    [STEP_REMOVE] = {.name = "remove", .method = HTTP_METHOD_DELETE, .ask = ask_remove},
};

/* --- Many at once */

struct telling {
    struct status *status;
    const char *subject, *doing;
    size_t count;
};

static void tell(void *data, size_t done)
{
    const struct telling *t = data;
    status_show(t->status, t->subject, t->doing, done, t->count);
}

static int run(const struct containers *c, const struct load_step *steps, size_t step_count, const char *doing,
               struct load_times *ret, struct err *err)
{
    char subject[ENGINE_NAME_MAX + 32];
    struct telling telling = {&c->bench->status, subject, doing, c->count};
    (void)snprintf(subject, sizeof(subject), "%s, %s", c->engine->name, c->class->name);
    const struct load load = {
        .loop = c->bench->loop,
        .clients = (size_t)c->bench->options.clients,
        .first = c->first,
        .count = c->count,
        .steps = steps,
        .step_count = step_count,
        .data = c,
        .address = &c->engine->daemon.address,
        .told = tell,
        .told_data = &telling,
        .stop = &c->bench->stop,
    };
    tell(&telling, 0);
    if (load_run(&load, ret, err) == 0)
        return 0;
    return err->kind == ERR_CANCELLED ? -1 : err_wrap(err, "%s", subject);
}

int containers_start(const struct containers *containers, struct load_times *ret, struct err *err)
{
    containers->bench->made[containers->engine - containers->bench->engines] = true;
    return run(containers, start_steps, ARRAY_SIZE(start_steps), "starting", ret, err);
}

int containers_stop(const struct containers *containers, struct load_times *ret, struct err *err)
{
    return run(containers, stop_steps, ARRAY_SIZE(stop_steps), "stopping and removing", ret, err);
}

/* --- One look */

int containers_pid(const struct containers *containers, pid_t *ret, struct err *err)
{
    struct buf target cleanup(buf_done) = BUF(256);
    json_value *found cleanup(json_freep) = NULL;
    buf_adds(&target, "/containers/");
    put_name(containers, containers->first, &target);
    buf_adds(&target, "/json");
    if (daemon_get(&containers->engine->daemon, buf_str(&target), &found, err) < 0)
        return -1;
    int64_t pid = json_as_int(json_get(json_get(found, "State"), "Pid"), 0);
    if (pid <= 0 || pid > INT32_MAX)
        return err_set(err, ERR_INTERNAL, "%s says that the process of its container is %lld", containers->engine->name,
                       (long long)pid);
    *ret = (pid_t)pid;
    return 0;
}

static int list(const struct bench_engine *engine, enum containers_which which, json_value **ret, struct err *err)
{
    struct buf target cleanup(buf_done) = BUF(1024);
    buf_adds(&target, "/containers/json");
    http_query_add(&target, "all", which == CONTAINERS_ALL ? "1" : NULL);
    http_query_add(&target, "filters", "{\"label\":[\"" BENCH_LABEL "\"]}");
    return daemon_get(&engine->daemon, buf_str(&target), ret, err);
}

int containers_count(const struct bench_engine *engine, enum containers_which which, size_t *ret, struct err *err)
{
    json_value *found cleanup(json_freep) = NULL;
    if (list(engine, which, &found, err) < 0)
        return -1;
    *ret = json_count(found);
    return 0;
}

static void ask_list(const void *data, size_t number, struct buf *target, struct buf *body)
{
    buf_adds(target, "/containers/json");
}

int containers_list_ms(const struct containers *containers, double *ret_ms, struct err *err)
{
    static const struct load_step step = {.name = "list", .method = HTTP_METHOD_GET, .ask = ask_list};
    struct load_times times;
    const struct load load = {.loop = containers->bench->loop,
                              .clients = 1,
                              .count = LISTINGS,
                              .steps = &step,
                              .step_count = 1,
                              .address = &containers->engine->daemon.address,
                              .stop = &containers->bench->stop};
    if (load_run(&load, &times, err) < 0)
        return -1;
    *ret_ms = times.steps[0].median_ms;
    return 0;
}

/* --- Clearing */

struct clearing {
    const struct bench_engine *engine;
    const json_value *list;
};

static void ask_clear(const void *data, size_t number, struct buf *target, struct buf *body)
{
    const struct clearing *clearing = data;
    const char *id = json_get_text(json_at(clearing->list, number), "Id");
    buf_adds(target, "/containers/");
    http_percent_encode(target, id ? id : "");
    buf_adds(target, "?force=1&v=1");
}

int containers_clean(const struct bench_engine *engine, struct loop *loop, struct status *status, size_t *ret_count,
                     struct err *err)
{
    static const struct load_step step = {.name = "removal", .method = HTTP_METHOD_DELETE, .ask = ask_clear};
    json_value *found cleanup(json_freep) = NULL;
    if (list(engine, CONTAINERS_ALL, &found, err) < 0)
        return err_wrap(err, "containers of the benchmark may be left on %s", engine->name);
    struct clearing clearing = {engine, found};
    struct telling telling = {status, engine->name, "removing", json_count(found)};
    const struct load load = {.loop = loop,
                              .clients = 4,
                              .count = json_count(found),
                              .steps = &step,
                              .step_count = 1,
                              .data = &clearing,
                              .address = &engine->daemon.address,
                              .told = tell,
                              .told_data = &telling};
    if (ret_count)
        *ret_count = json_count(found);
    if (load_run(&load, NULL, err) < 0)
        return err_wrap(err, "containers of the benchmark may be left on %s", engine->name);
    return 0;
}
