#include "http/head.h"

#include <stdbool.h>
#include <string.h>

/* RFC 9110 section 5.6.2: tchar. */
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

ssize_t http_head_find(const char *data, size_t size, size_t *scanned, struct err *err)
{
    for (size_t i = *scanned; i < size; i++) {
        char c = data[i];
        if (i >= HTTP_HEAD_MAX)
            return err_set(err, ERR_LIMIT, "the message's head is larger than %d KiB", HTTP_HEAD_MAX / 1024);
        if (i > 0 && data[i - 1] == '\r' && c != '\n')
            return err_set(err, ERR_INVALID, "a carriage return without a line feed in the message's head");
        if (c == '\r')
            continue;
        if (c != '\n') {
            if (is_control((unsigned char)c))
                return err_set(err, ERR_INVALID, "a control character (0x%02x) in the message's head",
                               (unsigned char)c);
            continue;
        }
        if (i == 0 || data[i - 1] != '\r')
            return err_set(err, ERR_INVALID, "a line of the message's head ends in LF without CR");
        if (i >= 3 && data[i - 2] == '\n') {
            *scanned = 0;
            return (ssize_t)i + 1;
        }
    }
    *scanned = size;
    return 0;
}

static int check_line(const char *line, size_t size, struct err *err)
{
    size_t name = 0;
    int shown = size > 80 ? 80 : (int)size;
    if (line[0] == ' ' || line[0] == '\t')
        return err_set(err, ERR_INVALID, "a folded header line: '%.*s'", shown, line);
    while (name < size && is_token_char((unsigned char)line[name]))
        name++;
    if (name == 0 || name == size || line[name] != ':')
        return err_set(err, ERR_INVALID, "not a header ('Name: value'): '%.*s'", shown, line);
    return 0;
}

int http_request_line_check(const char *head, struct err *err)
{
    size_t method = strcspn(head, " \r"), target = 0;
    if (head[method] == ' ')
        target = strcspn(head + method + 1, " \t\r");
    const char *version = head + method + 1 + target;
    if (method == 0 || target == 0 || strncmp(version, " HTTP/", 6) != 0)
        return err_set(err, ERR_INVALID, "not a request line ('GET /path HTTP/1.1'): '%.*s'",
                       (int)strcspn(head, "\r") > 80 ? 80 : (int)strcspn(head, "\r"), head);
    return 0;
}

int http_head_check(const char *head, size_t size, struct err *err)
{
    const char *end = head + size - 2; /* the empty line */
    const char *line = memchr(head, '\n', size);
    size_t count = 0;
    for (line++; line < end; count++) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (check_line(line, (size_t)(next - 1 - line), err) < 0)
            return -1;
        line = next + 1;
    }
    if (count > HTTP_HEADERS_MAX)
        return err_set(err, ERR_LIMIT, "the message has %zu headers, more than %d", count, HTTP_HEADERS_MAX);
    return 0;
}
