#include "bench/classes.h"

#include "base/str.h"
#include "codec/json.h"

#include <stdio.h>

const struct bench_class bench_classes[] = {
    {.name = "lean", .summary = "Shoal's lean runtime", .ours = true, .runtime = "lean", .log_driver = "none"},
    {.name = "read-only", .summary = "Docker's isolation, read-only root", .log_driver = "none", .read_only = true},
    {.name = "default", .summary = "Docker's isolation, writable layer", .log_driver = "none"},
    {.name = "logged", .summary = "default, with the log driver json-file", .log_driver = "json-file"},
    {0},
};

static int check_names(const struct strings *names, struct err *err)
{
    for (size_t i = 0; i < names->count; i++) {
        bool known = str_eq(names->items[i], "all");
        for (const struct bench_class *c = bench_classes; c->name; c++)
            known = known || str_eq(names->items[i], c->name);
        if (!known)
            return err_set(err, ERR_INVALID,
                           "there is no class %s; there are lean, read-only, default, logged, and all of them: all",
                           names->items[i]);
    }
    return 0;
}

static bool asked_for(const struct strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->items[i], "all") || str_eq(names->items[i], name))
            return true;
    return names->count == 0 && str_eq(name, "default");
}

int bench_classes_find(const struct strings *names, const struct bench_class *ret[BENCH_CLASSES_MAX + 1],
                       struct err *err)
{
    if (check_names(names, err) < 0)
        return -1;
    for (const struct bench_class *c = bench_classes; c->name; c++)
        if (asked_for(names, c->name))
            *ret++ = c;
    *ret = NULL;
    return 0;
}

static void put_command(unsigned port, struct json_out *out)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", port);
    json_key(out, "Cmd");
    json_put_array(out);
    json_put_string(out, "-p");
    json_put_string(out, text);
    json_put_string(out, "/www");
    json_put_array_end(out);
}

void bench_class_body(const struct bench_class *class, const char *image, unsigned port, struct buf *body)
{
    struct json_out out = {.buf = body};
    json_put_object(&out);
    json_key_string(&out, "Image", image);
    put_command(port, &out);
    json_key(&out, "Labels");
    json_put_object(&out);
    json_key_string(&out, BENCH_LABEL, class->name);
    json_put_object_end(&out);
    json_key(&out, "HostConfig");
    json_put_object(&out);
    json_key_string(&out, "NetworkMode", "host");
    if (class->runtime)
        json_key_string(&out, "Runtime", class->runtime);
    if (class->read_only)
        json_key_bool(&out, "ReadonlyRootfs", true);
    json_key(&out, "LogConfig");
    json_put_object(&out);
    json_key_string(&out, "Type", class->log_driver);
    json_put_object_end(&out);
    json_put_object_end(&out);
    json_put_object_end(&out);
}
