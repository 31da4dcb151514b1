#include "image/unpack.h"

#include "base/buf.h"
#include "base/str.h"
#include "image/beneath.h"
#include "image/skeleton.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* --- A tar, entry by entry ---------------------------------------------------------------------------------------- */

struct ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[8], rest[247];
};

static void add_header(struct buf *tar, char type, const char *name, const char *link, size_t size)
{
    struct ustar h = {0};
    memcpy(h.name, name, strnlen(name, sizeof(h.name)));
    memcpy(h.link, link, strnlen(link, sizeof(h.link)));
    (void)snprintf(h.mode, sizeof(h.mode), "%07o", type == '5' ? 0750 : 0640);
    (void)snprintf(h.uid, sizeof(h.uid), "%07o", 0);
    (void)snprintf(h.gid, sizeof(h.gid), "%07o", 0);
    (void)snprintf(h.size, sizeof(h.size), "%011zo", size);
    (void)snprintf(h.mtime, sizeof(h.mtime), "%011o", 1000000);
    memcpy(h.magic,
           "ustar\0"
           "00",
           8);
    h.type = type;
    if (type == '3' || type == '4') {
        memcpy(h.rest + 64, "0000010", 7); /* devmajor 8 */
        memcpy(h.rest + 72, "0000001", 7);
    }
    memset(h.sum, ' ', sizeof(h.sum));
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(h); i++)
        sum += ((unsigned char *)&h)[i];
    (void)snprintf(h.sum, sizeof(h.sum), "%06o", sum);
    buf_add(tar, &h, sizeof(h));
}

static void add_file(struct buf *tar, const char *name, const char *content, size_t size)
{
    static const char zeroes[512];
    add_header(tar, '0', name, "", size);
    buf_add(tar, content, size);
    buf_add(tar, zeroes, (512 - size % 512) % 512);
}

static void add_end(struct buf *tar)
{
    static const char zeroes[1024];
    buf_add(tar, zeroes, sizeof(zeroes));
}

/* --- Unpacking it ------------------------------------------------------------------------------------------------- */

struct fixture {
    char path[64];
    int above, root, skeleton;
    struct arena arena;
    struct unpack_result result;
    struct buf tar;
};

static int make_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "/tmp/shoal-unpack-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->above = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(f->above, "root", 0755), 0);
    f->root = openat(f->above, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->skeleton = memfd_create("skeleton", MFD_CLOEXEC);
    f->tar = BUF((size_t)64 << 20);
    f->result.arena = &f->arena;
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *f = *state;
    struct err err;
    assert_int_equal(tree_remove(AT_FDCWD, f->path, &err), 0);
    (void)close(f->above);
    (void)close(f->root);
    (void)close(f->skeleton);
    arena_done(&f->arena);
    buf_done(&f->tar);
    test_free(f);
    return 0;
}

static int unpack_with(struct fixture *f, struct unpack_options options, struct err *err)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);
    assert_int_equal(write(fd, f->tar.data, f->tar.size), f->tar.size);
    options.root = f->root;
    options.source = byte_source_of(fd);
    options.skeleton = f->skeleton;
    int r = unpack_layer(&options, &f->result, err);
    (void)close(fd);
    return r;
}

static void unpack_ok(struct fixture *f)
{
    struct err err;
    add_end(&f->tar);
    if (unpack_with(f, (struct unpack_options){0}, &err) < 0)
        fail_msg("%s", err.message);
}

static void unpack_refused(struct fixture *f, enum err_kind kind)
{
    struct err err;
    add_end(&f->tar);
    assert_int_equal(unpack_with(f, (struct unpack_options){0}, &err), -1);
    if (err.kind != kind)
        fail_msg("another error than expected: %s", err.message);
}

static bool exists(struct fixture *f, const char *path)
{
    return faccessat(f->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_content(struct fixture *f, const char *path, const char *expected)
{
    char text[256] = "";
    int fd = openat(f->root, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("there is no %s", path);
    (void)!read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    assert_string_equal(text, expected);
}

static bool lists(const struct strings *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i], path))
            return true;
    return false;
}

static int compare(void *data, const void *bytes, size_t size, struct err *err)
{
    struct buf *again = data;
    buf_add(again, bytes, size);
    return 0;
}

