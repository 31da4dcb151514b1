#include "image/store.h"

#include "base/mem.h"
#include "base/str.h"
#include "image/beneath.h"
#include "image/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A store in a folder of its own, and what the last removal said. */
struct fixture {
    char path[64];
    struct db *db;
    struct image_store *store;
    struct arena arena;
    struct image_removal removal;
    enum image_use use; /* what the usage callback says */
    struct err err;
};

static void make_folder(struct fixture *f, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void open_store(struct fixture *f)
{
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/db", f->path);
    f->db = db_open(path, &f->err);
    f->store = f->db ? image_store_open(f->db, f->path, &f->err) : NULL;
    if (!f->store)
        fail_msg("%s", f->err.message);
}

static void close_store(struct fixture *f)
{
    image_store_free(f->store);
    db_free(f->db);
}

static int make_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "/tmp/shoal-store-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    static const char *const folders[] = {"images", "images/blobs", "images/blobs/sha256", "images/tar", "layers"};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        make_folder(f, folders[i]);
    f->removal.arena = &f->arena;
    open_store(f);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *f = *state;
    struct err err;
    close_store(f);
    arena_done(&f->arena);
    assert_int_equal(tree_remove(AT_FDCWD, f->path, &err), 0);
    test_free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    close_store(f);
    open_store(f);
}

/* --- Images whose layers are named by letters: "ab" is layer a with b on top ---------------------------------------
 */

static void describe_layers(const char *letters, struct image_layer *layers)
{
    const char *parent = "";
    for (size_t i = 0; letters[i]; i++) {
        struct image_layer *layer = &layers[i];
        *layer = (struct image_layer){.size = 100, .tar_size = 1024};
        digest_of(&letters[i], 1, layer->diff_id);
        image_chain_id(parent, layer->diff_id, layer->chain_id);
        (void)snprintf(layer->parent, sizeof(layer->parent), "%s", parent);
        (void)snprintf(layer->name, sizeof(layer->name), "layer-%.*s", (int)i + 1, letters);
        parent = layer->chain_id;
    }
}

/* Adds an image; name may be NULL. created is a year. */
static struct image *add(struct fixture *f, const char *letters, const char *name, int created)
{
    struct image_layer layers[8];
    struct buf text cleanup(buf_done) = BUF(10000);
    char id[DIGEST_SHA256_SIZE];
    bool existed;
    describe_layers(letters, layers);
    buf_printf(&text, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"%d-01-01T00:00:00Z\",", created);
    buf_adds(&text, "\"config\":{\"Cmd\":[\"run\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
    for (size_t i = 0; letters[i]; i++)
        buf_printf(&text, "%s\"%s\"", i ? "," : "", layers[i].diff_id);
    buf_adds(&text, "]}}");
    digest_of(text.data, text.size, id);
    assert_int_equal(blob_write(f->path, id, text.data, text.size, &f->err), 0);
    struct image_addition addition = {
        .id = id, .layers = layers, .layer_count = strlen(letters), .names = &name, .name_count = name ? 1 : 0};
    struct image *image = image_store_add(f->store, &addition, &existed, &f->err);
    if (!image)
        fail_msg("%s", f->err.message);
    return image;
}

static enum image_use usage(void *data, const char *id, char user[ID_SIZE])
{
    const struct fixture *f = data;
    (void)snprintf(user, ID_SIZE, "0123456789abcdef");
    return f->use;
}

static int remove_image(struct fixture *f, const char *text, bool force)
{
    struct image_usage uses = {usage, f};
    f->removal = (struct image_removal){.arena = &f->arena};
    return image_store_remove(f->store, text, force, &uses, &f->removal, &f->err);
}

static bool untagged(struct fixture *f, const char *name)
{
    vec_foreach (record, &f->removal.list)
        if (record->untagged && str_eq(record->untagged, name))
            return true;
    return false;
}

static size_t deleted(struct fixture *f)
{
    size_t n = 0;
    vec_foreach (record, &f->removal.list)
        n += record->deleted != NULL;
    return n;
}

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D   "sha256:" HEX

/* --- Tests ---------------------------------------------------------------------------------------------------------
 */

static void test_finding(void **state)
{
    struct fixture *f = *state;
    struct image *image = add(f, "ab", "docker.io/library/nginx:latest", 2020);
    char prefix[20];
    (void)snprintf(prefix, sizeof(prefix), "%.12s", digest_hex(image->id));
    assert_ptr_equal(image_store_find(f->store, "nginx", &f->err), image);
    assert_ptr_equal(image_store_find(f->store, "docker.io/library/nginx:latest", &f->err), image);
    assert_ptr_equal(image_store_find(f->store, image->id, &f->err), image);
    assert_ptr_equal(image_store_find(f->store, digest_hex(image->id), &f->err), image);
    assert_ptr_equal(image_store_find(f->store, prefix, &f->err), image);
    assert_null(image_store_find(f->store, "nginx:1", &f->err));
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_string_equal(f->err.message, "No such image: nginx:1");
    assert_null(image_store_find(f->store, "other", &f->err));
    assert_string_equal(f->err.message, "No such image: other:latest");
    assert_null(image_store_find(f->store, "Not A Name", &f->err));
    assert_int_equal(f->err.kind, ERR_INVALID);
    static const char *const unknown[] = {D, HEX, "sha256:0123", "sha256:nonsense"};
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        char expected[200];
        assert_null(image_store_find(f->store, unknown[i], &f->err));
        assert_int_equal(f->err.kind, ERR_NOT_FOUND);
        (void)snprintf(expected, sizeof(expected), "No such image: %s", unknown[i]);
        assert_string_equal(f->err.message, expected);
    }
}

