#include "engine/users.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root_path[64];
static int root;

static void write_file(const char *name, const char *text)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static int make_root(void **state)
{
    (void)snprintf(root_path, sizeof(root_path), "/tmp/shoal-users-XXXXXX");
    assert_non_null(mkdtemp(root_path));
    root = open(root_path, O_PATH | O_DIRECTORY);
    assert_int_equal(mkdirat(root, "etc", 0755), 0);
    write_file("etc/passwd",
               "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:33::/srv/web:/bin/false\nnohome:x:34:34:::\n");
    write_file("etc/group", "root:x:0:\nweb:x:33:\nstaff:x:50:web,other\nlog:x:51:web\nwebs:x:52:notweb\n");
    return 0;
}

static int remove_root(void **state)
{
    (void)unlinkat(root, "etc/passwd", 0);
    (void)unlinkat(root, "etc/group", 0);
    (void)unlinkat(root, "etc", AT_REMOVEDIR);
    (void)close(root);
    return rmdir(root_path);
}

static struct identity find(const char *text, struct arena *arena)
{
    struct err err = {0};
    struct identity identity;
    struct strings none = {0};
    int r = identity_find(root, text, &none, arena, &identity, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(r, 0);
    return identity;
}

static void test_forms(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    static const struct {
        const char *text;
        uint32_t uid, gid;
        size_t groups;
        const char *home;
    } cases[] = {
        {"", 0, 0, 0, "/root"},
        {"root", 0, 0, 0, "/root"},
        {"web", 33, 33, 2, "/srv/web"},
        {"33", 33, 33, 2, "/srv/web"},
        {"1000", 1000, 0, 0, "/"},
        {"1000:1001", 1000, 1001, 0, "/"},
        {"web:staff", 33, 50, 0, "/srv/web"},
        {"nohome", 34, 34, 0, "/"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct identity identity = find(cases[i].text, &arena);
        assert_int_equal(identity.uid, cases[i].uid);
        assert_int_equal(identity.gid, cases[i].gid);
        assert_int_equal(identity.group_count, cases[i].groups);
        assert_string_equal(identity.home, cases[i].home);
    }
    struct identity web = find("web", &arena);
    assert_int_equal(web.groups[0], 50);
    assert_int_equal(web.groups[1], 51);
}

static void test_more_groups(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err = {0};
    struct identity identity;
    char *names[] = {(char *)"log", (char *)"77", (char *)"log"};
    assert_int_equal(identity_find(root, "1000", &(struct strings){names, 3, 3}, &arena, &identity, &err), 0);
    assert_int_equal(identity.group_count, 2);
    assert_int_equal(identity.groups[1], 77);
}

static void test_unknown_names(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err = {0};
    struct identity identity;
    struct strings none = {0};
    assert_int_equal(identity_find(root, "nobody", &none, &arena, &identity, &err), -1);
    assert_string_equal(err.message, "unable to find user nobody: no matching entries in passwd file");
    assert_int_equal(identity_find(root, "web:nogroup", &none, &arena, &identity, &err), -1);
    assert_string_equal(err.message, "unable to find group nogroup: no matching entries in group file");
    assert_int_equal(identity_find(root, "4294967296", &none, &arena, &identity, &err), -1);
}

/* The files are the container's: a link that points outside leads to the same place inside, a FIFO does not hold us up.
 */
static void test_hostile_files(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    (void)unlinkat(root, "etc/passwd", 0);
    assert_int_equal(symlinkat("/../../../../etc/passwd", root, "etc/passwd"), 0);
    assert_string_equal(find("0", &arena).home, "/root");
    (void)unlinkat(root, "etc/passwd", 0);
    assert_int_equal(mkfifoat(root, "etc/passwd", 0644), 0);
    assert_int_equal(find("5", &arena).uid, 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_forms), TEST(test_more_groups), TEST(test_unknown_names),
                                       TEST(test_hostile_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
