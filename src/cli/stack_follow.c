#include "cli/stack_follow.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/print.h"
#include "http/uri.h"

#include <signal.h>

struct follow {
    const struct stack_follow_options *options;
    struct logs *logs;
    struct map again; /* ID → struct log_source: started again before the log of its last run had ended */
    struct signal_watch interrupt;
    int interrupts;
    bool over;
};

static void follow_done(struct follow *follow)
{
    signal_watch_remove(&follow->interrupt);
    map_done(&follow->again);
    logs_free(follow->logs);
}

static bool is_wanted(const struct follow *follow, const char *service)
{
    char **services = follow->options->services;
    return !services || !*services || str_in(service, (const char *const *)services);
}

static int add(struct follow *follow, const json_value *container, struct err *err)
{
    struct arena *arena = follow->options->daemon->arena;
    const struct log_source source = {
        .container = json_get_text(container, "Id"),
        .label = stack_replica_label(arena, container),
        .group = stack_label(container, STACK_LABEL_SERVICE),
    };
    return source.container ? logs_add(follow->logs, &source, err) : 0;
}

/* Those that are there. Without following, those that ended, too. */
static int add_all(struct follow *follow, struct err *err)
{
    const struct stack_follow_options *o = follow->options;
    const struct stack_query query = {.all = true, .services = o->services};
    struct stack_list list cleanup(stack_list_done) = {0};
    if (stack_containers(o->daemon, o->stack, &query, &list, err) < 0)
        return -1;
    vec_foreach (container, &list.containers)
        if (add(follow, *container, err) < 0)
            return -1;
    return 0;
}

/* No log is left. It is over then, unless a container is about to start again. */
static void check_over(struct follow *follow)
{
    const struct stack_follow_options *o = follow->options;
    const struct stack_query query = {.services = o->services};
    struct stack_list list cleanup(stack_list_done) = {0};
    struct err ignored;
    follow->over = stack_containers(o->daemon, o->stack, &query, &list, &ignored) < 0 || !list.containers.count;
}

static void log_ended(void *data, const char *container)
{
    struct follow *follow = data;
    struct err ignored;
    const struct log_source *again = map_remove(&follow->again, container);
    if (again)
        (void)logs_add(follow->logs, again, &ignored);
    if (!logs_active(follow->logs))
        check_over(follow);
}

/* {"Actor":{"ID":…,"Attributes":{labels …}},"timeNano":…} */
static int take_event(void *data, const json_value *event, struct err *err)
{
    struct follow *follow = data;
    const json_value *actor = json_get(event, "Actor"), *attributes = json_get(actor, "Attributes");
    const char *id = json_get_text(actor, "ID"), *service = json_get_text(attributes, STACK_LABEL_SERVICE);
    const char *number = json_get_text(attributes, STACK_LABEL_NUMBER);
    struct err ignored; /* it may be gone by now */
    if (!id || !service || !is_wanted(follow, service))
        return 0;
    struct arena *arena = follow->options->daemon->arena;
    struct log_source source = {
        .container = arena_strdup(arena, id),
        .label = arena_printf(arena, "%s%s%s", service, number ? "-" : "", number ? number : ""),
        .group = arena_strdup(arena, service),
        .since_ns = json_as_int(json_get(event, "timeNano"), 0),
    };
    if (logs_has(follow->logs, id))
        (void)map_put(&follow->again, id, arena_memdup(arena, &source, sizeof(source)));
    else
        (void)logs_add(follow->logs, &source, &ignored);
    return 0;
}

static const char *events_target(const struct stack_follow_options *o, int64_t since_ns)
{
    struct buf target cleanup(buf_done) = BUF(1 << 16), filters cleanup(buf_done) = BUF(1 << 16);
    struct json_out out = {.buf = &filters};
    json_put_object(&out);
    json_key(&out, "event");
    json_put_raw(&out, "[\"start\"]");
    json_key(&out, "type");
    json_put_raw(&out, "[\"container\"]");
    json_key(&out, "label");
    json_put_array(&out);
    json_put_string(&out, arena_printf(o->daemon->arena, STACK_LABEL_PROJECT "=%s", o->stack));
    json_put_array_end(&out);
    json_put_object_end(&out);
    buf_adds(&target, "/events");
    http_query_add(&target, "since",
                   arena_printf(o->daemon->arena, "%lld.%09lld", (long long)(since_ns / NS_PER_S),
                                (long long)(since_ns % NS_PER_S)));
    http_query_add(&target, "filters", buf_str(&filters));
    return arena_strdup(o->daemon->arena, buf_str(&target));
}

static void interrupted(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    struct follow *follow = container_of(watch, struct follow, interrupt);
    follow->options->interrupted(follow->options->data, ++follow->interrupts);
}

int stack_follow(const struct stack_follow_options *options, struct err *err)
{
    struct loop *loop cleanup(loop_freep) = loop_new(err);
    struct follow follow cleanup(follow_done) = {.options = options, .interrupt.arrived = interrupted};
    const struct daemon_stream events = {
        .method = HTTP_METHOD_GET,
        .target = events_target(options, clock_realtime_ns()),
        .upload_fd = -1,
        .line = take_event,
        .data = &follow,
        .loop = loop,
        .stop = &follow.over,
    };
    if (!loop || logs_new(options->daemon, loop, options->query, &follow.logs, err) < 0 || add_all(&follow, err) < 0)
        return -1;
    if (options->interrupted && signal_watch_add(&follow.interrupt, loop, SIGINT, err) < 0)
        return -1;
    if (!options->query->follow) {
        while (logs_active(follow.logs))
            if (loop_turn(loop, -1, err) < 0)
                return -1;
        return 0;
    }
    logs_on_end(follow.logs, log_ended, &follow);
    if (!logs_active(follow.logs))
        check_over(&follow);
    return follow.over ? 0 : daemon_follow(options->daemon, &events, err);
}
