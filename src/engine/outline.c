#include "engine/outline.h"

#include "engine/limits.h"
#include "engine/signals.h"

#include "base/str.h"

#include <signal.h>

#define COMMAND_MAX    ((size_t)64 * 1024)
#define STOP_TIMEOUT_S 10

/* As Docker's clients show it: words with blanks in single quotes but for the first. */
static void add_words(const struct strings *words, struct buf *b)
{
    vec_foreach (word, words) {
        const char *quote = b->size && strchr(*word, ' ') ? "'" : "";
        buf_printf(b, "%s%s%s%s", b->size ? " " : "", quote, *word, quote);
    }
}

static char *take_command(struct interned *texts, const struct container_spec *spec)
{
    struct buf text cleanup(buf_done) = BUF(COMMAND_MAX);
    add_words(&spec->entrypoint, &text);
    add_words(&spec->cmd, &text);
    return intern(texts, buf_str(&text));
}

static struct pairs take_pairs(struct interned *texts, const struct pairs *from)
{
    struct pairs pairs = {0};
    if (!from->count)
        return pairs;
    pairs.items = mem_alloc_array(from->count, sizeof(*pairs.items));
    pairs.count = pairs.capacity = from->count;
    for (size_t i = 0; i < from->count; i++)
        pairs.items[i] = (struct pair){intern(texts, from->items[i].key), intern(texts, from->items[i].value)};
    return pairs;
}

static struct strings take_strings(struct interned *texts, const struct strings *from)
{
    struct strings strings = {0};
    if (!from->count)
        return strings;
    strings.items = mem_alloc_array(from->count, sizeof(*strings.items));
    strings.count = strings.capacity = from->count;
    for (size_t i = 0; i < from->count; i++)
        strings.items[i] = intern(texts, from->items[i]);
    return strings;
}

static int stop_signal(const struct container_spec *spec)
{
    struct err ignored;
    int own = str_empty(spec->stop_signal) ? -1 : signal_by_name(spec->stop_signal, &ignored);
    return own < 0 ? SIGTERM : own;
}

static bool has_health_check(const struct container_spec *spec)
{
    const struct health_check *check = spec->health_check;
    return check && check->test.count && !str_eq(check->test.items[0], "NONE");
}

void outline_take(struct interned *texts, const struct container_spec *spec, struct container_outline *ret)
{
    const struct host_config *host = &spec->host;
    *ret = (struct container_outline){
        .image = intern(texts, spec->image),
        .command = take_command(texts, spec),
        .network_mode = intern(texts, host->network_mode),
        .labels = take_pairs(texts, &spec->labels),
        .exposed_ports = take_strings(texts, &spec->exposed_ports),
        .restart = {intern(texts, host->restart.name), host->restart.maximum_retry_count},
        .stop_signal = stop_signal(spec),
        .stop_timeout_s = spec->stop_timeout.set ? (int)spec->stop_timeout.value : STOP_TIMEOUT_S,
        .tty = spec->tty,
        .open_stdin = spec->open_stdin,
        .stdin_once = spec->stdin_once,
        .attach_output = spec->attach_stdout || spec->attach_stderr,
        .keeps_log = !str_same(host->log.type, "none"),
        .auto_remove = host->auto_remove,
        .limited = limits_controllers(host) != 0,
        .health_check = has_health_check(spec),
    };
}

void outline_drop(struct interned *texts, struct container_outline *outline)
{
    vec_foreach (label, &outline->labels) {
        intern_drop(texts, label->key);
        intern_drop(texts, label->value);
    }
    vec_done(&outline->labels);
    vec_foreach (port, &outline->exposed_ports)
        intern_drop(texts, *port);
    vec_done(&outline->exposed_ports);
    intern_drop(texts, outline->image);
    intern_drop(texts, outline->command);
    intern_drop(texts, outline->network_mode);
    intern_drop(texts, outline->restart.name);
}
