#include "network/forwarding.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define IPV4_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"
#define IPV6_LINKS   "/proc/sys/net/ipv6/conf"

static const char *path_of(bool ipv6)
{
    return ipv6 ? IPV6_FORWARD : IPV4_FORWARD;
}

bool forwarding_enabled(bool ipv6)
{
    char text[16];
    return file_read_at(AT_FDCWD, path_of(ipv6), text, sizeof(text)) < 0 || text[0] != '0';
}

static void keep_router_advertisements(void)
{
    cleanup_dir DIR *links = opendir(IPV6_LINKS);
    struct dirent *entry;
    while (links && (entry = readdir(links))) {
        char path[300], text[16];
        (void)snprintf(path, sizeof(path), "%s/accept_ra", entry->d_name);
        if (entry->d_name[0] == '.' || file_read_at(dirfd(links), path, text, sizeof(text)) < 0 || text[0] != '1')
            continue;
        if (file_write_at(dirfd(links), path, "2") < 0)
            log_warning("cannot keep router advertisements on %s: %s", entry->d_name, path);
    }
}

int forwarding_enable(bool ipv6, struct err *err)
{
    if (forwarding_enabled(ipv6))
        return 0;
    if (ipv6)
        keep_router_advertisements();
    int r = file_write_at(AT_FDCWD, path_of(ipv6), "1");
    if (r < 0)
        return err_errno(err, r, "cannot turn on forwarding, which containers' networks need, in %s", path_of(ipv6));
    log_info("turned on %s forwarding, which containers' networks need", ipv6 ? "IPv6" : "IPv4");
    return 0;
}
