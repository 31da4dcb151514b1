#include "bench/load.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "http/client.h"
#include "http/session.h"

#include <stdlib.h>

#define TARGET_MAX 4096
#define BODY_MAX   65536

struct run;

struct client {
    struct run *run;
    struct http_session *session;
    size_t number, step;
    int64_t asked_ns;
};

struct run {
    const struct load *load;
    struct client *clients;
    size_t next, done; /* numbers */
    size_t busy;       /* clients */
    bool failed;
    struct err failure;
    struct buf target, body;
    VEC(int64_t) times[LOAD_STEPS_MAX]; /* ns */
};

static void begin(struct client *client);

static void fail(struct run *run, const struct err *err)
{
    if (!run->failed)
        run->failure = *err;
    run->failed = true;
}

static void ask(struct client *client)
{
    struct run *run = client->run;
    const struct load_step *step = &run->load->steps[client->step];
    struct err err;
    buf_reset(&run->target);
    buf_reset(&run->body);
    step->ask(run->load->data, client->number, &run->target, &run->body);
    client->asked_ns = clock_monotonic_ns();
    if (http_session_call(client->session, step->method, buf_str(&run->target), run->body.size ? run->body.data : NULL,
                          run->body.size, &err) < 0) {
        fail(run, &err);
        run->busy--;
    }
}

/* The next number, where there is one and nothing has failed. */
static void next(struct client *client)
{
    struct run *run = client->run;
    run->done++;
    if (run->load->told)
        run->load->told(run->load->told_data, run->done);
    begin(client);
}

static int judge(const struct client *client, int status, const struct buf *body, struct err *err)
{
    const struct load *load = client->run->load;
    const struct load_step *step = &load->steps[client->step];
    if (status >= 400 && http_response_error(status, body, err) < 0)
        return err_wrap(err, "%s of number %zu", step->name, client->number);
    if (step->check && step->check(load->data, client->number, body, err) < 0)
        return err_wrap(err, "%s of number %zu", step->name, client->number);
    return 0;
}

static void answered(struct http_session *session, int status, const struct buf *body, const struct err *failure)
{
    struct client *client = http_session_data(session);
    struct run *run = client->run;
    struct err err;
    if (failure || judge(client, status, body, &err) < 0) {
        fail(run, failure ? failure : &err);
    } else {
        vec_push(&run->times[client->step], clock_monotonic_ns() - client->asked_ns);
        if (++client->step == run->load->step_count) {
            next(client);
            return;
        }
    }
    if (run->failed)
        run->busy--;
    else
        ask(client);
}

static const struct http_session_ops ops = {.done = answered};

static void open_session(struct client *client)
{
    const struct load *load = client->run->load;
    struct http_address address;
    if (load->address && client->session)
        return;
    http_session_free(client->session);
    if (load->find)
        load->find(load->data, client->number, &address);
    client->session = http_session_new(&(struct http_session_options){.loop = load->loop,
                                                                      .address = load->find ? &address : load->address,
                                                                      .ops = &ops,
                                                                      .data = client,
                                                                      .reset = true});
}

static void begin(struct client *client)
{
    struct run *run = client->run;
    const struct load *load = run->load;
    struct err err;
    if (load->stop && *load->stop) {
        err_set(&err, ERR_CANCELLED, "cancelled");
        fail(run, &err);
    }
    if (run->failed || run->next == load->count) {
        run->busy--;
        return;
    }
    client->number = load->first + run->next++;
    client->step = 0;
    open_session(client);
    ask(client);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void evaluate(struct run *run, int64_t begun_ns, struct load_times *ret)
{
    *ret = (struct load_times){.seconds = (double)(clock_monotonic_ns() - begun_ns) / (double)NS_PER_S};
    for (size_t i = 0; i < run->load->step_count; i++) {
        size_t count = run->times[i].count, middle = count / 2, late = count * 99 / 100;
        if (!count)
            continue;
        qsort(run->times[i].items, count, sizeof(*run->times[i].items), compare);
        ret->steps[i].median_ms = (double)run->times[i].items[middle] / (double)NS_PER_MS;
        ret->steps[i].p99_ms = (double)run->times[i].items[late] / (double)NS_PER_MS;
    }
}

static void run_done(struct run *run)
{
    for (size_t i = 0; i < run->load->clients; i++)
        http_session_free(run->clients[i].session);
    free(run->clients);
    buf_done(&run->target);
    buf_done(&run->body);
    for (size_t i = 0; i < LOAD_STEPS_MAX; i++)
        vec_done(&run->times[i]);
}

int load_run(const struct load *load, struct load_times *ret, struct err *err)
{
    struct run run cleanup(run_done) = {
        .load = load, .busy = load->clients, .target = BUF(TARGET_MAX), .body = BUF(BODY_MAX)};
    int64_t begun_ns = clock_monotonic_ns();
    run.clients = mem_alloc_array(load->clients, sizeof(*run.clients));
    for (size_t i = 0; i < load->clients; i++) {
        run.clients[i].run = &run;
        begin(&run.clients[i]);
    }
    while (run.busy)
        if (loop_turn(load->loop, -1, err) < 0)
            return -1;
    if (run.failed) {
        *err = run.failure;
        return -1;
    }
    if (ret)
        evaluate(&run, begun_ns, ret);
    return 0;
}