static void test_all_is_there_again_after_a_restart(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "ab", "docker.io/library/old:latest", 2019);
    struct image *image = add(f, "ac", "docker.io/library/new:1", 2020);
    assert_int_equal(image_store_tag(f->store, image, "example.org/x/y", &f->err), 0);
    char id[DIGEST_SHA256_SIZE];
    (void)snprintf(id, sizeof(id), "%s", image->id);
    reopen(f);
    image = container_of(image_store_list(f->store)->next, struct image, link);
    assert_string_equal(image->id, id); /* the newest comes first */
    assert_int_equal(image->tags.count, 2);
    assert_string_equal(image->tags.items[0], "docker.io/library/new:1");
    assert_string_equal(image->tags.items[1], "example.org/x/y:latest");
    assert_int_equal(image->size, 200);
    assert_string_equal(image->platform.architecture, "amd64");
    const struct image_config *config = image_store_config(f->store, image, &f->err);
    assert_string_equal(config->run.cmd.items[0], "run");
    struct strings layers;
    assert_int_equal(image_store_layers(f->store, image, &f->arena, &layers, &f->err), 0);
    assert_int_equal(layers.count, 2);
    assert_true(str_ends(layers.items[0], "/layers/layer-ac"));
    assert_true(str_ends(layers.items[1], "/layers/layer-a"));
}

static void test_a_name_moves(void **state)
{
    struct fixture *f = *state;
    struct image *old = add(f, "a", "docker.io/library/x:latest", 2020);
    struct image *new = add(f, "b", "docker.io/library/x:latest", 2021);
    assert_int_equal(old->tags.count, 0);
    assert_ptr_equal(image_store_find(f->store, "x", &f->err), new);
    reopen(f);
    assert_string_equal(image_store_find(f->store, "x", &f->err)->tags.items[0], "docker.io/library/x:latest");
}

static void test_removing_the_last_name_removes_the_image(void **state)
{
    struct fixture *f = *state;
    struct image *image = add(f, "ab", "docker.io/library/x:1", 2020);
    assert_int_equal(image_store_tag(f->store, image, "x:2", &f->err), 0);
    assert_int_equal(remove_image(f, "x:1", false), 0);
    assert_true(untagged(f, "x:1"));
    assert_int_equal(deleted(f), 0);
    assert_int_equal(remove_image(f, "x:2", false), 0);
    assert_int_equal(deleted(f), 3); /* the image and its two layers */
    assert_int_equal(f->removal.space, 200);
    assert_true(list_empty(image_store_list(f->store)));
    struct strings doomed = image_store_take_doomed(f->store);
    assert_int_equal(doomed.count, 5); /* a blob, and a folder and a skeleton for each layer */
    for (size_t i = 0; i < doomed.count; i++)
        free(doomed.items[i]);
    free(doomed.items);
    reopen(f);
    assert_true(list_empty(image_store_list(f->store)));
}

