#include "cli/project.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose/dotenv.h"
#include "compose/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------------------------------------- */

static int read_file(void *data, const char *path, struct buf *out, struct err *err)
{
    cleanup_fd int file = -1; /* standard input is not ours to close */
    bool standard = str_eq(path, "-");
    if (!standard && (file = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return err_errno(err, errno, "%s", path);
    while (!buf_failed(out)) {
        void *room = buf_reserve(out, COMPOSE_READ_ROOM);
        ssize_t n = room ? read(standard ? STDIN_FILENO : file, room, COMPOSE_READ_ROOM) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "%s", path);
        if (n == 0)
            break;
        buf_claim(out, (size_t)n);
    }
    return buf_failed(out) ? err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, out->max) : 0;
}

static bool is_file(void *data, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static void warn(void *data, const char *message)
{
    cli_warn(data, message);
}

/* --- what the command line means --------------------------------------------------------------------------------- */

struct finder {
    struct cli *cli;
    struct compose_options *options;
    struct env *env;
    const char *cwd;
    struct err *err;
};

static void take_environ(struct env *env, const char *cwd)
{
    for (char **var = environ; *var; var++) {
        char *name = arena_strdup(env->arena, *var), *value = strchr(name, '=');
        if (value && value != name) {
            *value++ = 0;
            env_set(env, name, value);
        }
    }
    if (!env_get(env, "PWD"))
        env_set(env, "PWD", cwd);
}

static void split_into(struct arena *arena, const char *text, char separator, struct strings *ret)
{
    char *rest = arena_strdup(arena, text ? text : "");
    for (char *part; (part = str_split(&rest, separator));) {
        part = str_trim(part);
        if (*part)
            vec_push_in(arena, ret, part);
    }
}

static int read_env_file(const struct finder *f, const char *path, struct env *ret)
{
    struct buf text cleanup(buf_done) = BUF(DOTENV_BYTES_MAX + COMPOSE_READ_ROOM);
    struct dotenv dotenv = {.file = path, .lookup = env_lookup_env, .data = f->env};
    if (read_file(NULL, path_join(&f->cli->arena, f->cwd, path), &text, f->err) < 0)
        return -1;
    return dotenv_parse(&dotenv, buf_str(&text), text.size, ret, f->err);
}

/* --env-file, $COMPOSE_ENV_FILES, or .env in folder; the process's own variables win. */
static int read_env_files(const struct finder *f, const char *folder)
{
    struct arena *arena = &f->cli->arena;
    struct strings files = f->cli->globals.env_files;
    struct env from_files cleanup(env_done) = {0};
    env_init(&from_files, arena);
    if (!files.count)
        split_into(arena, getenv("COMPOSE_ENV_FILES"), ',', &files);
    const char *disabled = getenv("COMPOSE_DISABLE_ENV_FILE");
    if (!files.count &&
        !(disabled && str_in(disabled, (const char *const[]){"1", "true", "TRUE", "True", "t", NULL}))) {
        const char *path = path_join(arena, folder, ".env");
        if (is_file(NULL, path))
            vec_push_in(arena, &files, arena_strdup(arena, path));
    }
    vec_foreach (file, &files) {
        if (read_env_file(f, *file, &from_files) < 0)
            return -1;
    }
    env_add(f->env, &from_files);
    return 0;
}

static void add_file(const struct finder *f, const char *name)
{
    struct arena *arena = &f->cli->arena;
    const char *path = str_eq(name, "-") ? name : path_join(arena, f->cwd, name);
    vec_push_in(arena, &f->options->files, (struct compose_file){path, name});
}

/* The first of names that folder has; NULL where it has none. */
static const char *first_of(struct arena *arena, const char *folder, const char *const *names)
{
    for (; *names; names++) {
        const char *path = path_join(arena, folder, *names);
        if (is_file(NULL, path))
            return path;
    }
    return NULL;
}

/* How errors call a file that was found: relative where it lies below. */
static const char *short_name(const struct finder *f, const char *path)
{
    const char *below = str_after(path, f->cwd);
    return below && *below == '/' ? below + 1 : path;
}

static int find_files(const struct finder *f, const char *folder)
{
    static const char *const names[] = {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
                                        NULL};
    static const char *const overrides[] = {"compose.override.yml", "compose.override.yaml",
                                            "docker-compose.override.yml", "docker-compose.override.yaml", NULL};
    struct arena *arena = &f->cli->arena;
    for (const char *start = folder;; folder = path_folder(arena, folder)) {
        const char *path = first_of(arena, folder, names);
        const char *override = path ? first_of(arena, folder, overrides) : NULL;
        if (path)
            add_file(f, short_name(f, path));
        if (override)
            add_file(f, short_name(f, override));
        if (path)
            return 0;
        if (str_eq(folder, "/"))
            return err_set(f->err, ERR_NOT_FOUND, "no compose.yaml in %s or above it, expected one there or -f FILE",
                           start);
    }
}

/* The project's folder as far as it is known: --project-directory, that of the first file, or here. */
static const char *project_folder(const struct finder *f)
{
    struct arena *arena = &f->cli->arena;
    if (f->cli->globals.project_directory)
        return path_join(arena, f->cwd, f->cli->globals.project_directory);
    vec_foreach (file, &f->options->files) {
        if (!str_eq(file->path, "-"))
            return path_folder(arena, file->path);
    }
    return f->cwd;
}

static int choose_files(const struct finder *f)
{
    struct arena *arena = &f->cli->arena;
    const char *separator = env_get(f->env, "COMPOSE_PATH_SEPARATOR"), *list = env_get(f->env, "COMPOSE_FILE");
    struct strings files = {0};
    if (f->options->files.count)
        return 0;
    if (!list)
        return find_files(f, project_folder(f));
    split_into(arena, list, str_empty(separator) ? ':' : *separator, &files);
    vec_foreach (file, &files)
        add_file(f, *file);
    if (!files.count)
        return err_set(f->err, ERR_INVALID, "COMPOSE_FILE is empty, expected files or no such variable");
    return 0;
}

static int find_project(struct finder *f)
{
    struct arena *arena = &f->cli->arena;
    struct compose_options *options = f->options;
    const struct cli_globals *globals = &f->cli->globals;
    take_environ(f->env, f->cwd);
    vec_foreach (file, &globals->files)
        add_file(f, *file);
    if (read_env_files(f, project_folder(f)) < 0 || choose_files(f) < 0 || read_env_files(f, project_folder(f)) < 0)
        return -1;
    options->folder = project_folder(f);
    options->profiles = globals->profiles;
    if (!options->profiles.count)
        split_into(arena, env_get(f->env, "COMPOSE_PROFILES"), ',', &options->profiles);
    const char *name = env_get(f->env, "COMPOSE_PROJECT_NAME");
    options->project_name = globals->project_name ? globals->project_name : str_empty(name) ? NULL : name;
    options->default_name = path_last(arena, options->folder);
    options->keep_unused = globals->all_resources;
    return 0;
}

int project_options(struct cli *cli, struct compose_options *options, struct env *env, struct err *err)
{
    cleanup_free char *cwd = getcwd(NULL, 0);
    if (!cwd)
        return err_errno(err, errno, "the current folder");
    env_init(env, &cli->arena);
    struct compose_io disk = {.data = cli, .read = read_file, .is_file = is_file, .warn = warn};
    *options = (struct compose_options){.io = arena_memdup(&cli->arena, &disk, sizeof(disk)), .env = env};
    struct finder finder = {cli, options, env, arena_strdup(&cli->arena, cwd), err};
    return find_project(&finder);
}
