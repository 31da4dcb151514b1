#include "image/changes.h"

#include "base/str.h"
#include "codec/units.h"

#include <ctype.h>
#include <strings.h>

struct change {
    struct image_run_config *run;
    const char *instruction; /* the whole of it, for messages */
    char *rest;              /* after the keyword, trimmed; writable */
    struct arena *arena;
    struct err *err;
};

static int refuse(const struct change *c, const char *why)
{
    return err_set(c->err, ERR_INVALID, "change \"%.200s\": %s", c->instruction, why);
}

static void add(const struct change *c, struct strings *list, const char *text)
{
    vec_push_in(c->arena, list, arena_strdup(c->arena, text));
}

static void add_once(const struct change *c, struct strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i], text))
            return;
    add(c, list, text);
}

/* --- Words ---------------------------------------------------------------------------------------------------------
 */

/* Splits at white space outside of quotes; quotes and backslashes go. */
static int split_words(const struct change *c, struct strings *ret)
{
    char *p = c->rest;
    while (*(p += strspn(p, " \t\n"))) {
        char *word = p, *to = p, quote = '\0';
        for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
            if (quote ? *p == quote : *p == '"' || *p == '\'')
                quote = quote ? '\0' : *p;
            else if (*p == '\\' && p[1] && quote != '\'')
                *to++ = *++p;
            else
                *to++ = *p;
        }
        if (quote)
            return refuse(c, "a quotation is not closed");
        bool last = !*p;
        *to = '\0';
        add(c, ret, word);
        p += last ? 0 : 1;
    }
    return 0;
}

/* ["a", "b"] → a list; false where it is not JSON, which is a shell's line then. */
static bool json_words(const struct change *c, const char *text, struct strings *ret)
{
    struct err ignored;
    json_value *value cleanup(json_freep) = *text == '[' ? json_parse(text, strlen(text), "list", &ignored) : NULL;
    if (!value || json_type_of(value) != JSON_TYPE_ARRAY)
        return false;
    for (size_t i = 0; i < json_count(value); i++)
        if (!json_as_text(json_at(value, i)))
            return false;
    *ret = (struct strings){.items = arena_alloc(c->arena, sizeof(char *))};
    ret->capacity = 1;
    for (size_t i = 0; i < json_count(value); i++)
        add(c, ret, json_as_text(json_at(value, i)));
    return true;
}

static void command_words(const struct change *c, const char *text, struct strings *ret)
{
    if (json_words(c, text, ret))
        return;
    *ret = (struct strings){0};
    const struct strings *shell = &c->run->shell;
    for (size_t i = 0; i < shell->count; i++)
        add(c, ret, shell->items[i]);
    if (shell->count == 0) {
        add(c, ret, "/bin/sh");
        add(c, ret, "-c");
    }
    add(c, ret, text);
}

/* --- Instructions --------------------------------------------------------------------------------------------------
 */

static int change_cmd(struct change *c)
{
    command_words(c, c->rest, &c->run->cmd);
    return 0;
}

static int change_entrypoint(struct change *c)
{
    command_words(c, c->rest, &c->run->entrypoint);
    return 0;
}

static int change_user(struct change *c)
{
    c->run->user = c->rest;
    return 0;
}

static int change_workdir(struct change *c)
{
    const char *old = str_empty(c->run->working_dir) ? "/" : c->run->working_dir;
    bool absolute = c->rest[0] == '/';
    c->run->working_dir =
        absolute ? c->rest : arena_printf(c->arena, "%s%s%s", old, str_ends(old, "/") ? "" : "/", c->rest);
    return 0;
}

static int change_stop_signal(struct change *c)
{
    c->run->stop_signal = c->rest;
    return 0;
}

static int change_on_build(struct change *c)
{
    add(c, &c->run->on_build, c->rest);
    return 0;
}

static void set_env(const struct change *c, const char *assignment)
{
    size_t name = strcspn(assignment, "=") + 1;
    struct strings *env = &c->run->env;
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->items[i], assignment, name) == 0) {
            env->items[i] = arena_strdup(c->arena, assignment);
            return;
        }
    add(c, env, assignment);
}

static void set_label(const struct change *c, const char *assignment)
{
    size_t n = strcspn(assignment, "=");
    struct pair pair = {arena_strndup(c->arena, assignment, n), arena_strdup(c->arena, assignment + n + 1)};
    vec_foreach (old, &c->run->labels)
        if (str_eq(old->key, pair.key)) {
            old->value = pair.value;
            return;
        }
    vec_push_in(c->arena, &c->run->labels, pair);
}

/* "K=V K2=V2", or the old form "K the whole rest". */
static int assignments(struct change *c, void (*set)(const struct change *c, const char *assignment))
{
    struct strings words = {0};
    size_t name = strcspn(c->rest, "= \t");
    if (name > 0 && c->rest[name] != '=' && c->rest[name]) {
        char *value = c->rest + name + strspn(c->rest + name, " \t");
        set(c, arena_printf(c->arena, "%.*s=%s", (int)name, c->rest, value));
        return 0;
    }
    if (split_words(c, &words) < 0)
        return -1;
    for (size_t i = 0; i < words.count; i++)
        if (!strchr(words.items[i], '=') || words.items[i][0] == '=')
            return refuse(c, "expected NAME=VALUE");
    for (size_t i = 0; i < words.count; i++)
        set(c, words.items[i]);
    return 0;
}

