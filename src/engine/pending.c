#include "engine/private.h"

void pending_add(struct list *list, engine_done *done, void *data)
{
    if (!done)
        return;
    struct pending *pending = NEW(struct pending);
    pending->done = done;
    pending->data = data;
    list_push(list, &pending->link);
}

void pending_drop(struct list *list)
{
    struct pending *pending;
    list_foreach (pending, list, link) {
        list_remove(&pending->link);
        free(pending);
    }
}

void pending_finish(struct list *list, const struct err *failure)
{
    /* Taken over first: a callback may add a new one, for the next time. */
    struct list taken;
    list_init(&taken);
    while (!list_empty(list)) {
        struct list *first = list->next;
        list_remove(first);
        list_push(&taken, first);
    }
    while (!list_empty(&taken)) {
        struct pending *pending = container_of(taken.next, struct pending, link);
        list_remove(&pending->link);
        pending->done(pending->data, failure);
        free(pending);
    }
}

struct adoption *adoption_new(struct engine *engine, const char *id)
{
    struct adoption *adoption = NEW(struct adoption);
    adoption->engine = engine;
    (void)snprintf(adoption->id, sizeof(adoption->id), "%s", id);
    return adoption;
}
