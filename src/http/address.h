#pragma once
/* Where a daemon listens: unix:///run/shoal/shoal.sock, http+unix://%2Frun…, tcp://host:port, http://host:port, /path.
 */
#include "base/err.h"

#include <stdbool.h>

#define HTTP_ADDRESS_TEXT_MAX 300

struct http_address {
    bool local;     /* a unix socket */
    char path[108]; /* of the unix socket (sun_path) */
    char host[256]; /* of TCP; IPv6 without brackets */
    char port[6];
};

/* ERR_INVALID says what an address looks like. default_port is taken where tcp:// has none ("2375"). */
int http_address_parse(const char *text, const char *default_port, struct http_address *ret, struct err *err);
/* "unix:///run/shoal/shoal.sock", "tcp://[::1]:2375". */
void http_address_format(const struct http_address *address, char text[HTTP_ADDRESS_TEXT_MAX]);
