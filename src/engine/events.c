#include "engine/events.h"

#include "engine/private.h"

#include "base/clock.h"

#define EVENTS_REMEMBERED 1000

/* An event with the memory it points to. */
struct remembered_event {
    struct event event;
    struct arena arena;
};

static struct remembered_event *remember(const struct event *event)
{
    struct remembered_event *copy = NEW(struct remembered_event);
    struct arena *arena = &copy->arena;
    copy->event = (struct event){
        .time_ns = event->time_ns,
        .type = arena_strdup(arena, event->type),
        .action = arena_strdup(arena, event->action),
        .id = arena_strdup(arena, event->id),
    };
    vec_foreach (pair, &event->attributes)
        vec_push_in(arena, &copy->event.attributes,
                    (struct pair){arena_strdup(arena, pair->key), arena_strdup(arena, pair->value)});
    return copy;
}

static void forget_oldest(struct engine *engine)
{
    struct remembered_event *oldest = engine->remembered.items[0];
    vec_remove(&engine->remembered, 0);
    arena_done(&oldest->arena);
    free(oldest);
}

void events_done(struct engine *engine)
{
    while (engine->remembered.count)
        forget_oldest(engine);
    vec_done(&engine->remembered);
}

void engine_listen(struct engine *engine, struct event_listener *listener)
{
    list_push(&engine->listeners, &listener->link);
}

void engine_unlisten(struct event_listener *listener)
{
    list_remove(&listener->link);
}

void engine_emit(struct engine *engine, const struct event *event)
{
    struct event now = *event;
    now.time_ns = clock_realtime_ns();
    if (engine->remembered.count == EVENTS_REMEMBERED)
        forget_oldest(engine);
    vec_push(&engine->remembered, remember(&now));
    struct event_listener *listener;
    list_foreach (listener, &engine->listeners, link)
        listener->happened(listener, &now);
}

void engine_replay_events(struct engine *engine, int64_t since_ns, struct event_listener *to)
{
    vec_foreach (remembered, &engine->remembered)
        if ((*remembered)->event.time_ns >= since_ns)
            to->happened(to, &(*remembered)->event);
}

static void add_attribute(struct arena *arena, struct event *event, const char *key, const char *value)
{
    vec_push_in(arena, &event->attributes, (struct pair){arena_strdup(arena, key), arena_strdup(arena, value)});
}

void emit_container(struct container *c, const char *action, const struct pair *extra)
{
    struct arena arena cleanup(arena_done) = {0};
    struct event event = {.type = "container", .action = action, .id = c->id};
    vec_foreach (label, &c->spec.labels)
        add_attribute(&arena, &event, label->key, label->value);
    for (; extra && extra->key; extra++)
        add_attribute(&arena, &event, extra->key, extra->value);
    add_attribute(&arena, &event, "image", c->spec.image);
    add_attribute(&arena, &event, "name", c->name);
    engine_emit(c->engine, &event);
}

void emit_named(struct engine *engine, const char *type, const char *action, const char *id, const char *key,
                const char *value)
{
    struct pair pair = {(char *)key, (char *)value};
    struct event event = {.type = type, .action = action, .id = id, .attributes = {&pair, key ? 1 : 0, 1}};
    engine_emit(engine, &event);
}
