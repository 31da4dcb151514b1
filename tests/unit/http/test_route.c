#include "http/route.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/containers/json", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_GET, "/containers/{id}/json", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_DELETE, "/containers/{id}", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_GET, "/images/{name*}/json", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_DELETE, "/images/{name*}", .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_GET, "/shoal/v1/stacks/{stack}/services/{service}"},
    {HTTP_METHOD_HEAD, "/_ping"},
    {HTTP_METHOD_GET, "/_ping"},
};

struct found {
    struct arena arena;
    const struct http_route *route;
    struct http_fields params;
    struct http_api_version version;
    const char *allow;
    struct err err;
};

static void found_done(struct found *f)
{
    arena_done(&f->arena);
}

static int find(enum http_method method, const char *path, struct found *f)
{
    *f = (struct found){0};
    return http_route_find(routes, ARRAY_SIZE(routes), method, path, &f->arena, &f->route, &f->params, &f->version,
                           &f->allow, &f->err);
}

static void test_found(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        int route; /* -1: none */
        const char *param;
        int minor;
    } cases[] = {
        {HTTP_METHOD_GET, "/containers/json", 0},
        {HTTP_METHOD_GET, "/v1.41/containers/json", 0, NULL, 41},
        {HTTP_METHOD_GET, "/containers/abc/json", 1, "abc"},
        {HTTP_METHOD_GET, "/containers/a%2Fb/json", 1, "a/b"},
        {HTTP_METHOD_GET, "/containers/a/b/json", -1},
        {HTTP_METHOD_GET, "/containers//json", -1},
        {HTTP_METHOD_GET, "/containers/json/", -1},
        {HTTP_METHOD_DELETE, "/v1.24/containers/abc", 2, "abc", 24},
        {HTTP_METHOD_GET, "/images/nginx/json", 3, "nginx"},
        {HTTP_METHOD_GET, "/images/reg:5000/lib/nginx:1/json", 3, "reg:5000/lib/nginx:1"},
        {HTTP_METHOD_GET, "/images/json/json", 3, "json"},
        {HTTP_METHOD_DELETE, "/v1.43/images/a/json", 4, "a/json", 43},
        {HTTP_METHOD_GET, "/shoal/v1/stacks/s/services/web", 5, "s"},
        {HTTP_METHOD_GET, "/v1.41/shoal/v1/stacks/s/services/web", -1},
        {HTTP_METHOD_HEAD, "/_ping", 6},
        {HTTP_METHOD_HEAD, "/containers/json", 0},
        {HTTP_METHOD_GET, "/v1/containers/json", -1},
        {HTTP_METHOD_GET, "/v1./containers/json", -1},
        {HTTP_METHOD_GET, "/v1.4141/containers/json", -1},
        {HTTP_METHOD_GET, "/v1.41", -1},
        {HTTP_METHOD_GET, "/", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct found f cleanup(found_done);
        int result = find(cases[i].method, cases[i].path, &f);
        if (cases[i].route < 0) {
            assert_int_equal(result, -1);
            assert_int_equal(f.err.kind, ERR_NOT_FOUND);
            continue;
        }
        assert_return_code(result, 0);
        assert_ptr_equal(f.route, &routes[cases[i].route]);
        assert_int_equal(f.version.minor, cases[i].minor);
        if (cases[i].param)
            assert_string_equal(f.params.items[0].value, cases[i].param);
    }
}

static void test_other_methods_are_named(void **state)
{
    struct found f cleanup(found_done);
    assert_int_equal(find(HTTP_METHOD_POST, "/_ping", &f), -1);
    assert_int_equal(f.err.kind, ERR_UNSUPPORTED);
    assert_string_equal(f.allow, "HEAD, GET");
}

static void test_broken_escapes_are_refused(void **state)
{
    struct found f cleanup(found_done);
    assert_int_equal(find(HTTP_METHOD_GET, "/containers/%zz/json", &f), -1);
    assert_int_equal(f.err.kind, ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(test_found), cmocka_unit_test(test_other_methods_are_named),
          cmocka_unit_test(test_broken_escapes_are_refused))
