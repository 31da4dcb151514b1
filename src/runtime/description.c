#include "runtime/description.h"

#include "base/str.h"
#include "runtime/packed.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FIELD(type_, struct_, member)                                                                                  \
    {                                                                                                                  \
        .name = #member, .type = (type_), .offset = offsetof(struct struct_, member)                                   \
    }
#define COUNTED(type_, struct_, member, count)                                                                         \
    {                                                                                                                  \
        .name = #member, .type = (type_), .offset = offsetof(struct struct_, member),                                  \
        .count_offset = offsetof(struct struct_, count)                                                                \
    }
#define ITEMS(struct_, member, count, table)                                                                           \
    {                                                                                                                  \
        .name = #member, .type = PACKED_ITEMS, .offset = offsetof(struct struct_, member),                             \
        .count_offset = offsetof(struct struct_, count), .items = &(table)                                             \
    }
#define TABLE(struct_, fields_)                                                                                        \
    {                                                                                                                  \
        .size = sizeof(struct struct_), .fields = (fields_), .field_count = ARRAY_SIZE(fields_)                        \
    }

static const struct packed_field mount_fields[] = {
    FIELD(PACKED_U32, description_mount, kind),       FIELD(PACKED_TEXT, description_mount, target),
    FIELD(PACKED_FD, description_mount, source),      FIELD(PACKED_TEXT, description_mount, data),
    FIELD(PACKED_U64, description_mount, attributes), FIELD(PACKED_U64, description_mount, propagation),
    FIELD(PACKED_U32, description_mount, recursive),
};
static const struct packed_table mount_table = TABLE(description_mount, mount_fields);

static const struct packed_field device_fields[] = {
    FIELD(PACKED_TEXT, description_device, path), FIELD(PACKED_U32, description_device, mode),
    FIELD(PACKED_U32, description_device, major), FIELD(PACKED_U32, description_device, minor),
    FIELD(PACKED_U32, description_device, uid),   FIELD(PACKED_U32, description_device, gid),
};
static const struct packed_table device_table = TABLE(description_device, device_fields);

static const struct packed_field rlimit_fields[] = {
    FIELD(PACKED_U32, description_rlimit, resource),
    FIELD(PACKED_U64, description_rlimit, soft),
    FIELD(PACKED_U64, description_rlimit, hard),
};
static const struct packed_table rlimit_table = TABLE(description_rlimit, rlimit_fields);

static const struct packed_field sysctl_fields[] = {
    FIELD(PACKED_TEXT, description_sysctl, name),
    FIELD(PACKED_TEXT, description_sysctl, value),
};
static const struct packed_table sysctl_table = TABLE(description_sysctl, sysctl_fields);

static const struct packed_field id_map_fields[] = {
    FIELD(PACKED_U32, description_id_map, container),
    FIELD(PACKED_U32, description_id_map, host),
    FIELD(PACKED_U32, description_id_map, size),
};
static const struct packed_table id_map_table = TABLE(description_id_map, id_map_fields);

static const struct packed_field join_fields[] = {
    FIELD(PACKED_U32, description_join, type),
    FIELD(PACKED_FD, description_join, fd),
};
static const struct packed_table join_table = TABLE(description_join, join_fields);

static const struct packed_field description_fields[] = {
    FIELD(PACKED_FD, description, cgroup), /* the keeper relies on this one being the first */
    FIELD(PACKED_FD, description, stdio[0]),
    FIELD(PACKED_FD, description, stdio[1]),
    FIELD(PACKED_FD, description, stdio[2]),
    FIELD(PACKED_U32, description, flags),
    FIELD(PACKED_TEXTS, description, argv),
    FIELD(PACKED_TEXTS, description, env),
    FIELD(PACKED_TEXT, description, cwd),
    FIELD(PACKED_U32, description, uid),
    FIELD(PACKED_U32, description, gid),
    COUNTED(PACKED_U32S, description, groups, group_count),
    FIELD(PACKED_U32, description, umask),
    FIELD(PACKED_U32, description, tty_columns),
    FIELD(PACKED_U32, description, tty_rows),
    FIELD(PACKED_U64, description, bounding),
    FIELD(PACKED_U64, description, permitted),
    FIELD(PACKED_U64, description, effective),
    FIELD(PACKED_U64, description, inheritable),
    FIELD(PACKED_U64, description, ambient),
    ITEMS(description, rlimits, rlimit_count, rlimit_table),
    FIELD(PACKED_U32, description, oom_score_adj),
    FIELD(PACKED_U64, description, namespaces),
    ITEMS(description, joins, join_count, join_table),
    ITEMS(description, uid_maps, uid_map_count, id_map_table),
    ITEMS(description, gid_maps, gid_map_count, id_map_table),
    FIELD(PACKED_TEXT, description, hostname),
    FIELD(PACKED_TEXT, description, domainname),
    FIELD(PACKED_FD, description, root),
    FIELD(PACKED_U64, description, root_propagation),
    ITEMS(description, mounts, mount_count, mount_table),
    ITEMS(description, devices, device_count, device_table),
    FIELD(PACKED_TEXTS, description, masked_paths),
    FIELD(PACKED_TEXTS, description, readonly_paths),
    ITEMS(description, sysctls, sysctl_count, sysctl_table),
};
static const struct packed_table description_table = TABLE(description, description_fields);

void description_init(struct description *d)
{
    *d = (struct description){
        .cgroup = -1,
        .stdio = {-1, -1, -1},
        .cwd = "/",
        .umask = 022,
        .root = -1,
    };
}

ssize_t description_encode(const struct description *d, void *data, size_t size, int *ret_fds, unsigned *ret_fd_count,
                           struct err *err)
{
    struct packed_writer w = {
        .data = data,
        .size = size < DESCRIPTION_SIZE_MAX ? size : DESCRIPTION_SIZE_MAX,
        .fds = ret_fds,
        .fd_max = DESCRIPTION_FDS_MAX,
    };
    if (packed_write(&w, &description_table, d, err) < 0)
        return -1;
    *ret_fd_count = w.fd_count;
    return (ssize_t)w.used;
}

int description_decode(const void *data, size_t size, const int *fds, unsigned fd_count, void *scratch,
                       size_t scratch_size, struct description *ret, struct err *err)
{
    struct packed_reader r = {
        .data = data,
        .size = size,
        .scratch = scratch,
        .scratch_size = scratch_size,
        .fds = fds,
        .fd_count = fd_count,
    };
    *ret = (struct description){0};
    if (packed_read(&r, &description_table, ret, err) < 0)
        return -1;
    if (r.used != size)
        return err_set(err, ERR_INVALID, "%zu bytes follow the description", size - r.used);
    return 0;
}
