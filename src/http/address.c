#include "http/address.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "http/uri.h"

#include <stdio.h>

#define FORMS "unix:///run/shoal/shoal.sock or tcp://host:port"

static int parse_local(const char *text, const char *path, struct http_address *ret, struct err *err)
{
    if (path[0] != '/')
        return err_set(err, ERR_INVALID, "'%s' needs an absolute path, as in unix:///run/shoal/shoal.sock", text);
    if (strlen(path) >= sizeof(ret->path))
        return err_set(err, ERR_INVALID,
                       "the path of the socket '%s' is longer than the %zu bytes a unix socket can have", text,
                       sizeof(ret->path) - 1);
    ret->local = true;
    (void)snprintf(ret->path, sizeof(ret->path), "%s", path);
    return 0;
}

/* "host", "host:port", "[::1]:port", with a slash at the end perhaps. */
static int parse_tcp(const char *text, const char *rest, const char *default_port, struct http_address *ret,
                     struct err *err)
{
    bool bracket = rest[0] == '[';
    const char *host = rest + bracket;
    size_t size = bracket ? strcspn(host, "]") : strcspn(host, ":/");
    const char *after = host + size;
    if (bracket && *after++ != ']')
        return err_set(err, ERR_INVALID, "'%s' has a '[' without a ']'", text);
    if (size == 0 || size >= sizeof(ret->host))
        return err_set(err, ERR_INVALID, "'%s' has no host that could be reached; expected " FORMS, text);
    (void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)size, host);
    const char *port = *after == ':' ? after + 1 : default_port;
    size_t port_size = *after == ':' ? strcspn(port, "/") : strlen(port);
    const char *end = *after == ':' ? port + port_size : after;
    (void)snprintf(ret->port, sizeof(ret->port), "%.*s", (int)port_size, port);
    int number;
    if (port_size >= sizeof(ret->port) || !str_to_int(ret->port, 1, 65535, &number) || (*end && !str_eq(end, "/")))
        return err_set(err, ERR_INVALID, "'%s' has no port of 1 to 65535 after its host; expected " FORMS, text);
    return 0;
}

int http_address_parse(const char *text, const char *default_port, struct http_address *ret, struct err *err)
{
    const char *rest;
    *ret = (struct http_address){0};
    if ((rest = str_after(text, "unix://")) || text[0] == '/')
        return parse_local(text, rest ? rest : text, ret, err);
    if ((rest = str_after(text, "http+unix://"))) {
        struct arena arena cleanup(arena_done) = {0};
        const char *path;
        if (http_percent_decode(&arena, rest, strlen(rest), false, &path, err) < 0)
            return -1;
        return parse_local(text, path, ret, err);
    }
    if ((rest = str_after(text, "tcp://")) || (rest = str_after(text, "http://")))
        return parse_tcp(text, rest, default_port, ret, err);
    return err_set(err, ERR_INVALID, "'%s' is no address of a daemon; expected " FORMS, text);
}

void http_address_format(const struct http_address *address, char text[HTTP_ADDRESS_TEXT_MAX])
{
    if (address->local)
        (void)snprintf(text, HTTP_ADDRESS_TEXT_MAX, "unix://%s", address->path);
    else
        (void)snprintf(text, HTTP_ADDRESS_TEXT_MAX, strchr(address->host, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s",
                       address->host, address->port);
}
