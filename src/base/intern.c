#include "base/intern.h"

#include <stdint.h>

char *intern(struct interned *texts, const char *text)
{
    if (!text)
        return NULL;
    uintptr_t holders = (uintptr_t)map_get(&texts->holders, text);
    map_put(&texts->holders, text, (void *)(holders + 1));
    return map_find(&texts->holders, text)->key;
}

void intern_drop(struct interned *texts, const char *text)
{
    if (!text)
        return;
    uintptr_t holders = (uintptr_t)map_get(&texts->holders, text);
    if (holders > 1)
        map_put(&texts->holders, text, (void *)(holders - 1));
    else
        map_remove(&texts->holders, text);
}

void interned_done(struct interned *texts)
{
    map_done(&texts->holders);
}
