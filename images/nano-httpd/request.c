#include "request.h"

/* RFC 9110, section 5.6.2: letters, digits and !#$%&'*+-.^_`|~, a bit for each character of ASCII. */
static bool is_token_char(char c)
{
    static const uint32_t bits[] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    unsigned char byte = (unsigned char)c;
    return byte < 128 && bits[byte / 32] >> byte % 32 & 1;
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

/* What stands before the first c, or all. */
static struct text until(struct text t, char c)
{
    size_t n = 0;
    while (n < t.n && t.s[n] != c)
        n++;
    return (struct text){t.s, n};
}

/* Path and query of a target in origin form ("/a?b") or absolute form ("http://host/a"); false where it is neither. */
static bool parse_target(struct text target, struct request *ret)
{
    if (text_starts(target, TEXT("http://"))) {
        target.s += 7;
        target.n -= 7;
        for (; target.n && *target.s != '/' && *target.s != '?'; target.n--)
            target.s++;
        if (!target.n || *target.s == '?') {
            ret->path = TEXT("/");
            ret->query = until(target, '#');
            return true;
        }
    }
    if (!target.n || *target.s != '/')
        return false;
    target = until(target, '#');
    ret->path = until(target, '?');
    ret->query = (struct text){target.s + ret->path.n, target.n - ret->path.n};
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
    if (!parse_target(target, ret) && ret->method != METHOD_OTHER)
        return -400;
    return minor;
}

bool request_next_element(struct text *list, struct text *ret)
{
    if (!list->n)
        return false;
    struct text element = until(*list, ',');
    size_t used = element.n < list->n ? element.n + 1 : element.n;
    list->s += used;
    list->n -= used;
    *ret = trim(element);
    return true;
}

static bool list_has(struct text list, struct text word)
{
    struct text element;
    while (request_next_element(&list, &element))
        if (text_same_nocase(element, word))
            return true;
    return false;
}

/* What is remembered of the header fields while they pass. */
struct fields {
    int hosts;
    bool close, keep_alive;
};

/* Fields whose value is kept as it is. */
static struct text *kept(struct text name, struct request *ret)
{
    return text_same_nocase(name, TEXT("range"))                 ? &ret->range
           : text_same_nocase(name, TEXT("if-range"))            ? &ret->if_range
           : text_same_nocase(name, TEXT("if-match"))            ? &ret->if_match
           : text_same_nocase(name, TEXT("if-none-match"))       ? &ret->if_none_match
           : text_same_nocase(name, TEXT("if-modified-since"))   ? &ret->if_modified_since
           : text_same_nocase(name, TEXT("if-unmodified-since")) ? &ret->if_unmodified_since
                                                                 : NULL;
}

static void note_field(struct text name, struct text value, struct fields *fields, struct request *ret)
{
    struct text *place = kept(name, ret);
    if (place) {
        *place = value;
    } else if (text_same_nocase(name, TEXT("host"))) {
        fields->hosts++;
    } else if (text_same_nocase(name, TEXT("connection"))) {
        fields->close |= list_has(value, TEXT("close"));
        fields->keep_alive |= list_has(value, TEXT("keep-alive"));
    } else if (text_same_nocase(name, TEXT("transfer-encoding"))) {
        ret->body = true;
    } else if (text_same_nocase(name, TEXT("content-length"))) {
        ret->body |= !text_same(value, TEXT("0"));
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

/* A head that is not complete: wait for the rest of it, or refuse what cannot become one. */
static int refuse_incomplete(struct text rest, size_t size, int too_long)
{
    if (rest.n && *rest.s != '\r' && !is_token_char(*rest.s))
        return -400; /* another protocol; its line may never end */
    return size >= REQUEST_MAX ? too_long : 0;
}

int request_parse(const char *data, size_t size, struct request *ret)
{
    struct text rest = {data, size}, line;
    struct fields fields = {0};
    *ret = (struct request){0};
    do { /* empty lines before a request are forgiven (RFC 9112, section 2.2) */
        if (!take_line(&rest, &line))
            return refuse_incomplete(rest, size, -414);
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
    /* A body is never read, so what follows it cannot be found. */
    ret->keep_alive = !fields.close && !ret->body && (minor >= 1 || fields.keep_alive);
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
