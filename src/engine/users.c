#include "engine/users.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DATABASE_MAX ((size_t)1 << 20) /* bytes of /etc/passwd or /etc/group that are looked at */
#define GROUPS_MAX   1024
#define FIELDS_MAX   7

/* A line of passwd(5) or group(5). */
struct entry {
    char *fields[FIELDS_MAX];
    size_t count;
};

static char *read_database(int root, const char *path, struct arena *arena)
{
    struct buf text cleanup(buf_done) = BUF(DATABASE_MAX);
    cleanup_fd int fd = file_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return arena_strdup(arena, "");
    for (;;) {
        char *room = buf_reserve(&text, 4096);
        ssize_t n = room ? read(fd, room, 4096) : 0;
        if (n <= 0)
            break;
        buf_claim(&text, (size_t)n);
    }
    return arena_strndup(arena, buf_str(&text), text.size);
}

static bool next_entry(char **rest, struct entry *ret)
{
    char *line = str_split(rest, '\n');
    if (!line)
        return false;
    ret->count = 0;
    char *field;
    while (ret->count < FIELDS_MAX && (field = str_split(&line, ':')))
        ret->fields[ret->count++] = field;
    return true;
}

static bool to_id(const char *text, uint32_t *ret)
{
    uint64_t value;
    if (!str_to_u64(text, &value) || value > INT32_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

/* By name, else by number; *ret_id is the number either way. False where the text is a name that nobody has. */
static bool find_entry(char *database, const char *text, struct entry *ret, bool *ret_found, uint32_t *ret_id)
{
    bool numeric = to_id(text, ret_id);
    uint32_t id;
    *ret_found = false;
    while (next_entry(&database, ret)) {
        if (ret->count < 3 || !to_id(ret->fields[2], &id))
            continue;
        if (str_eq(ret->fields[0], text) || (numeric && id == *ret_id)) {
            *ret_found = true;
            *ret_id = id;
            return true;
        }
    }
    return numeric;
}

static void add_group(struct arena *arena, struct identity *identity, uint32_t gid)
{
    for (size_t i = 0; i < identity->group_count; i++)
        if (identity->groups[i] == gid)
            return;
    if (!identity->groups)
        identity->groups = arena_alloc_array(arena, GROUPS_MAX, sizeof(*identity->groups));
    if (identity->group_count < GROUPS_MAX)
        identity->groups[identity->group_count++] = gid;
}

static bool is_member(char *members, const char *name)
{
    char *member;
    while ((member = str_split(&members, ',')))
        if (str_eq(member, name))
            return true;
    return false;
}

static void add_memberships(struct arena *arena, char *database, const char *name, struct identity *identity)
{
    struct entry entry;
    uint32_t gid;
    while (next_entry(&database, &entry))
        if (entry.count >= 4 && to_id(entry.fields[2], &gid) && gid != identity->gid &&
            is_member(entry.fields[3], name))
            add_group(arena, identity, gid);
}

static int find_group(struct arena *arena, const char *groups, const char *text, uint32_t *ret, struct err *err)
{
    struct entry entry;
    bool found;
    if (find_entry(arena_strdup(arena, groups), text, &entry, &found, ret))
        return 0;
    return err_set(err, ERR_INVALID, "unable to find group %s: no matching entries in group file", text);
}

int identity_find(int root, const char *text, const struct strings *more_groups, struct arena *arena,
                  struct identity *ret, struct err *err)
{
    const char *groups = read_database(root, "/etc/group", arena);
    char *group = arena_strdup(arena, text ? text : ""), *user = str_split(&group, ':');
    struct entry entry;
    bool found;
    *ret = (struct identity){.home = "/"};
    if (!find_entry(read_database(root, "/etc/passwd", arena), *user ? user : "0", &entry, &found, &ret->uid))
        return err_set(err, ERR_INVALID, "unable to find user %s: no matching entries in passwd file", user);
    if (found && entry.count >= 6) {
        (void)to_id(entry.fields[3], &ret->gid);
        if (*entry.fields[5])
            ret->home = entry.fields[5];
    } else if (ret->uid == 0) {
        ret->home = "/root";
    }
    if (!str_empty(group)) {
        if (find_group(arena, groups, group, &ret->gid, err) < 0)
            return -1;
    } else if (found) {
        add_memberships(arena, arena_strdup(arena, groups), entry.fields[0], ret);
    }
    vec_foreach (more, more_groups) {
        uint32_t gid;
        if (find_group(arena, groups, *more, &gid, err) < 0)
            return -1;
        add_group(arena, ret, gid);
    }
    return 0;
}