/* From the skeleton and the folder the same tar comes out. */
static void assert_plays(struct fixture *f)
{
    struct err err;
    struct buf again cleanup(buf_done) = BUF((size_t)64 << 20);
    if (skeleton_play(f->skeleton, f->root, compare, &again, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(again.size, f->tar.size);
    assert_memory_equal(again.data, f->tar.data, again.size);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void test_files_folders_and_links(void **state)
{
    struct fixture *f = *state;
    struct stat st, other;
    char digest[DIGEST_SHA256_SIZE];
    add_header(&f->tar, '5', "etc/", "", 0);
    add_file(&f->tar, "etc/name", "hello", 5);
    add_header(&f->tar, '1', "etc/same", "etc/name", 0);
    add_header(&f->tar, '2', "etc/link", "name", 0);
    add_header(&f->tar, '6', "pipe", "", 0);
    unpack_ok(f);
    assert_content(f, "etc/name", "hello");
    assert_content(f, "etc/link", "hello");
    assert_int_equal(fstatat(f->root, "etc/name", &st, 0), 0);
    assert_int_equal(fstatat(f->root, "etc/same", &other, 0), 0);
    assert_int_equal(st.st_ino, other.st_ino);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_mtime, 1000000);
    assert_int_equal(fstatat(f->root, "etc", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(st.st_mtime, 1000000);
    assert_int_equal(fstatat(f->root, "pipe", &st, 0), 0);
    assert_true(S_ISFIFO(st.st_mode));
    digest_of(f->tar.data, f->tar.size, digest);
    assert_string_equal(f->result.diff_id, digest);
    assert_int_equal(f->result.size, 5);
    assert_int_equal(f->result.tar_size, f->tar.size);
    assert_true(lists(&f->result.implied, ""));
    assert_false(lists(&f->result.implied, "etc"));
    assert_plays(f);
}

static void test_folders_that_no_entry_names(void **state)
{
    struct fixture *f = *state;
    add_file(&f->tar, "usr/lib/x", "1", 1);
    add_header(&f->tar, '5', "./usr", "", 0);
    unpack_ok(f);
    assert_content(f, "usr/lib/x", "1");
    assert_true(lists(&f->result.implied, "usr/lib"));
    assert_false(lists(&f->result.implied, "usr"));
}

static void test_whiteouts(void **state)
{
    struct fixture *f = *state;
    add_file(&f->tar, "dir/.wh.gone", "", 0);
    add_file(&f->tar, ".wh.top", "", 0);
    add_file(&f->tar, "data/.wh..wh..opq", "", 0);
    add_file(&f->tar, "data/new", "n", 1);
    add_file(&f->tar, ".wh..wh.plnk", "", 0);
    unpack_ok(f);
    int dir = openat(f->root, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(beneath_is_whiteout(dir, "gone"));
    (void)close(dir);
    assert_true(beneath_is_whiteout(f->root, "top"));
    assert_true(lists(&f->result.opaque, "data"));
    assert_content(f, "data/new", "n");
    assert_false(exists(f, "data/.wh..wh..opq"));
    assert_false(exists(f, ".wh..wh.plnk"));
}

/* A whiteout hides the layers beneath, never what its own layer brings, in whatever order the two come. */
static void test_whiteouts_and_their_own_layer(void **state)
{
    struct fixture *f = *state;
    add_file(&f->tar, "a", "mine", 4);
    add_file(&f->tar, ".wh.a", "", 0);
    add_file(&f->tar, ".wh.b", "", 0);
    add_file(&f->tar, "b", "mine", 4);
    add_header(&f->tar, '5', "c", "", 0);
    add_file(&f->tar, ".wh.c", "", 0);
    add_file(&f->tar, ".wh.d", "", 0);
    add_header(&f->tar, '5', "d", "", 0);
    add_file(&f->tar, ".wh.e", "", 0);
    add_file(&f->tar, "e/file", "mine", 4);
    unpack_ok(f);
    assert_content(f, "a", "mine");
    assert_content(f, "b", "mine");
    assert_content(f, "e/file", "mine");
    assert_true(lists(&f->result.opaque, "c"));
    assert_true(lists(&f->result.opaque, "d"));
    assert_true(lists(&f->result.opaque, "e"));
    assert_plays(f);
}

static void test_later_entries_replace(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    add_file(&f->tar, "file", "old content that is long enough to be left out of the skeleton, if it were", 74);
    add_file(&f->tar, "file", "new", 3);
    add_header(&f->tar, '5', "dir", "", 0);
    add_file(&f->tar, "dir/x", "x", 1);
    add_header(&f->tar, '2', "dir", "/elsewhere", 0);
    add_header(&f->tar, '2', "link", "nowhere", 0);
    add_header(&f->tar, '5', "link", "", 0);
    add_end(&f->tar);
    struct err err;
    assert_int_equal(unpack_with(f, (struct unpack_options){.whole_skeleton = true}, &err), 0);
    assert_true(f->result.replaced);
    assert_content(f, "file", "new");
    assert_int_equal(fstatat(f->root, "dir", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(fstatat(f->root, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_plays(f);
}

static void test_nothing_leads_out(void **state)
{
    struct fixture *f = *state;
    int fd = openat(f->above, "victim", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "safe", 4), 4);
    (void)close(fd);
    add_header(&f->tar, '2', "up", "..", 0);
    add_file(&f->tar, "up/victim", "evil", 4);
    add_header(&f->tar, '2', "abs", f->path, 0);
    add_header(&f->tar, '5', "tmp", "", 0);
    unpack_ok(f);
    char text[8] = "";
    fd = openat(f->above, "victim", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text)), 4);
    (void)close(fd);
    assert_string_equal(text, "safe");
    assert_content(f, "victim", "evil"); /* ".." of the root is the root */
}

static void test_paths_that_climb_are_refused(void **state)
{
    struct fixture *f = *state;
    add_file(&f->tar, "../victim", "evil", 4);
    unpack_refused(f, ERR_INVALID);
    assert_int_equal(faccessat(f->above, "victim", F_OK, 0), -1);
}

static void test_hard_links_stay_inside(void **state)
{
    struct fixture *f = *state;
    add_header(&f->tar, '1', "shadow", "/etc/passwd", 0);
    unpack_refused(f, ERR_NOT_FOUND);
}

static void test_hard_links_that_climb_are_refused(void **state)
{
    struct fixture *f = *state;
    add_header(&f->tar, '1', "x", "../../../etc/passwd", 0);
    unpack_refused(f, ERR_INVALID);
}

static void test_hard_links_through_links_stay_inside(void **state)
{
    struct fixture *f = *state;
    add_header(&f->tar, '2', "root", "/", 0);
    add_header(&f->tar, '1', "x", "root/etc/passwd", 0);
    unpack_refused(f, ERR_NOT_FOUND);
}

static void test_device_nodes_are_left_out(void **state)
{
    struct fixture *f = *state;
    add_header(&f->tar, '4', "sda1", "", 0);
    unpack_ok(f);
    assert_false(exists(f, "sda1"));
    assert_int_equal(f->result.warnings.count, 1);
    assert_non_null(strstr(f->result.warnings.items[0], "sda1"));
}

static void test_absolute_names_are_relative(void **state)
{
    struct fixture *f = *state;
    add_file(&f->tar, "/top", "t", 1);
    unpack_ok(f);
    assert_content(f, "top", "t");
}

static void test_zeroes_become_holes(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    size_t size = (size_t)8 << 20;
    char *zeroes = mem_alloc(size);
    zeroes[size / 2] = 'x';
    add_file(&f->tar, "zeroes", zeroes, size);
    free(zeroes);
    unpack_ok(f);
    assert_int_equal(fstatat(f->root, "zeroes", &st, 0), 0);
    assert_int_equal(st.st_size, size);
    assert_true(st.st_blocks * 512 < (blkcnt_t)size / 8);
    assert_plays(f);
}

static void test_budgets(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char content[2000] = "x";
    add_file(&f->tar, "a", content, sizeof(content));
    add_file(&f->tar, "b", content, sizeof(content));
    add_end(&f->tar);
    assert_int_equal(unpack_with(f, (struct unpack_options){.max_bytes = 3000}, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(unpack_with(f, (struct unpack_options){.max_entries = 1}, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(unpack_with(f, (struct unpack_options){.reserve_bytes = INT64_MAX}, &err), -1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
}

static void test_a_cut_off_tar(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char content[4000] = "x";
    add_file(&f->tar, "a", content, sizeof(content));
    f->tar.size -= 1024;
    assert_int_equal(unpack_with(f, (struct unpack_options){0}, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void test_an_empty_tar(void **state)
{
    struct fixture *f = *state;
    unpack_ok(f);
    assert_int_equal(f->result.entries, 0);
    assert_plays(f);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_folders_and_links),
        TEST(test_folders_that_no_entry_names),
        TEST(test_whiteouts),
        TEST(test_whiteouts_and_their_own_layer),
        TEST(test_later_entries_replace),
        TEST(test_nothing_leads_out),
        TEST(test_paths_that_climb_are_refused),
        TEST(test_hard_links_stay_inside),
        TEST(test_hard_links_that_climb_are_refused),
        TEST(test_hard_links_through_links_stay_inside),
        TEST(test_device_nodes_are_left_out),
        TEST(test_absolute_names_are_relative),
        TEST(test_zeroes_become_holes),
        TEST(test_budgets),
        TEST(test_a_cut_off_tar),
        TEST(test_an_empty_tar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
