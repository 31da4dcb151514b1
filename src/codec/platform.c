#include "codec/platform.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/utsname.h>

/* The words that uname and people use, and Go's for the same. variant NULL leaves what was given. */
static const struct {
    const char *word, *architecture, *variant;
} synonyms[] = {
    {"x86_64", "amd64", NULL},  {"x86-64", "amd64", NULL},
    {"i386", "386", NULL},      {"i486", "386", NULL},
    {"i586", "386", NULL},      {"i686", "386", NULL},
    {"aarch64", "arm64", NULL}, {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},     {"armv5tel", "arm", "v5"},
    {"armv6l", "arm", "v6"},    {"armv7l", "arm", "v7"},
    {"armv8l", "arm", "v7"},    {"mips64el", "mips64le", NULL},
    {"mipsel", "mipsle", NULL}, {"loongarch64", "loong64", NULL},
};

static void copy_lower(char to[PLATFORM_PART_MAX + 1], const char *from)
{
    size_t n = strnlen(from, PLATFORM_PART_MAX);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[n] = '\0';
}

static void set_variant(struct platform *platform, const char *variant)
{
    (void)snprintf(platform->variant, sizeof(platform->variant), "%s", variant);
}

/* "7" → "v7", and the variants that say nothing go: arm64/v8, amd64/v1. arm without one is v7. */
static void normalise_variant(struct platform *platform)
{
    char *v = platform->variant;
    if (isdigit((unsigned char)v[0]) && strlen(v) < PLATFORM_PART_MAX) {
        memmove(v + 1, v, strlen(v) + 1);
        v[0] = 'v';
    }
    if (str_eq(platform->architecture, "arm64") && str_eq(v, "v8"))
        set_variant(platform, "");
    else if (str_eq(platform->architecture, "amd64") && str_eq(v, "v1"))
        set_variant(platform, "");
    else if (str_eq(platform->architecture, "arm") && !v[0])
        set_variant(platform, "v7");
}

void platform_set(struct platform *ret, const char *os, const char *architecture, const char *variant)
{
    *ret = (struct platform){0};
    copy_lower(ret->os, str_empty(os) ? "linux" : os);
    copy_lower(ret->architecture, architecture ? architecture : "");
    copy_lower(ret->variant, variant ? variant : "");
    for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
        if (!str_eq(ret->architecture, synonyms[i].word))
            continue;
        (void)snprintf(ret->architecture, sizeof(ret->architecture), "%s", synonyms[i].architecture);
        if (synonyms[i].variant && !ret->variant[0])
            set_variant(ret, synonyms[i].variant);
        break;
    }
    normalise_variant(ret);
}

void platform_host(struct platform *ret)
{
    struct utsname names;
    (void)uname(&names);
    platform_set(ret, "linux", names.machine, NULL);
}

static bool part_is_valid(const char *s)
{
    if (!*s || strlen(s) > PLATFORM_PART_MAX)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_-", *s))
            return false;
    return true;
}

int platform_parse(const char *text, struct platform *ret, struct err *err)
{
    char copy[PLATFORM_MAX + 1];
    char *parts[3] = {0};
    int n = 0;
    bool valid = strlen(text) < sizeof(copy);
    (void)snprintf(copy, sizeof(copy), "%s", text);
    char *rest = copy;
    for (char *part; valid && (part = str_split(&rest, '/')); n++) {
        valid = n < 3 && part_is_valid(part);
        if (valid)
            parts[n] = part;
    }
    if (!valid || n == 0)
        return err_set(err, ERR_INVALID,
                       "invalid platform \"%.100s\": expected os/architecture[/variant], as linux/arm64", text);
    if (n == 1)
        platform_set(ret, "linux", parts[0], NULL);
    else
        platform_set(ret, parts[0], parts[1], parts[2]);
    return 0;
}

void platform_format(const struct platform *platform, char text[PLATFORM_MAX])
{
    (void)snprintf(text, PLATFORM_MAX, "%s/%s%s%s", platform->os, platform->architecture,
                   platform->variant[0] ? "/" : "", platform->variant);
}

/* The number of "v7"; fallback where there is none. */
static int variant_level(const char *variant, int fallback)
{
    int level;
    return variant[0] == 'v' && str_to_int(variant + 1, 0, 99, &level) ? level : fallback;
}

/* Ranks two variants of one architecture whose higher levels run the lower ones'. */
static int rank_levels(int wanted, int candidate)
{
    return candidate <= wanted ? wanted - candidate : -1;
}

int platform_rank(const struct platform *wanted, const struct platform *candidate)
{
    enum { OTHER_ARCHITECTURE = 100 };
    const char *w = wanted->architecture, *c = candidate->architecture;
    if (!str_eq(wanted->os, candidate->os))
        return -1;
    if (str_eq(w, "arm64") && str_eq(c, "arm")) {
        int rank = rank_levels(8, variant_level(candidate->variant, 7));
        return rank < 0 ? -1 : OTHER_ARCHITECTURE + rank;
    }
    if (str_eq(w, "amd64") && str_eq(c, "386"))
        return OTHER_ARCHITECTURE;
    if (!str_eq(w, c))
        return -1;
    if (str_eq(w, "arm"))
        return rank_levels(variant_level(wanted->variant, 7), variant_level(candidate->variant, 7));
    if (str_eq(w, "amd64"))
        return rank_levels(variant_level(wanted->variant, 1), variant_level(candidate->variant, 1));
    if (str_eq(w, "arm64"))
        return rank_levels(variant_level(wanted->variant, 8), variant_level(candidate->variant, 8));
    return str_eq(wanted->variant, candidate->variant) ? 0 : -1;
}