static int change_env(struct change *c)
{
    return assignments(c, set_env);
}

static int change_label(struct change *c)
{
    return assignments(c, set_label);
}

static int change_volume(struct change *c)
{
    struct strings paths = {0};
    if (!json_words(c, c->rest, &paths) && split_words(c, &paths) < 0)
        return -1;
    for (size_t i = 0; i < paths.count; i++)
        add_once(c, &c->run->volumes, paths.items[i]);
    return 0;
}

/* "80", "53/udp", "7000-7002/tcp". */
static int expose(struct change *c, char *text)
{
    int first, last;
    char *protocol = strchr(text, '/');
    if (protocol)
        *protocol++ = '\0';
    char *dash = strchr(text, '-');
    if (dash)
        *dash++ = '\0';
    if (!str_to_int(text, 1, 65535, &first) || !str_to_int(dash ? dash : text, first, 65535, &last))
        return refuse(c, "expected a port, as 80, 53/udp or 7000-7002/tcp");
    static const char *const protocols[] = {"tcp", "udp", "sctp", NULL};
    if (protocol && !str_in(protocol, protocols))
        return refuse(c, "the protocol is tcp, udp or sctp");
    for (int port = first; port <= last; port++)
        add_once(c, &c->run->exposed_ports, arena_printf(c->arena, "%d/%s", port, protocol ? protocol : "tcp"));
    return 0;
}

static int change_expose(struct change *c)
{
    struct strings ports = {0};
    if (split_words(c, &ports) < 0)
        return -1;
    for (size_t i = 0; i < ports.count; i++)
        if (expose(c, ports.items[i]) < 0)
            return -1;
    return 0;
}

/* One "--interval=5s"; what it sets. */
static int health_option(struct change *c, struct health_check *check, const char *word)
{
    const struct {
        const char *name;
        int64_t *ns;
    } durations[] = {{"--interval=", &check->interval_ns},
                     {"--timeout=", &check->timeout_ns},
                     {"--start-period=", &check->start_period_ns},
                     {"--start-interval=", &check->start_interval_ns}};
    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        const char *value = str_after(word, durations[i].name);
        if (value)
            return duration_parse(value, durations[i].ns) ? 0 : refuse(c, "expected a duration, as 5s or 1m30s");
    }
    const char *retries = str_after(word, "--retries=");
    if (retries && str_to_int(retries, 0, INT32_MAX, &check->retries))
        return 0;
    return refuse(c,
                  "the options of HEALTHCHECK are --interval, --timeout, --start-period, --start-interval, --retries");
}

static int change_health_check(struct change *c)
{
    struct health_check *check = ARENA_NEW(c->arena, struct health_check);
    char *rest = c->rest;
    while (str_starts(rest, "--")) {
        char *word = rest;
        rest += strcspn(rest, " \t");
        if (*rest)
            *rest++ = '\0';
        rest += strspn(rest, " \t");
        if (health_option(c, check, word) < 0)
            return -1;
    }
    if (strcasecmp(rest, "none") == 0) {
        add(c, &check->test, "NONE");
    } else if (strncasecmp(rest, "cmd", 3) == 0 && isspace((unsigned char)rest[3])) {
        struct strings words = {0};
        rest = str_trim(rest + 3);
        bool list = json_words(c, rest, &words);
        add(c, &check->test, list ? "CMD" : "CMD-SHELL");
        for (size_t i = 0; list && i < words.count; i++)
            add(c, &check->test, words.items[i]);
        if (!list)
            add(c, &check->test, rest);
    } else {
        return refuse(c, "expected NONE or CMD and a command");
    }
    c->run->health_check = check;
    return 0;
}

static const struct {
    const char *keyword;
    int (*apply)(struct change *c);
} changes[] = {
    {"CMD", change_cmd},          {"ENTRYPOINT", change_entrypoint},
    {"ENV", change_env},          {"EXPOSE", change_expose},
    {"LABEL", change_label},      {"HEALTHCHECK", change_health_check},
    {"ONBUILD", change_on_build}, {"STOPSIGNAL", change_stop_signal},
    {"USER", change_user},        {"VOLUME", change_volume},
    {"WORKDIR", change_workdir},
};

int image_change(struct image_run_config *run, const char *instruction, struct arena *arena, struct err *err)
{
    char *text = str_trim(arena_strdup(arena, instruction));
    size_t n = strcspn(text, " \t");
    struct change c = {run, instruction, text[n] ? str_trim(text + n + 1) : text + n, arena, err};
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        if (strlen(changes[i].keyword) != n || strncasecmp(changes[i].keyword, text, n) != 0)
            continue;
        return *c.rest ? changes[i].apply(&c) : refuse(&c, "it says nothing");
    }
    return refuse(&c, "the instructions are CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, "
                      "USER, VOLUME, WORKDIR");
}