static void test_shared_layers_stay(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "abc", "docker.io/library/x:1", 2020);
    struct image *other = add(f, "abd", "docker.io/library/y:1", 2020);
    assert_int_equal(remove_image(f, "x:1", false), 0);
    assert_int_equal(deleted(f), 2);
    struct strings layers;
    assert_int_equal(image_store_layers(f->store, other, &f->arena, &layers, &f->err), 0);
    assert_int_equal(layers.count, 3);
    reopen(f);
    assert_int_equal(remove_image(f, "y:1", false), 0);
    assert_int_equal(deleted(f), 4);
    assert_int_equal(image_store_all_layers(f->store)->count, 0);
}

static void test_removing_by_id(void **state)
{
    struct fixture *f = *state;
    struct image *image = add(f, "a", "docker.io/library/x:1", 2020);
    char id[DIGEST_SHA256_SIZE];
    (void)snprintf(id, sizeof(id), "%s", image->id);
    assert_int_equal(image_store_tag(f->store, image, "y:1", &f->err), 0);
    assert_int_equal(remove_image(f, id, false), -1);
    assert_int_equal(f->err.kind, ERR_CONFLICT);
    assert_non_null(strstr(f->err.message, "multiple repositories"));
    assert_int_equal(remove_image(f, id, true), 0);
    assert_true(untagged(f, "x:1") && untagged(f, "y:1"));
    assert_int_equal(deleted(f), 2);
}

static void test_images_in_use(void **state)
{
    struct fixture *f = *state;
    struct image *image = add(f, "a", "docker.io/library/x:1", 2020);
    char id[DIGEST_SHA256_SIZE];
    (void)snprintf(id, sizeof(id), "%s", image->id);
    for (f->use = IMAGE_STOPPED; f->use <= IMAGE_RUNNING; f->use++) {
        assert_int_equal(remove_image(f, "x:1", false), -1);
        assert_int_equal(f->err.kind, ERR_CONFLICT);
        assert_non_null(strstr(f->err.message, "container 0123456789ab is using"));
        assert_int_equal(remove_image(f, id, false), -1);
        assert_int_equal(f->err.kind, ERR_CONFLICT);
    }
    f->use = IMAGE_RUNNING;
    assert_int_equal(remove_image(f, id, true), -1);
    assert_non_null(strstr(f->err.message, "cannot be forced"));
    /* Forced by name: the name goes, what the container runs on stays. */
    assert_int_equal(remove_image(f, "x:1", true), 0);
    assert_true(untagged(f, "x:1"));
    assert_non_null(image_store_get(f->store, id));
    assert_false(image_store_has_doomed(f->store));
    f->use = IMAGE_UNUSED;
    assert_int_equal(remove_image(f, id, false), 0);
    assert_null(image_store_get(f->store, id));
}

static void test_names_by_digest_follow_their_tag(void **state)
{
    struct fixture *f = *state;
    struct image *image = add(f, "a", "docker.io/library/x@" D, 2020);
    assert_ptr_equal(image_store_find(f->store, "x@" D, &f->err), image);
    assert_int_equal(image_store_tag(f->store, image, "x:1", &f->err), 0);
    assert_int_equal(remove_image(f, "x:1", false), 0);
    assert_true(untagged(f, "x@" D));
    assert_int_equal(deleted(f), 2);
}

static bool keep_2020(void *data, const struct image *image)
{
    return image->created_ns < 1600000000000000000;
}

