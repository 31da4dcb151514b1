#include "base/str.h"
#include "base/vec.h"
#include "codec/yaml_tree.h"

#include <inttypes.h>

/*
 * The printer quotes more than a reader of YAML 1.2 needs, so that what it writes means the same to readers of YAML 1.1
 * ("no" is a boolean to them, 22:22 a number in base sixty).
 */
#define KEY_MAX 200

static void print_node(struct buf *out, const struct yaml *node, unsigned indent);

static bool has_control(const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
            return true;
        /* C1 controls with NEL, line separators, byte order marks: U+0080–9F, U+2028 and 2029, U+FEFF, FFFE and FFFF */
        if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) ||
            (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
            return true;
    }
    return false;
}

static bool is_plain(const char *s)
{
    static const char *const old_words[] = {"y",  "Y",  "yes", "Yes", "YES", "n",   "N", "no", "No", "NO",
                                            "on", "On", "ON",  "off", "Off", "OFF", "=", "<<", NULL};
    struct yaml meaning;
    size_t n = strlen(s);
    if (!n || n > 2000 || str_in(s, old_words) || has_control(s) || strchr(s, '\n'))
        return false;
    if (strchr("-?:,[]{}#&*!|>'\"%@` ", *s) || s[n - 1] == ' ' || s[n - 1] == ':' || str_starts(s, "..."))
        return false;
    if (strstr(s, ": ") || strstr(s, " #") || strspn(s, "+-0123456789:._") == n)
        return false;
    if (*s >= '0' && *s <= '9' && strspn(s, "0123456789-:.TtZz +") == n)
        return false; /* a date, to some */
    yaml_resolve_plain(s, &meaning);
    return meaning.kind == YAML_STRING;
}

static void print_quoted(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        size_t n = str_utf8_length((const char *)p, strlen((const char *)p));
        char one[5] = {0};
        memcpy(one, p, n ? n : 1);
        if (*p == '"' || *p == '\\')
            buf_printf(out, "\\%c", *p);
        else if (*p == '\n')
            buf_adds(out, "\\n");
        else if (*p == '\t')
            buf_adds(out, "\\t");
        else if (n < 2 && (*p < 0x20 || *p >= 0x7f))
            buf_printf(out, "\\x%02x", *p);
        else if (n == 2 && has_control(one))
            buf_printf(out, "\\x%02x", p[1]);
        else if (n == 3 && has_control(one))
            buf_printf(out, "\\u%04x", (p[0] & 0xfU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU));
        else
            buf_adds(out, one);
        p += n > 1 ? n - 1 : 0;
    }
    buf_addc(out, '"');
}

/* Text of several lines goes into a literal block, unless white space in it would be lost or hard to see. */
static bool fits_block(const char *s)
{
    return strchr(s, '\n') && !has_control(s) && !strchr(" \n", *s) && !strstr(s, " \n");
}

static void print_block(struct buf *out, const char *s, unsigned indent)
{
    size_t n = strlen(s);
    buf_adds(out, s[n - 1] != '\n' ? "|-" : n > 1 && s[n - 2] == '\n' ? "|+" : "|");
    while (*s) {
        size_t line = strcspn(s, "\n");
        buf_addc(out, '\n');
        if (line)
            buf_printf(out, "%*s", (int)indent, "");
        buf_add(out, s, line);
        s += line + (s[line] == '\n');
    }
}

static void print_string(struct buf *out, const char *s, unsigned indent)
{
    if (is_plain(s))
        buf_adds(out, s);
    else if (fits_block(s))
        print_block(out, s, indent);
    else
        print_quoted(out, s);
}

static void print_number(struct buf *out, double number)
{
    char text[40];
    yaml_format_number(number, 21, text);
    buf_adds(out, text);
    if (!strpbrk(text, ".e"))
        buf_adds(out, ".0");
}

static void print_scalar(struct buf *out, const struct yaml *node, unsigned indent)
{
    if (node->kind == YAML_NULL)
        buf_adds(out, "null");
    else if (node->kind == YAML_BOOL)
        buf_adds(out, node->boolean ? "true" : "false");
    else if (node->kind == YAML_INT)
        buf_printf(out, "%" PRId64, node->integer);
    else if (node->kind == YAML_FLOAT)
        print_number(out, node->number);
    else
        print_string(out, node->string, indent);
}

/* A key of more than 1,024 characters (as it is written, escapes and all) needs the explicit form. */
static void print_key(struct buf *out, const char *key, unsigned indent)
{
    bool explicit_form = strlen(key) > KEY_MAX;
    if (explicit_form)
        buf_adds(out, "? ");
    if (is_plain(key))
        buf_adds(out, key);
    else
        print_quoted(out, key);
    if (explicit_form)
        buf_printf(out, "\n%*s", (int)indent, "");
    buf_addc(out, ':');
}

static void print_map(struct buf *out, const struct yaml *node, unsigned indent, bool first_in_line)
{
    vec_foreach (pair, &node->map) {
        if (!first_in_line)
            buf_printf(out, "%*s", (int)indent, "");
        first_in_line = false;
        print_key(out, pair->key, indent);
        print_node(out, pair->value, indent + 2);
    }
}

static void print_list(struct buf *out, const struct yaml *node, unsigned indent)
{
    vec_foreach (item, &node->list) {
        buf_printf(out, "%*s-", (int)indent, "");
        if ((*item)->kind == YAML_MAP && (*item)->map.count) {
            buf_addc(out, ' ');
            print_map(out, *item, indent + 2, true);
        } else {
            print_node(out, *item, indent + 2);
        }
    }
}

/* What follows "key:" or "-", with the end of the line. */
static void print_node(struct buf *out, const struct yaml *node, unsigned indent)
{
    bool list = node->kind == YAML_LIST && node->list.count, map = node->kind == YAML_MAP && node->map.count;
    if (list || map) {
        buf_addc(out, '\n');
        if (list)
            print_list(out, node, indent);
        else
            print_map(out, node, indent, false);
        return;
    }
    buf_addc(out, ' ');
    if (node->kind == YAML_LIST || node->kind == YAML_MAP)
        buf_adds(out, node->kind == YAML_LIST ? "[]" : "{}");
    else
        print_scalar(out, node, indent);
    buf_addc(out, '\n');
}

void yaml_print(struct buf *out, const struct yaml *node)
{
    if (node->kind == YAML_MAP && node->map.count) {
        print_map(out, node, 0, false);
    } else if (node->kind == YAML_LIST && node->list.count) {
        print_list(out, node, 0);
    } else {
        buf_adds(out, node->kind == YAML_LIST ? "[]" : node->kind == YAML_MAP ? "{}" : "");
        if (yaml_is_scalar(node))
            print_scalar(out, node, 2);
        buf_addc(out, '\n');
    }
}
