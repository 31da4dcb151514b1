#include "cli/shown.h"

#include "base/buf.h"

#include <string.h>

#define COMMAND_MAX 20

const char *shown_ports(struct arena *arena, const json_value *ports)
{
    struct buf text cleanup(buf_done) = BUF(1 << 16);
    for (size_t i = 0; i < json_count(ports); i++) {
        const json_value *port = json_at(ports, i);
        const char *ip = json_get_text(port, "IP");
        int64_t public = json_as_int(json_get(port, "PublicPort"), 0);
        buf_adds(&text, i ? ", " : "");
        if (public)
            buf_printf(&text, ip && strchr(ip, ':') ? "[%s]:%lld->" : "%s:%lld->", ip ? ip : "", (long long)public);
        buf_printf(&text, "%lld/%s", (long long)json_as_int(json_get(port, "PrivatePort"), 0),
                   json_get_text(port, "Type"));
    }
    return arena_strdup(arena, buf_str(&text));
}

const char *shown_command(struct arena *arena, const char *command, bool whole)
{
    if (!command)
        return "";
    bool cut = !whole && strlen(command) > COMMAND_MAX;
    return arena_printf(arena, "\"%.*s%s\"", cut ? COMMAND_MAX - 1 : (int)strlen(command), command, cut ? "…" : "");
}
