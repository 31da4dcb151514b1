#include "engine/events.h"

#include "engine/private.h"

#include "base/clock.h"

#define EVENTS_REMEMBERED 1000

/* A copy of an event. Its texts are shared with others, and with the objects that it tells of. */
struct remembered_event {
    struct event event;
    struct pair attributes[];
};

static struct remembered_event *remember(struct interned *texts, const struct event *event)
{
    size_t count = event->attributes.count;
    struct remembered_event *copy = mem_alloc(sizeof(*copy) + count * sizeof(struct pair));
    copy->event = (struct event){
        .time_ns = event->time_ns,
        .type = intern(texts, event->type),
        .action = intern(texts, event->action),
        .id = intern(texts, event->id),
        .attributes = {copy->attributes, count, count},
    };
    for (size_t i = 0; i < count; i++) {
        const struct pair *pair = &event->attributes.items[i];
        copy->attributes[i] = (struct pair){intern(texts, pair->key), intern(texts, pair->value)};
    }
    return copy;
}

static void forget_oldest(struct engine *engine)
{
    struct remembered_event *oldest = engine->remembered.items[0];
    struct interned *texts = &engine->texts;
    vec_remove(&engine->remembered, 0);
    vec_foreach (pair, &oldest->event.attributes) {
        intern_drop(texts, pair->key);
        intern_drop(texts, pair->value);
    }
    intern_drop(texts, oldest->event.type);
    intern_drop(texts, oldest->event.action);
    intern_drop(texts, oldest->event.id);
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
    vec_push(&engine->remembered, remember(&engine->texts, &now));
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
    vec_foreach (label, &c->outline.labels)
        add_attribute(&arena, &event, label->key, label->value);
    for (; extra && extra->key; extra++)
        add_attribute(&arena, &event, extra->key, extra->value);
    add_attribute(&arena, &event, "image", c->outline.image);
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
