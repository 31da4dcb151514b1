#include "response.h"

/* Tables without pointers: the program moves while it starts, and what it holds must not say where it was. */
static const struct {
    uint16_t status;
    char reason[34];
} reasons[] = {
    {200, "OK"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {412, "Precondition Failed"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {431, "Request Header Fields Too Large"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {500, "Internal Server Error"}, /* the last, and what an unknown status gets */
};

static const struct {
    char end[8], type[32];
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml"},
    {"xhtml", "application/xhtml+xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"wasm", "application/wasm"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct text text_of(const char *s)
{
    struct text t = {s, 0};
    while (s[t.n])
        t.n++;
    return t;
}

/* What follows the last '.' of a file's name; empty where nothing stands before it. */
static struct text end_of(struct text path)
{
    size_t i = path.n;
    while (i && path.s[i - 1] != '.' && path.s[i - 1] != '/')
        i--;
    if (i < 2 || path.s[i - 1] != '.' || path.s[i - 2] == '/')
        return (struct text){0};
    return (struct text){path.s + i, path.n - i};
}

const char *response_type(const char *path)
{
    struct text end = end_of(text_of(path));
    char lower[sizeof(types[0].end)] = {0};
    if (!end.n || end.n >= sizeof(lower))
        return "application/octet-stream";
    for (size_t i = 0; i < end.n; i++)
        lower[i] = text_lower(end.s[i]);
    for (size_t i = 0; i < COUNT(types); i++)
        if (!__builtin_memcmp(types[i].end, lower, sizeof(lower)))
            return types[i].type;
    return "application/octet-stream";
}

static struct text reason_of(int status)
{
    size_t i = 0;
    while (i < COUNT(reasons) - 1 && reasons[i].status != status)
        i++;
    return text_of(reasons[i].reason);
}

void response_tag(const struct response *r, struct out *out)
{
    out_char(out, '"');
    out_hex(out, (uint64_t)r->modified.seconds);
    out_char(out, '-');
    out_hex(out, r->modified.nanoseconds);
    out_char(out, '-');
    out_hex(out, r->size);
    out_char(out, '"');
}

static void field(struct out *out, struct text name, struct text value)
{
    out_text(out, name);
    out_text(out, value);
    out_text(out, TEXT("\r\n"));
}

static void date_field(struct out *out, struct text name, int64_t seconds)
{
    out_text(out, name);
    date_write(seconds, out);
    out_text(out, TEXT("\r\n"));
}

static void number_field(struct out *out, struct text name, uint64_t value)
{
    out_text(out, name);
    out_number(out, value);
    out_text(out, TEXT("\r\n"));
}

/* "bytes 5-9/100", or "bytes *" "/100" where nothing of the file was asked for. */
static void content_range(struct out *out, const struct response *r)
{
    out_text(out, TEXT("Content-Range: bytes "));
    if (r->status == 206) {
        out_number(out, r->first);
        out_char(out, '-');
        out_number(out, r->first + r->length - 1);
    } else {
        out_char(out, '*');
    }
    number_field(out, TEXT("/"), r->size);
}

/* The path with one '/' in front, whatever it had: two would name another host (RFC 3986, section 4.2). */
static void location(struct out *out, const struct response *r)
{
    struct text directory = r->directory;
    for (; directory.n && *directory.s == '/'; directory.n--)
        directory.s++;
    out_text(out, TEXT("Location: /"));
    out_text(out, directory);
    out_char(out, '/');
    field(out, r->query, TEXT(""));
}

static void file_fields(struct out *out, const struct response *r)
{
    date_field(out, TEXT("Last-Modified: "), r->modified.seconds);
    out_text(out, TEXT("ETag: "));
    response_tag(r, out);
    out_text(out, TEXT("\r\n"));
    if (r->status == 304)
        return;
    field(out, TEXT("Content-Type: "), text_of(r->type));
    number_field(out, TEXT("Content-Length: "), r->length);
    out_text(out, TEXT("Accept-Ranges: bytes\r\n"));
}

size_t response_head(const struct response *r, char text[RESPONSE_MAX])
{
    struct out out = {text, 0, RESPONSE_MAX};
    struct text reason = reason_of(r->status);
    bool of_file = r->status == 200 || r->status == 206 || r->status == 304;
    out_text(&out, TEXT("HTTP/1.1 "));
    out_digits(&out, (unsigned)r->status, 3);
    out_char(&out, ' ');
    field(&out, reason, TEXT(""));
    date_field(&out, TEXT("Date: "), r->date);
    if (r->status == 206 || r->status == 416)
        content_range(&out, r);
    if (r->status == 301)
        location(&out, r);
    if (r->status == 405)
        out_text(&out, TEXT("Allow: GET, HEAD\r\n"));
    if (of_file) {
        file_fields(&out, r);
    } else {
        out_text(&out, TEXT("Content-Type: text/plain\r\n"));
        number_field(&out, TEXT("Content-Length: "), reason.n + 1);
    }
    field(&out, TEXT("Connection: "), r->keep_alive ? TEXT("keep-alive") : TEXT("close"));
    out_text(&out, TEXT("\r\n"));
    if (!of_file && !r->head_only) {
        out_text(&out, reason);
        out_char(&out, '\n');
    }
    return out.n;
}
