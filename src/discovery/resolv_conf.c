#include "discovery/resolv_conf.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <fcntl.h>

#define FILE_MAX ((size_t)64 * 1024)

/* The next word of a line, or NULL; blanks separate. */
static char *next_word(char **rest)
{
    char *start = *rest + strspn(*rest, " \t\r");
    size_t length = strcspn(start, " \t\r");
    if (length == 0)
        return NULL;
    *rest = start + length;
    if (**rest)
        *(*rest)++ = '\0';
    return start;
}

static void add_server(struct resolv_conf *conf, char *text)
{
    char *zone = strchr(text, '%');
    struct ip ip;
    if (zone)
        *zone = '\0';
    /* A link-local address is worth nothing without its link. */
    if (!zone && ip_parse(text, &ip) && conf->server_count < RESOLV_SERVERS_MAX)
        conf->servers[conf->server_count++] = ip;
}

static void read_line(struct arena *arena, char *line, struct resolv_conf *conf)
{
    char *word, *key = next_word(&line);
    if (!key || key[0] == '#' || key[0] == ';')
        return;
    if (str_eq(key, "nameserver") && (word = next_word(&line)))
        add_server(conf, word);
    bool search = str_eq(key, "search") || str_eq(key, "domain");
    if (search)
        conf->search = (struct strings){0}; /* the last one counts */
    while (search && (word = next_word(&line)) && conf->search.count < RESOLV_SEARCH_MAX)
        vec_push_in(arena, &conf->search, word);
    while (str_eq(key, "options") && (word = next_word(&line)) && conf->options.count < RESOLV_SEARCH_MAX)
        vec_push_in(arena, &conf->options, word);
}

void resolv_conf_parse(struct arena *arena, const char *text, struct resolv_conf *ret)
{
    char *line, *rest = arena_strdup(arena, text);
    *ret = (struct resolv_conf){0};
    while ((line = str_split(&rest, '\n')))
        read_line(arena, line, ret);
}

void resolv_conf_read(struct arena *arena, const char *path, struct resolv_conf *ret)
{
    char *text cleanup_free = mem_alloc(FILE_MAX);
    if (file_read_at(AT_FDCWD, path, text, FILE_MAX) < 0)
        text[0] = '\0';
    resolv_conf_parse(arena, text, ret);
}

/* Can it stand as a word in a line? */
static bool is_word(const char *s)
{
    return *s && !strpbrk(s, " \t\r\n#;");
}

static void write_words(struct buf *to, const char *key, const struct strings *words)
{
    bool any = false;
    vec_foreach (word, words) {
        if (!is_word(*word))
            continue;
        buf_printf(to, "%s %s", any ? "" : key, *word);
        any = true;
    }
    if (any)
        buf_addc(to, '\n');
}

static bool has_ndots(const struct strings *options)
{
    vec_foreach (option, options)
        if (str_starts(*option, "ndots:"))
            return true;
    return false;
}

void resolv_conf_write(struct buf *to, const struct resolv_params *params)
{
    const struct strings *search = params->search ? params->search : &params->machine->search;
    const struct strings *options = params->options ? params->options : &params->machine->options;
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < params->server_count; i++)
        buf_printf(to, "nameserver %s\n", ip_format(&params->servers[i], text));
    if (!(search->count == 1 && str_eq(search->items[0], ".")))
        write_words(to, "search", search);
    struct strings all = {0};
    vec_foreach (option, options)
        vec_push(&all, *option);
    if (params->own_server && !has_ndots(options))
        vec_push(&all, (char *)"ndots:0");
    write_words(to, "options", &all);
    vec_done(&all);
}

static void write_own_name(struct buf *to, const struct hosts_params *params)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < params->address_count; i++) {
        buf_printf(to, "%s\t", ip_format(&params->addresses[i], text));
        if (!str_empty(params->domainname))
            buf_printf(to, "%s.%s ", params->hostname, params->domainname);
        buf_printf(to, "%s\n", params->hostname);
    }
}

void hosts_write(struct buf *to, const struct hosts_params *params)
{
    char gateway[IP_TEXT_MAX];
    ip_format(&params->host_gateway, gateway);
    buf_adds(to, "127.0.0.1\tlocalhost\n");
    buf_adds(to, "::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
                 "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
    for (size_t i = 0; i < params->extra_count; i++) {
        const struct extra_host *extra = &params->extra[i];
        const char *address = str_eq(extra->address, "host-gateway") ? gateway : extra->address;
        if (is_word(extra->name) && is_word(address))
            buf_printf(to, "%s\t%s\n", address, extra->name);
    }
    write_own_name(to, params);
}
