#include "request.h"

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    static const struct text others = TEXT_INIT("!#$%&'*+-.^_`|~");
    char lower = text_lower(c);
    if ((lower >= 'a' && lower <= 'z') || text_is_digit(c))
        return true;
    for (size_t i = 0; i < others.n; i++)
        if (others.s[i] == c)
            return true;
    return false;
}

/* Takes a token off the front of *t; empty where there is none. */
static struct text take_token(struct text *t)
{
    struct text token = {t->s, 0};
    while (t->n && is_token_char(*t->s)) {
        token.n++;
        t->s++;
        t->n--;
    }
    return token;
}

static struct text trim(struct text t)
{
    for (; t.n && (*t.s == ' ' || *t.s == '\t'); t.n--)
        t.s++;
    while (t.n && (t.s[t.n - 1] == ' ' || t.s[t.n - 1] == '\t'))
        t.n--;
    return t;
}

/* Takes a line off the front of *rest, without its CRLF; false where no whole line is there. */
static bool take_line(struct text *rest, struct text *ret)
{
    for (size_t i = 1; i < rest->n; i++) {
        if (rest->s[i] != '\n' || rest->s[i - 1] != '\r')
            continue;
        *ret = (struct text){rest->s, i - 1};
        rest->s += i + 1;
        rest->n -= i + 1;
        return true;
    }
    return false;
}

/* The path of a target in origin form ("/a?b") or absolute form ("http://host/a"); false where it is neither. */
static bool parse_target(struct text target, struct text *ret_path)
{
    if (text_starts(target, TEXT("http://"))) {
        target.s += 7;
        target.n -= 7;
        for (; target.n && *target.s != '/' && *target.s != '?'; target.n--)
            target.s++;
        if (!target.n || *target.s == '?')
            target = TEXT("/");
    }
    if (!target.n || *target.s != '/')
        return false;
    size_t n = 0;
    while (n < target.n && target.s[n] != '?' && target.s[n] != '#')
        n++;
    *ret_path = (struct text){target.s, n};
    return true;
}

/* "HTTP/1.0" → 0, "HTTP/1.1" and later minors → 1; other majors -505. */
static int parse_version(struct text version)
{
    if (version.n != 8 || !text_starts(version, TEXT("HTTP/")) || !text_is_digit(version.s[5]) || version.s[6] != '.' ||
        !text_is_digit(version.s[7]))
        return -400;
    if (version.s[5] != '1')
        return -505;
    return version.s[7] != '0';
}

/* "GET /path HTTP/1.1"; returns the minor version or a refusal. */
static int parse_request_line(struct text line, struct request *ret)
{
    struct text method = take_token(&line);
    if (!method.n || !line.n || *line.s != ' ')
        return -400;
    struct text target = {line.s + 1, 0};
    while (target.n < line.n - 1 && (unsigned char)target.s[target.n] > ' ' && target.s[target.n] != 0x7f)
        target.n++;
    size_t used = 1 + target.n;
    if (used >= line.n || line.s[used] != ' ')
        return -400;
    int minor = parse_version((struct text){line.s + used + 1, line.n - used - 1});
    if (minor < 0)
        return minor;
    ret->method = text_same(method, TEXT("GET"))    ? METHOD_GET
                  : text_same(method, TEXT("HEAD")) ? METHOD_HEAD
                                                    : METHOD_OTHER;
    /* Other methods have other forms of target ("*", "host:port"); they are refused by name, not by form. */
    if (!parse_target(target, &ret->path) && ret->method != METHOD_OTHER)
        return -400;
    return minor;
}

/* Is word one of the elements of a comma-separated list? */
static bool list_has(struct text list, struct text word)
{
    while (list.n) {
        struct text element = {list.s, 0};
        while (element.n < list.n && element.s[element.n] != ',')
            element.n++;
        size_t used = element.n < list.n ? element.n + 1 : element.n;
        list.s += used;
        list.n -= used;
        if (text_same_nocase(trim(element), word))
            return true;
    }
    return false;
}

/* What is remembered of the header fields while they pass. */
struct fields {
    int hosts;
    bool close, keep_alive, body, if_range;
};

