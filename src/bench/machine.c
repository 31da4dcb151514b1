#include "bench/machine.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "name<tabs>: value" of one line; NULL where it is another. */
static const char *value_of(char *line, const char *name)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    bool same = str_eq(str_trim(line), name);
    *colon = ':';
    return same ? str_trim(colon + 1) : NULL;
}

void machine_parse_cpuinfo(const char *text, struct machine *ret)
{
    cleanup_free char *copy = mem_strdup(text);
    char *rest = copy, *line;
    while ((line = str_split(&rest, '\n'))) {
        cleanup_free char *model = mem_strdup(line), *flags = mem_strdup(line);
        const char *name = value_of(model, "model name"), *features = value_of(flags, "flags");
        if (name && !*ret->cpu)
            (void)snprintf(ret->cpu, sizeof(ret->cpu), "%s", name);
        if (features && strstr(features, "hypervisor"))
            ret->virtualized = true;
    }
}

/* The start of a file; "" where it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
    cleanup_file FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    text[n] = '\0';
}

void machine_look(struct machine *ret)
{
    static const char *const firmwares[] = {"QEMU", "KVM", "VMware", "VirtualBox", "Xen", "Amazon EC2", NULL};
    struct utsname name;
    struct sysinfo info;
    char text[16384];
    *ret = (struct machine){.cpus = sysconf(_SC_NPROCESSORS_ONLN)};
    read_text("/proc/cpuinfo", text, sizeof(text));
    machine_parse_cpuinfo(text, ret);
    read_text("/sys/class/dmi/id/product_name", text, sizeof(text));
    for (const char *const *firmware = firmwares; *firmware; firmware++)
        ret->virtualized = ret->virtualized || strstr(text, *firmware);
    if (uname(&name) == 0) {
        (void)snprintf(ret->kernel, sizeof(ret->kernel), "%s %s", name.sysname, name.release);
        (void)snprintf(ret->architecture, sizeof(ret->architecture), "%s", name.machine);
    }
    if (sysinfo(&info) == 0)
        ret->memory_kib = (int64_t)info.totalram * info.mem_unit / 1024;
}
