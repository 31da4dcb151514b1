#include "api/host.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

/* KEY=value or KEY="value" of os-release(5). */
static void read_os_release(const char *key, char text[HOST_TEXT_MAX])
{
    char line[512];
    cleanup_file FILE *f = fopen("/etc/os-release", "re");
    while (f && fgets(line, sizeof(line), f)) {
        const char *value = str_after(line, key);
        if (!value || *value != '=')
            continue;
        value++;
        value += *value == '"';
        (void)snprintf(text, HOST_TEXT_MAX, "%.*s", (int)strcspn(value, "\"\n"), value);
        return;
    }
}

void host_read(struct host *host)
{
    struct utsname uts = {0};
    struct sysinfo info = {0};
    (void)uname(&uts);
    (void)sysinfo(&info);
    *host = (struct host){.cpus = get_nprocs(), .memory = (int64_t)info.totalram * info.mem_unit};
    (void)snprintf(host->name, sizeof(host->name), "%s", uts.nodename);
    (void)snprintf(host->kernel, sizeof(host->kernel), "%s", uts.release);
    (void)snprintf(host->machine, sizeof(host->machine), "%s", uts.machine);
    (void)snprintf(host->system, sizeof(host->system), "Linux");
    read_os_release("PRETTY_NAME", host->system);
    read_os_release("VERSION_ID", host->system_version);
}
