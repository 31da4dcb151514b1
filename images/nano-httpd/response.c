#include "response.h"

static const struct {
    int status;
    struct text reason;
} reasons[] = {
    {200, TEXT_INIT("OK")},
    {206, TEXT_INIT("Partial Content")},
    {301, TEXT_INIT("Moved Permanently")},
    {304, TEXT_INIT("Not Modified")},
    {400, TEXT_INIT("Bad Request")},
    {403, TEXT_INIT("Forbidden")},
    {404, TEXT_INIT("Not Found")},
    {405, TEXT_INIT("Method Not Allowed")},
    {414, TEXT_INIT("URI Too Long")},
    {416, TEXT_INIT("Range Not Satisfiable")},
    {431, TEXT_INIT("Request Header Fields Too Large")},
    {503, TEXT_INIT("Service Unavailable")},
    {505, TEXT_INIT("HTTP Version Not Supported")},
    {500, TEXT_INIT("Internal Server Error")}, /* the last, and what an unknown status gets */
};

static const struct {
    const char *end, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".xml", "application/xml"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".pdf", "application/pdf"},
    {".wasm", "application/wasm"},
    {".mp3", "audio/mpeg"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct text text_of(const char *s)
{
    struct text t = {s, 0};
    while (s[t.n])
        t.n++;
    return t;
}

const char *response_type(const char *path)
{
    struct text t = text_of(path);
    for (size_t i = 0; i < COUNT(types); i++) {
        struct text end = text_of(types[i].end);
        if (t.n > end.n && text_same_nocase((struct text){t.s + t.n - end.n, end.n}, end))
            return types[i].type;
    }
    return "application/octet-stream";
}

static struct text reason_of(int status)
{
    size_t i = 0;
    while (i < COUNT(reasons) - 1 && reasons[i].status != status)
        i++;
    return reasons[i].reason;
}

/* Days since 1970 to a date, counted in years that begin in March, so that a leap day comes last. */
static void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    days += 719468; /* from the 1st of March of the year 0 */
    int64_t era = days / 146097;
    int day_of_era = (int)(days % 146097);
    int year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * day_of_year + 2) / 153; /* 0: March */
    *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year + (int)era * 400 + (*ret_month <= 2);
}

void response_date(int64_t seconds, struct out *out)
{
    static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (seconds < 0 || seconds > 253402300799)
        seconds = 0; /* the format has four digits for the year, and this server no use for times before 1970 */
    int64_t day = seconds / 86400;
    unsigned second = (unsigned)(seconds % 86400);
    int year, month, day_of_month;
    civil_from_days(day, &year, &month, &day_of_month);
    out_text(out, (struct text){days + day % 7 * 3, 3});
    out_text(out, TEXT(", "));
    out_number(out, (unsigned)day_of_month, 2);
    out_char(out, ' ');
    out_text(out, (struct text){months + (month - 1) * 3, 3});
    out_char(out, ' ');
    out_number(out, (unsigned)year, 4);
    out_char(out, ' ');
    out_number(out, second / 3600, 2);
    out_char(out, ':');
    out_number(out, second / 60 % 60, 2);
    out_char(out, ':');
    out_number(out, second % 60, 2);
    out_text(out, TEXT(" GMT"));
}

static void field(struct out *out, struct text name, struct text value)
{
    out_text(out, name);
    out_text(out, TEXT(": "));
    out_text(out, value);
    out_text(out, TEXT("\r\n"));
}

static void date_field(struct out *out, struct text name, int64_t seconds)
{
    out_text(out, name);
    out_text(out, TEXT(": "));
    response_date(seconds, out);
    out_text(out, TEXT("\r\n"));
}

static void number_field(struct out *out, struct text name, uint64_t value)
{
    out_text(out, name);
    out_text(out, TEXT(": "));
    out_number(out, value, 1);
    out_text(out, TEXT("\r\n"));
}

/* "bytes 5-9/100", or "bytes *" "/100" where nothing of the file was asked for. */
static void content_range(struct out *out, const struct response *r)
{
    out_text(out, TEXT("Content-Range: bytes "));
    if (r->status == 206) {
        out_number(out, r->first, 1);
        out_char(out, '-');
        out_number(out, r->first + r->length - 1, 1);
    } else {
        out_char(out, '*');
    }
    out_char(out, '/');
    out_number(out, r->size, 1);
    out_text(out, TEXT("\r\n"));
}

/* The path with one '/' in front, whatever it had: two would name another host (RFC 3986, section 4.2). */
static void location(struct out *out, struct text directory)
{
    for (; directory.n && *directory.s == '/'; directory.n--)
        directory.s++;
    out_text(out, TEXT("Location: /"));
    out_text(out, directory);
    out_text(out, TEXT("/\r\n"));
}

static void file_fields(struct out *out, const struct response *r)
{
    date_field(out, TEXT("Last-Modified"), r->modified);
    if (r->status == 304)
        return;
    field(out, TEXT("Content-Type"), text_of(r->type));
    number_field(out, TEXT("Content-Length"), r->length);
    field(out, TEXT("Accept-Ranges"), TEXT("bytes"));
}

size_t response_head(const struct response *r, char text[RESPONSE_MAX])
{
    struct out out = {text, 0, RESPONSE_MAX};
    struct text reason = reason_of(r->status);
    bool of_file = r->status == 200 || r->status == 206 || r->status == 304;
    out_text(&out, TEXT("HTTP/1.1 "));
    out_number(&out, (unsigned)r->status, 3);
    out_char(&out, ' ');
    out_text(&out, reason);
    out_text(&out, TEXT("\r\n"));
    date_field(&out, TEXT("Date"), r->date);
    if (r->status == 206 || r->status == 416)
        content_range(&out, r);
    if (r->status == 301)
        location(&out, r->directory);
    if (r->status == 405)
        field(&out, TEXT("Allow"), TEXT("GET, HEAD"));
    if (of_file) {
        file_fields(&out, r);
    } else {
        field(&out, TEXT("Content-Type"), TEXT("text/plain"));
        number_field(&out, TEXT("Content-Length"), reason.n + 1);
    }
    field(&out, TEXT("Connection"), r->keep_alive ? TEXT("keep-alive") : TEXT("close"));
    out_text(&out, TEXT("\r\n"));
    if (!of_file && !r->head_only) {
        out_text(&out, reason);
        out_char(&out, '\n');
    }
    return out.n;
}
