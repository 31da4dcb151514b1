#include "bench/memory.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/files.h"

#include <fcntl.h>

#define ZONEINFO_MAX ((size_t)1 << 20) /* grows with CPUs */

#define MEMBERS(structure, kind)                                                                                       \
    FIELD(structure, used, "used", kind, .flags = FIELD_ALWAYS),                                                       \
        FIELD(structure, unavailable, "unavailable", kind, .flags = FIELD_ALWAYS),                                     \
        FIELD(structure, slab, "slab", kind, .flags = FIELD_ALWAYS),                                                   \
        FIELD(structure, slab_reclaimable, "slab_reclaimable", kind, .flags = FIELD_ALWAYS),                           \
        FIELD(structure, slab_unreclaimable, "slab_unreclaimable", kind, .flags = FIELD_ALWAYS),                       \
        FIELD(structure, kernel_stack, "kernel_stack", kind, .flags = FIELD_ALWAYS),                                   \
        FIELD(structure, page_tables, "page_tables", kind, .flags = FIELD_ALWAYS),                                     \
        FIELD(structure, private, "private", kind, .flags = FIELD_ALWAYS),                                             \
        FIELD(structure, shared, "shared", kind, .flags = FIELD_ALWAYS),                                               \
        FIELD(structure, percpu, "percpu", kind, .flags = FIELD_ALWAYS),                                               \
        FIELD(structure, other, "other", kind, .flags = FIELD_ALWAYS), {0},

static const struct field memory_fields[] = {MEMBERS(struct memory, I64)};
const struct fields memory_table = {"memory", sizeof(struct memory), memory_fields};
static const struct field memory_each_fields[] = {MEMBERS(struct memory_each, DOUBLE)};
const struct fields memory_each_table = {"memory", sizeof(struct memory_each), memory_each_fields};

/* The KiB of a line "Name:   123 kB"; -1 where there is none. */
static int64_t value_of(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, size) == 0 && line[size] == ':')
            return strtoll(line + size + 1, NULL, 10);
        if (!strchr(line, '\n'))
            break;
    }
    return -1;
}

/* The sum of those; negative, with *err filled, where one is missing. */
static int64_t sum_of(const char *text, const char *const *names, struct err *err)
{
    int64_t sum = 0;
    for (; *names; names++) {
        int64_t value = value_of(text, *names);
        if (value < 0)
            return err_set(err, ERR_UNSUPPORTED, "/proc/meminfo of this kernel has no %s", *names);
        sum += value;
    }
    return sum;
}

/* KiB on the CPUs' lists of free pages: the lines "count: 123" of the pagesets. */
static int64_t listed_free(const char *zoneinfo)
{
    static const char mark[] = " count:";
    int64_t pages = 0;
    for (const char *at = zoneinfo; (at = strstr(at, mark)); at += strlen(mark))
        pages += strtoll(at + strlen(mark), NULL, 10);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#define SUM(...) sum_of(meminfo, (const char *const[]){__VA_ARGS__, NULL}, err)

int memory_parse(const char *meminfo, const char *zoneinfo, struct memory *ret, struct err *err)
{
    int64_t total = SUM("MemTotal"), available = SUM("MemAvailable");
    int64_t cache = SUM("MemFree", "Buffers", "Cached"), shared = SUM("Shmem");
    struct memory m = {
        .used = total - cache - listed_free(zoneinfo) + shared, /* Cached has Shmem in it */
        .unavailable = total - available,
        .slab_reclaimable = SUM("SReclaimable"),
        .slab_unreclaimable = SUM("SUnreclaim"),
        .kernel_stack = SUM("KernelStack"),
        .page_tables = SUM("PageTables"),
        .private = SUM("AnonPages"),
        .shared = shared,
        .percpu = SUM("Percpu"),
    };
    if (total < 0 || available < 0 || cache < 0 || shared < 0 || m.slab_reclaimable < 0 || m.slab_unreclaimable < 0 ||
        m.kernel_stack < 0 || m.page_tables < 0 || m.private < 0 || m.percpu < 0)
        return -1;
    int64_t second = value_of(meminfo, "SecPageTables"); /* since Linux 6.1 */
    m.page_tables += second > 0 ? second : 0;
    m.slab = m.slab_reclaimable + m.slab_unreclaimable;
    m.other = m.used - m.slab - m.kernel_stack - m.page_tables - m.private - m.shared - m.percpu;
    *ret = m;
    return 0;
}

int memory_look(struct memory *ret, struct err *err)
{
    cleanup_free char *zoneinfo = mem_alloc(ZONEINFO_MAX);
    char meminfo[16384];
    ssize_t n = file_read_at(AT_FDCWD, "/proc/meminfo", meminfo, sizeof(meminfo));
    if (n < 0)
        return err_errno(err, (int)n, "cannot read /proc/meminfo");
    n = file_read_at(AT_FDCWD, "/proc/zoneinfo", zoneinfo, ZONEINFO_MAX);
    if (n < 0)
        return err_errno(err, (int)n, "cannot read /proc/zoneinfo");
    return memory_parse(meminfo, zoneinfo, ret, err);
}

static int64_t member(const struct memory *m, const struct field *field)
{
    return *(const int64_t *)((const char *)m + field->offset);
}

struct memory memory_difference(const struct memory *after, const struct memory *before)
{
    struct memory difference;
    for (const struct field *field = memory_fields; field->name; field++)
        *(int64_t *)((char *)&difference + field->offset) = member(after, field) - member(before, field);
    return difference;
}

struct memory_each memory_share(const struct memory *difference, size_t count)
{
    struct memory_each each;
    for (size_t i = 0; memory_fields[i].name; i++)
        *(double *)((char *)&each + memory_each_fields[i].offset) =
            (double)member(difference, &memory_fields[i]) / (double)count;
    return each;
}
