/* Stacks and actions in the database, mirrored in memory. */
#include "cluster/internal.h"

#include "base/clock.h"
#include "base/str.h"

static const char *const schema[] = {
    "CREATE TABLE stacks (name TEXT PRIMARY KEY, spec TEXT NOT NULL);"
    "CREATE TABLE actions ("
    " id TEXT PRIMARY KEY, stack TEXT NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, error TEXT NOT NULL, options TEXT NOT NULL)",
};

static const struct field scale_fields[] = {FIELD(struct scale, replicas, "", INT), {0}};
const struct fields scale_table = {"scale", sizeof(struct scale), scale_fields, .bare = true};

static const struct field option_fields[] = {
    FIELD(struct action_options, services, "services", STRINGS),
    FIELD(struct action_options, no_deps, "no_deps", BOOL),
    FIELD(struct action_options, no_start, "no_start", BOOL),
    FIELD(struct action_options, force_recreate, "force_recreate", BOOL),
    FIELD(struct action_options, no_recreate, "no_recreate", BOOL),
    FIELD(struct action_options, remove_orphans, "remove_orphans", BOOL),
    FIELD(struct action_options, volumes, "volumes", BOOL),
    FIELD(struct action_options, wait, "wait", BOOL),
    FIELD(struct action_options, scale, "scale", MAP, .of = &scale_table),
    FIELD(struct action_options, pull, "pull", STRING),
    FIELD(struct action_options, timeout, "timeout", OPT_I64),
    {0},
};
const struct fields action_options_table = {"options", sizeof(struct action_options), option_fields};

/* --- Stacks */

static void stack_free(struct stack *stack)
{
    if (!stack)
        return;
    list_remove(&stack->link);
    arena_done(&stack->arena);
    free(stack);
}

static struct stack *enter_stack(struct manager *manager, const char *text, size_t size, struct err *err)
{
    struct stack *stack = NEW(struct stack);
    if (fields_read_text(&stack_spec_table, text, size, &stack->arena, &stack->spec, "stack", err) < 0) {
        stack_free(stack);
        return NULL;
    }
    struct stack *old = map_put(&manager->stacks, stack->spec.name, stack);
    if (old)
        stack->action = old->action;
    stack_free(old);
    list_push(&manager->stack_list, &stack->link);
    return stack;
}

struct stack *store_put_stack(struct manager *manager, const struct stack_spec *spec, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    const char *text = fields_to_text(&stack_spec_table, spec, &arena);
    if (db_run(manager->db, err, "INSERT OR REPLACE INTO stacks VALUES (?, ?)", "ss", spec->name, text) < 0)
        return NULL;
    return enter_stack(manager, text, strlen(text), err);
}

int store_drop_stack(struct manager *manager, const char *name, struct err *err)
{
    if (db_run(manager->db, err, "DELETE FROM stacks WHERE name = ?", "s", name) < 0)
        return -1;
    stack_free(map_remove(&manager->stacks, name));
    return 0;
}

static int load_stacks(struct manager *manager, struct err *err)
{
    struct db_statement *rows = db_query(manager->db, "SELECT spec FROM stacks", "");
    while (db_row(rows))
        if (!enter_stack(manager, db_text(rows, 0), db_size(rows, 0), err)) {
            (void)db_end(rows, NULL);
            return -1;
        }
    return db_end(rows, err);
}

/* --- Actions */

static void enter_action(struct manager *manager, struct action_private *private)
{
    list_push_first(&manager->actions, &private->link);
    manager->action_count++;
    struct stack *stack = map_get(&manager->stacks, private->action.stack);
    if (stack)
        stack->action = &private->action;
}

static struct action_private *new_action(struct manager *manager)
{
    struct action_private *private = NEW(struct action_private);
    private->manager = manager;
    private->action.private = private;
    private->action.error = (char *)"";
    list_init(&private->listeners);
    list_init(&private->steps);
    return private;
}

static void forget_oldest(struct manager *manager)
{
    struct list *node = manager->actions.prev;
    while (manager->action_count > ACTIONS_REMEMBERED && node != &manager->actions) {
        struct action_private *private = container_of(node, struct action_private, link);
        node = node->prev;
        struct err ignored;
        struct stack *stack = map_get(&manager->stacks, private->action.stack);
        /* Steps of one that was cancelled may be under way still. */
        if (private->action.status == ACTION_RUNNING || private->running ||
            (stack && stack->action == &private->action))
            continue;
        (void)db_run(manager->db, &ignored, "DELETE FROM actions WHERE id = ?", "s", private->action.id);
        list_remove(&private->link);
        manager->action_count--;
        action_free(private);
    }
}

struct action_private *store_new_action(struct manager *manager, const char *stack, enum action_kind kind,
                                        const struct action_options *options)
{
    struct action_private *private = new_action(manager);
    struct arena scratch cleanup(arena_done) = {0};
    struct err ignored;
    id_new(private->action.id);
    private->action.stack = arena_strdup(&private->arena, stack);
    private->action.kind = kind;
    private->action.created_ns = clock_realtime_ns();
    const char *text = fields_to_text(&action_options_table, options, &scratch);
    (void)fields_read_text(&action_options_table, text, strlen(text), &private->arena, &private->options, "options",
                           &ignored);
    enter_action(manager, private);
    forget_oldest(manager);
    return private;
}

int store_put_action(struct action_private *private, struct err *err)
{
    struct arena arena cleanup(arena_done) = {0};
    const struct action *a = &private->action;
    return db_run(private->manager->db, err, "INSERT OR REPLACE INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssiiiiss", a->id, a->stack, (int64_t)a->kind, (int64_t)a->status, a->created_ns, a->ended_ns,
                  a->error, fields_to_text(&action_options_table, &private->options, &arena));
}

static int load_action(struct manager *manager, struct db_statement *row, struct err *err)
{
    struct action_private *private = new_action(manager);
    struct action *a = &private->action;
    (void)snprintf(a->id, sizeof(a->id), "%s", db_text(row, 0));
    a->stack = arena_strdup(&private->arena, db_text(row, 1));
    a->kind = (int)db_int(row, 2);
    a->status = (int)db_int(row, 3);
    a->created_ns = db_int(row, 4);
    a->ended_ns = db_int(row, 5);
    a->error = arena_strdup(&private->arena, db_text(row, 6));
    enter_action(manager, private);
    return fields_read_text(&action_options_table, db_text(row, 7), db_size(row, 7), &private->arena, &private->options,
                            "options", err);
}

static int load_actions(struct manager *manager, struct err *err)
{
    struct db_statement *rows = db_query(
        manager->db,
        "SELECT id, stack, kind, status, created_ns, ended_ns, error, options FROM actions ORDER BY created_ns", "");
    while (db_row(rows))
        if (load_action(manager, rows, err) < 0) {
            (void)db_end(rows, NULL);
            return -1;
        }
    return db_end(rows, err);
}

int store_open(struct manager *manager, struct err *err)
{
    if (db_migrate(manager->db, "cluster", schema, ARRAY_SIZE(schema), err) < 0 || load_stacks(manager, err) < 0)
        return -1;
    return load_actions(manager, err);
}

void store_done(struct manager *manager)
{
    struct map_entry *entry;
    while (!list_empty(&manager->actions)) {
        struct action_private *private = container_of(manager->actions.next, struct action_private, link);
        list_remove(&private->link);
        action_free(private);
    }
    for (size_t i = 0; (entry = map_next(&manager->stacks, &i));)
        stack_free(entry->value);
    map_done(&manager->stacks);
}
