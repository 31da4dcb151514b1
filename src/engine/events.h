#pragma once
/* What happens, as it happens: Docker's event stream, with a short memory for ?since=. */
#include "base/list.h"
#include "codec/fields.h"
#include "engine/engine.h"

struct event {
    int64_t time_ns;
    const char *type;   /* container, image, network, volume, exec … */
    const char *action; /* create, start, die, health_status: healthy … */
    const char *id;
    struct pairs attributes; /* name, image, exitCode, signal, and the object's labels */
};

struct event_listener {
    void (*happened)(struct event_listener *listener, const struct event *event);
    struct list link;
};

void engine_listen(struct engine *engine, struct event_listener *listener);
void engine_unlisten(struct event_listener *listener); /* harmless when it does not listen */
/* Tells everybody now. */
void engine_emit(struct engine *engine, const struct event *event);
/* Replays those remembered (the last 1,000) from since_ns on. */
void engine_replay_events(struct engine *engine, int64_t since_ns, struct event_listener *to);