static void test_prune(void **state)
{
    struct fixture *f = *state;
    struct image_usage uses = {usage, f};
    struct image_prune_options options = {0};
    (void)add(f, "a", "docker.io/library/x:1", 2020);
    (void)add(f, "b", NULL, 2021);
    (void)add(f, "c", NULL, 2020);
    options.older_than_ns = 1;
    assert_int_equal(image_store_prune(f->store, &options, &uses, &f->removal, &f->err), 0);
    assert_int_equal(deleted(f), 0);
    options = (struct image_prune_options){.keep = keep_2020};
    assert_int_equal(image_store_prune(f->store, &options, &uses, &f->removal, &f->err), 0);
    assert_int_equal(deleted(f), 2);
    options = (struct image_prune_options){.all = true};
    f->use = IMAGE_STOPPED;
    assert_int_equal(image_store_prune(f->store, &options, &uses, &f->removal, &f->err), 0);
    assert_int_equal(deleted(f), 2);
    f->use = IMAGE_UNUSED;
    assert_int_equal(image_store_prune(f->store, &options, &uses, &f->removal, &f->err), 0);
    assert_int_equal(deleted(f), 6);
    assert_true(list_empty(image_store_list(f->store)));
}

static void test_strays_are_found(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "a", "docker.io/library/x:1", 2020);
    make_folder(f, "layers/layer-a");
    make_folder(f, "layers/tmp-0123");
    make_folder(f, "layers/unknown");
    make_folder(f, "images/tar/unknown.zst");
    make_folder(f, "images/blobs/sha256/0000.tmp-1");
    reopen(f);
    struct strings doomed = image_store_take_doomed(f->store);
    assert_int_equal(doomed.count, 4);
    vec_foreach (path, &doomed)
        assert_null(strstr(*path, "layer-a"));
    for (size_t i = 0; i < doomed.count; i++)
        free(doomed.items[i]);
    free(doomed.items);
}

/* Removed and pulled again before the sweep: nothing of it may be swept. */
static void test_a_reprieve(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "ab", "docker.io/library/x:1", 2020);
    assert_int_equal(remove_image(f, "x:1", false), 0);
    assert_true(image_store_has_doomed(f->store));
    (void)add(f, "ab", "docker.io/library/x:1", 2020);
    assert_false(image_store_has_doomed(f->store));
}

/* Two jobs unpacked the same layer: the second copy goes. */
static void test_a_second_copy_is_doomed(void **state)
{
    struct fixture *f = *state;
    struct image_layer layer;
    bool existed;
    struct image *image = add(f, "a", "docker.io/library/x:1", 2020);
    describe_layers("a", &layer);
    (void)snprintf(layer.name, sizeof(layer.name), "second");
    struct image_addition addition = {.id = image->id, .layers = &layer, .layer_count = 1};
    assert_ptr_equal(image_store_add(f->store, &addition, &existed, &f->err), image);
    assert_true(existed);
    struct strings doomed = image_store_take_doomed(f->store);
    assert_int_equal(doomed.count, 2);
    assert_true(str_ends(doomed.items[0], "layers/second"));
    for (size_t i = 0; i < doomed.count; i++)
        free(doomed.items[i]);
    free(doomed.items);
}

static void test_a_damaged_configuration(void **state)
{
    struct fixture *f = *state;
    char path[300];
    struct image *image = add(f, "a", "docker.io/library/x:1", 2020);
    (void)snprintf(path, sizeof(path), "%s/images/blobs/sha256/%s", f->path, digest_hex(image->id));
    reopen(f);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "{}", 2), 2);
    (void)close(fd);
    image = image_store_find(f->store, "x:1", &f->err);
    assert_null(image_store_config(f->store, image, &f->err));
    assert_non_null(strstr(f->err.message, "damaged"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_finding),
        TEST(test_all_is_there_again_after_a_restart),
        TEST(test_a_name_moves),
        TEST(test_removing_the_last_name_removes_the_image),
        TEST(test_shared_layers_stay),
        TEST(test_removing_by_id),
        TEST(test_images_in_use),
        TEST(test_names_by_digest_follow_their_tag),
        TEST(test_prune),
        TEST(test_strays_are_found),
        TEST(test_a_reprieve),
        TEST(test_a_second_copy_is_doomed),
        TEST(test_a_damaged_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
