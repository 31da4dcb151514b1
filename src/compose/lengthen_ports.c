#include "compose/lengthen.h"

#include "base/str.h"
#include "base/vec.h"

#include <arpa/inet.h>
#include <stdio.h>

/* A short port, taken apart. */
struct port_text {
    const char *address;
    const char *protocol;
    bool published;
    int host_first, host_last; /* 0 is any that is free */
    int first, last;
};

static bool read_range(const char *text, int least, int *first, int *last)
{
    char copy[16];
    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    char *rest = copy, *start = str_split(&rest, '-'), *end = str_split(&rest, '-');
    if (rest || !str_to_int(start, least, 65535, first) || (end && !str_to_int(end, least, 65535, last)))
        return false;
    if (!end)
        *last = *first;
    return *first <= *last;
}

static bool is_address(const char *text)
{
    unsigned char address[16];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* "1.2.3.4" or "[::1]" */
static const char *read_address(char *text, struct port_text *port)
{
    size_t n = strlen(text);
    if (n > 2 && *text == '[' && text[n - 1] == ']') {
        text[n - 1] = 0;
        text++;
    } else if (strchr(text, ':')) {
        return "an IPv6 address stands in brackets";
    }
    if (*text && !is_address(text))
        return "not an address";
    port->address = text;
    return NULL;
}

/* ADDRESS:HOST:CONTAINER/PROTOCOL, from its end. Returns what is wrong, or NULL. */
static const char *read_port(char *text, struct port_text *port)
{
    *port = (struct port_text){.address = "", .protocol = "tcp"};
    char *container = strrchr(text, ':'), *host = NULL;
    if (container) {
        *container++ = 0;
        host = strrchr(text, ':');
        if (host)
            *host++ = 0;
        else
            host = text, text = NULL;
    } else {
        container = text, text = NULL;
    }
    char *protocol = strchr(container, '/');
    if (protocol) {
        *protocol++ = 0;
        for (char *p = protocol; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        port->protocol = *protocol ? protocol : "tcp";
    }
    if (!*container)
        return "the container's port is missing";
    if (!str_in(port->protocol, (const char *const[]){"tcp", "udp", "sctp", NULL}))
        return "the protocol is none of tcp, udp and sctp";
    if (!read_range(container, 1, &port->first, &port->last))
        return "the container's port is not a port or a range of ports";
    port->published = host && *host;
    if (port->published && !read_range(host, 0, &port->host_first, &port->host_last))
        return "the host's port is not a port or a range of ports";
    if (port->published && port->first != port->last && port->last - port->first != port->host_last - port->host_first)
        return "the two ranges are not equally long";
    return text ? read_address(text, port) : NULL;
}

static struct yaml *new_port(struct arena *arena, const struct port_text *port, int i, const struct yaml *at)
{
    struct yaml *map = yaml_new(arena, YAML_MAP, at);
    int published = port->host_first + i;
    bool range = port->first == port->last && port->host_first != port->host_last;
    yaml_set(arena, map, "mode", yaml_new_string(arena, "ingress", at));
    if (*port->address)
        yaml_set(arena, map, "host_ip", yaml_new_string(arena, port->address, at));
    yaml_set(arena, map, "target", yaml_new_int(arena, port->first + i, at));
    if (port->published)
        yaml_set(arena, map, "published",
                 yaml_new_string(arena,
                                 range ? arena_printf(arena, "%d-%d", published, port->host_last)
                                       : arena_printf(arena, "%d", published),
                                 at));
    yaml_set(arena, map, "protocol", yaml_new_string(arena, port->protocol, at));
    return map;
}

static int compare_targets(const void *a, const void *b)
{
    char x[8], y[8];
    snprintf(x, sizeof(x), "%d", *(const int *)a);
    snprintf(y, sizeof(y), "%d", *(const int *)b);
    return strcmp(x, y);
}

/* One item's ports, in the order of their numbers as text, which is Docker's. */
static int add_ports(struct walk *walk, const struct place *place, const struct port_text *port, struct yaml *list,
                     const struct yaml *at)
{
    int n = port->last - port->first + 1;
    walk->ports += (size_t)n;
    if (walk->ports > PORTS_MAX)
        return place_fail(walk, place, at, "more than %u ports in all", PORTS_MAX);
    int *targets = arena_alloc_array(walk->arena, (size_t)n, sizeof(*targets));
    for (int i = 0; i < n; i++)
        targets[i] = port->first + i;
    qsort(targets, (size_t)n, sizeof(*targets), compare_targets);
    for (int i = 0; i < n; i++)
        yaml_push(walk->arena, list, new_port(walk->arena, port, targets[i] - port->first, at));
    return 0;
}

int lengthen_ports(struct walk *walk, const struct place *place, struct yaml **node)
{
    struct yaml *list = yaml_new(walk->arena, YAML_LIST, *node);
    for (size_t i = 0; i < (*node)->list.count; i++) {
        struct yaml *item = (*node)->list.items[i];
        struct place here = {.up = place, .index = i};
        struct port_text port;
        if (item->kind == YAML_MAP) {
            yaml_push(walk->arena, list, item);
            continue;
        }
        const char *text = yaml_text(walk->arena, item);
        const char *wrong = read_port(arena_strdup(walk->arena, text ? text : ""), &port);
        if (wrong && walk->raw)
            return 0; /* variables; then the list stays as it is */
        if (wrong)
            return place_fail(walk, &here, item, "\"%s\": %s, expected [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]", text,
                              wrong);
        if (add_ports(walk, &here, &port, list, item) < 0)
            return -1;
    }
    *node = list;
    return 0;
}
