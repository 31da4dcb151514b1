#include "base/cleanup.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "codec/yaml_tree.h"

#include <yaml.h>

/*
 * The composer. It descends through libyaml's events, one function per kind of node; each is entered with the event
 * that opens its node in parser.event and leaves with the one that closes it consumed.
 */
struct parser {
    yaml_parser_t yaml;
    yaml_event_t event;
    bool has_event;
    struct arena *arena;
    const char *file;
    struct map anchors; /* name → struct yaml, complete ones only */
    size_t nodes;
    unsigned depth;
    struct err *err;
};

static int parse_node(struct parser *p, struct yaml **ret);

static void parser_done(struct parser *p)
{
    if (p->has_event)
        yaml_event_delete(&p->event);
    yaml_parser_delete(&p->yaml);
    map_done(&p->anchors);
}

static int fail(struct parser *p, yaml_mark_t at, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(struct parser *p, yaml_mark_t at, enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(p->err, kind, 0, format, args);
    va_end(args);
    return err_wrap(p->err, "%s:%zu:%zu", p->file, at.line + 1, at.column + 1);
}

static int next(struct parser *p)
{
    if (p->has_event)
        yaml_event_delete(&p->event);
    p->has_event = yaml_parser_parse(&p->yaml, &p->event);
    if (p->has_event)
        return 0;
    const yaml_parser_t *y = &p->yaml;
    if (y->error == YAML_READER_ERROR)
        return err_set(p->err, ERR_INVALID, "%s: %s at byte %zu, expected text in UTF-8", p->file, y->problem,
                       y->problem_offset);
    return fail(p, y->problem_mark, ERR_INVALID, "%s%s%s", y->problem ? y->problem : "not valid YAML",
                y->context ? " " : "", y->context ? y->context : "");
}

/* Counts nodes, those that aliases stand for too. */
static int spend(struct parser *p, size_t nodes)
{
    p->nodes += nodes;
    if (p->nodes > YAML_NODES_MAX)
        return fail(p, p->event.start_mark, ERR_LIMIT, "more than %u values after its aliases were resolved",
                    YAML_NODES_MAX);
    return 0;
}

static struct yaml *new_node(struct parser *p, enum yaml_kind kind)
{
    struct yaml *node = yaml_new(p->arena, kind, NULL);
    node->file = p->file;
    node->line = (unsigned)p->event.start_mark.line + 1;
    node->column = (unsigned)p->event.start_mark.column + 1;
    return node;
}

static size_t count_nodes(const struct yaml *node)
{
    size_t n = 1;
    if (node->kind == YAML_LIST) {
        vec_foreach (item, &node->list)
            n += count_nodes(*item);
    }
    if (node->kind == YAML_MAP) {
        vec_foreach (pair, &node->map)
            n += count_nodes(pair->value);
    }
    return n;
}

static unsigned node_depth(const struct yaml *node)
{
    unsigned deepest = 0;
    if (node->kind == YAML_LIST) {
        vec_foreach (item, &node->list) {
            unsigned depth = node_depth(*item);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    if (node->kind == YAML_MAP) {
        vec_foreach (pair, &node->map) {
            unsigned depth = node_depth(pair->value);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return deepest + 1;
}

static int parse_alias(struct parser *p, struct yaml **ret)
{
    const char *name = (const char *)p->event.data.alias.anchor;
    struct yaml *target = map_get(&p->anchors, name);
    if (!target)
        return fail(p, p->event.start_mark, ERR_INVALID, "alias *%s: no anchor &%s is complete before it", name, name);
    if (spend(p, count_nodes(target)) < 0)
        return -1;
    if (p->depth + node_depth(target) > YAML_DEPTH_MAX)
        return fail(p, p->event.start_mark, ERR_LIMIT, "nested deeper than %u levels", YAML_DEPTH_MAX);
    *ret = yaml_clone(p->arena, target);
    return next(p);
}

/* Tags: ours are marks; those of the core schema decide a scalar's kind. */
static int apply_tag(struct parser *p, const char *tag, struct yaml *node)
{
    static const struct {
        const char *tag;
        enum yaml_kind kind;
    } kinds[] = {
        {YAML_STR_TAG, YAML_STRING}, {YAML_INT_TAG, YAML_INT},   {YAML_FLOAT_TAG, YAML_FLOAT},
        {YAML_BOOL_TAG, YAML_BOOL},  {YAML_NULL_TAG, YAML_NULL}, {YAML_SEQ_TAG, YAML_LIST},
        {YAML_MAP_TAG, YAML_MAP},
    };
    if (!tag || str_eq(tag, "!"))
        return 0;
    if (str_eq(tag, "!reset") || str_eq(tag, "!override")) {
        node->mark = str_eq(tag, "!reset") ? YAML_RESET : YAML_OVERRIDE;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!str_eq(tag, kinds[i].tag))
            continue;
        if (node->kind == YAML_INT && kinds[i].kind == YAML_FLOAT) {
            node->number = (double)node->integer;
            node->kind = YAML_FLOAT;
        }
        if (node->kind == kinds[i].kind)
            return 0;
        return fail(p, p->event.start_mark, ERR_INVALID, "tagged as %s, but it is %s", yaml_kind_name(kinds[i].kind),
                    yaml_kind_name(node->kind));
    }
    return fail(p, p->event.start_mark, ERR_UNSUPPORTED, "unknown tag %s, expected !reset, !override or none", tag);
}

static int parse_scalar(struct parser *p, struct yaml **ret)
{
    const char *text = (const char *)p->event.data.scalar.value;
    const char *tag = (const char *)p->event.data.scalar.tag;
    if (strlen(text) != p->event.data.scalar.length)
        return fail(p, p->event.start_mark, ERR_INVALID, "a NUL character within text");
    struct yaml *node = new_node(p, YAML_STRING);
    node->string = arena_strdup(p->arena, text);
    bool marked = tag && (str_eq(tag, "!reset") || str_eq(tag, "!override"));
    bool text_tag = tag && (str_eq(tag, YAML_STR_TAG) || str_eq(tag, "!"));
    if (p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !text_tag)
        yaml_resolve_plain(node->string, node);
    else if (tag && !marked && !text_tag)
        yaml_resolve_plain(node->string, node);
    if (apply_tag(p, tag, node) < 0)
        return -1;
    *ret = node;
    return next(p);
}

static int parse_list(struct parser *p, struct yaml **ret)
{
    struct yaml *node = new_node(p, YAML_LIST);
    if (apply_tag(p, (const char *)p->event.data.sequence_start.tag, node) < 0 || next(p) < 0)
        return -1;
    while (p->event.type != YAML_SEQUENCE_END_EVENT) {
        struct yaml *item = NULL;
        if (parse_node(p, &item) < 0)
            return -1;
        yaml_push(p->arena, node, item);
    }
    *ret = node;
    return next(p);
}

/* The value of a `<<`: a mapping, or a list of them of which the first wins. Keys that are there already stay. */
static int merge_into(struct parser *p, struct yaml *node, const struct yaml *source)
{
    if (source->kind == YAML_LIST) {
        vec_foreach (item, &source->list) {
            if ((*item)->kind == YAML_LIST)
                break;
            if (merge_into(p, node, *item) < 0)
                return -1;
        }
        return 0;
    }
    if (source->kind != YAML_MAP)
        return err_set(p->err, ERR_INVALID, "%s:%u:%u: << is %s, expected a mapping or a list of mappings", p->file,
                       source->line, source->column, yaml_kind_name(source->kind));
    vec_foreach (pair, &source->map) {
        if (!yaml_get(node, pair->key))
            yaml_append(p->arena, node, *pair);
    }
    return 0;
}

/* A key in *ret_key, or NULL for a merge key. */
static int parse_key(struct parser *p, struct yaml_pair *pair)
{
    struct yaml *key = NULL;
    yaml_mark_t at = p->event.start_mark;
    pair->line = (unsigned)at.line + 1;
    pair->column = (unsigned)at.column + 1;
    bool plain = p->event.type == YAML_SCALAR_EVENT && p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (parse_node(p, &key) < 0)
        return -1;
    if (!yaml_is(key, YAML_STRING))
        return fail(p, at, ERR_INVALID, "the key is %s, expected text (put it in quotes)",
                    yaml_kind_name(key ? key->kind : YAML_NULL));
    pair->key = plain && str_eq(key->string, "<<") ? NULL : key->string;
    return 0;
}

static int add_pair(struct parser *p, struct yaml *node, struct yaml_pair pair)
{
    const struct yaml_pair *same = yaml_find(node, pair.key);
    if (same)
        return err_set(p->err, ERR_INVALID, "%s:%u:%u: the key %s stands already in line %u", p->file, pair.line,
                       pair.column, pair.key, same->line);
    yaml_append(p->arena, node, pair);
    return 0;
}

static int note_merge(struct parser *p, struct yaml **merged, struct yaml_pair pair)
{
    if (*merged)
        return err_set(p->err, ERR_INVALID, "%s:%u:%u: a second <<, expected one with a list", p->file, pair.line,
                       pair.column);
    *merged = pair.value;
    return 0;
}

static int parse_map(struct parser *p, struct yaml **ret)
{
    struct yaml *node = new_node(p, YAML_MAP);
    struct yaml *merged = NULL;
    if (apply_tag(p, (const char *)p->event.data.mapping_start.tag, node) < 0 || next(p) < 0)
        return -1;
    while (p->event.type != YAML_MAPPING_END_EVENT) {
        struct yaml_pair pair = {0};
        if (parse_key(p, &pair) < 0 || parse_node(p, &pair.value) < 0)
            return -1;
        if ((pair.key ? add_pair(p, node, pair) : note_merge(p, &merged, pair)) < 0)
            return -1;
    }
    if (merged && merge_into(p, node, merged) < 0)
        return -1;
    *ret = node;
    return next(p);
}

static int parse_content(struct parser *p, struct yaml **ret)
{
    switch (p->event.type) {
    case YAML_ALIAS_EVENT:
        return parse_alias(p, ret);
    case YAML_SCALAR_EVENT:
        return parse_scalar(p, ret);
    case YAML_SEQUENCE_START_EVENT:
        return parse_list(p, ret);
    case YAML_MAPPING_START_EVENT:
        return parse_map(p, ret);
    default:
        return fail(p, p->event.start_mark, ERR_INVALID, "not a value");
    }
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static int parse_node(struct parser *p, struct yaml **ret)
{
    const char *anchor = arena_strdup(p->arena, (const char *)anchor_of(&p->event));
    if (spend(p, 1) < 0)
        return -1;
    if (++p->depth > YAML_DEPTH_MAX)
        return fail(p, p->event.start_mark, ERR_LIMIT, "nested deeper than %u levels", YAML_DEPTH_MAX);
    if (parse_content(p, ret) < 0)
        return -1;
    p->depth--;
    if (anchor)
        map_put(&p->anchors, anchor, *ret);
    return 0;
}

static int parse_documents(struct parser *p, struct yaml_documents *ret)
{
    if (next(p) < 0 || next(p) < 0) /* the start of the stream, and what follows it */
        return -1;
    while (p->event.type == YAML_DOCUMENT_START_EVENT) {
        struct yaml *root = NULL;
        if (next(p) < 0 || parse_node(p, &root) < 0)
            return -1;
        vec_push_in(p->arena, ret, root);
        map_done(&p->anchors); /* anchors end with their document */
        if (next(p) < 0)
            return -1;
    }
    return 0;
}

int yaml_parse(struct arena *arena, const char *text, size_t size, const char *file, struct yaml_documents *ret,
               struct err *err)
{
    *ret = (struct yaml_documents){0};
    if (size > YAML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%s: larger than %u bytes", file, YAML_BYTES_MAX);
    struct parser p cleanup(parser_done) = {.arena = arena, .file = file, .err = err};
    if (!yaml_parser_initialize(&p.yaml))
        return err_set(err, ERR_INTERNAL, "%s: the YAML parser does not start", file);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, size);
    return parse_documents(&p, ret);
}