static void note_field(struct text name, struct text value, struct fields *fields, struct request *ret)
{
    if (text_same_nocase(name, TEXT("host"))) {
        fields->hosts++;
    } else if (text_same_nocase(name, TEXT("connection"))) {
        fields->close |= list_has(value, TEXT("close"));
        fields->keep_alive |= list_has(value, TEXT("keep-alive"));
    } else if (text_same_nocase(name, TEXT("transfer-encoding"))) {
        fields->body = true;
    } else if (text_same_nocase(name, TEXT("content-length"))) {
        fields->body |= !text_same(value, TEXT("0"));
    } else if (text_same_nocase(name, TEXT("if-modified-since"))) {
        ret->if_modified_since = value;
    } else if (text_same_nocase(name, TEXT("range"))) {
        ret->range = value;
    } else if (text_same_nocase(name, TEXT("if-range"))) {
        fields->if_range = true;
    }
}

/* A name directly followed by a colon, then a value without control characters: no folding, no lone CR. */
static bool parse_field(struct text line, struct fields *fields, struct request *ret)
{
    struct text name = take_token(&line);
    if (!name.n || !line.n || *line.s != ':')
        return false;
    struct text value = trim((struct text){line.s + 1, line.n - 1});
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.s[i] < ' ' && value.s[i] != '\t') || value.s[i] == 0x7f)
            return false;
    note_field(name, value, fields, ret);
    return true;
}

int request_parse(const char *data, size_t size, struct request *ret)
{
    struct text rest = {data, size}, line;
    struct fields fields = {0};
    *ret = (struct request){0};
    do { /* empty lines before a request are forgiven (RFC 9112, section 2.2) */
        if (!take_line(&rest, &line))
            return size >= REQUEST_MAX ? -431 : 0;
    } while (!line.n);
    int minor = parse_request_line(line, ret);
    if (minor < 0)
        return minor;
    for (;;) {
        if (!take_line(&rest, &line))
            return size >= REQUEST_MAX ? -431 : 0;
        if (!line.n)
            break;
        if (!parse_field(line, &fields, ret))
            return -400;
    }
    if (fields.hosts > 1 || (minor >= 1 && !fields.hosts))
        return -400;
    if (fields.if_range) /* only matters where the file has not changed: sending the whole is always right */
        ret->range = (struct text){0};
    /* A body is never read, so what follows it cannot be found. */
    ret->keep_alive = !fields.close && !fields.body && (minor >= 1 || fields.keep_alive);
    return (int)(rest.s - data);
}

static int hex_value(char c)
{
    char lower = text_lower(c);
    if (text_is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int request_file(const struct request *request, char path[PATH_SIZE])
{
    struct text from = request->path;
    struct out out = {path, 0, PATH_SIZE};
    if (from.n > PATH_SIZE)
        return -414;
    for (; from.n && *from.s == '/'; from.n--)
        from.s++;
    for (size_t i = 0; i < from.n; i++) {
        char c = from.s[i];
        if (c == '%') {
            int high = i + 2 < from.n ? hex_value(from.s[i + 1]) : -1;
            int low = high >= 0 ? hex_value(from.s[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return -400;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out_char(&out, c);
    }
    if (!out.n || path[out.n - 1] == '/')
        out_text(&out, TEXT("index.html"));
    if (out.n >= PATH_SIZE)
        return -414;
    path[out.n] = '\0';
    return 0;
}

/* "5-9", "5-" or "-5" to the first and the last byte, the last perhaps beyond the end; false where it is none. */
static bool parse_range(struct text t, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
    bool has_first = text_take_number(&t, ret_first);
    if (!t.n || *t.s != '-')
        return false;
    t.s++;
    t.n--;
    bool has_last = text_take_number(&t, ret_last);
    if (t.n || (!has_first && !has_last) || (has_first && has_last && *ret_last < *ret_first))
        return false;
    if (!has_first) { /* the last bytes of the file */
        *ret_first = *ret_last < size ? size - *ret_last : 0;
        if (!*ret_last)
            *ret_first = size;
    }
    if (!has_first || !has_last)
        *ret_last = UINT64_MAX;
    return true;
}

enum range request_range(struct text range, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
    uint64_t first, last;
    struct text unit = {range.s, range.n < 6 ? range.n : 6};
    *ret_first = 0;
    *ret_length = size;
    if (!text_same_nocase(unit, TEXT("bytes=")) ||
        !parse_range((struct text){range.s + 6, range.n - 6}, size, &first, &last))
        return RANGE_WHOLE;
    if (first >= size)
        return RANGE_UNSATISFIABLE;
    *ret_first = first;
    *ret_length = (last < size ? last + 1 : size) - first;
    return RANGE_PART;
}
