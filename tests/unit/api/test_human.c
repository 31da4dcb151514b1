#include "api/human.h"

#include "base/clock.h"
#include "base/str.h"
#include "test.h"

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOW_NS (1700000000 * NS_PER_S)

/* What docker's units.HumanDuration says of the same spans. */
static void test_durations(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } cases[] = {
        {0, "Less than a second"},
        {1, "1 second"},
        {59, "59 seconds"},
        {60, "About a minute"},
        {119, "About a minute"},
        {120, "2 minutes"},
        {59 * MINUTE + 59, "59 minutes"},
        {HOUR, "About an hour"},
        {HOUR + 29 * MINUTE, "About an hour"},
        {HOUR + 30 * MINUTE, "2 hours"},
        {47 * HOUR, "47 hours"},
        {48 * HOUR, "2 days"},
        {13 * DAY, "13 days"},
        {14 * DAY, "2 weeks"},
        {59 * DAY, "8 weeks"},
        {60 * DAY, "2 months"},
        {729 * DAY, "24 months"},
        {730 * DAY, "2 years"},
        {3 * 365 * DAY, "3 years"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[HUMAN_DURATION_MAX];
        human_duration(cases[i].s * NS_PER_S, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_status(void **state)
{
    static const struct {
        enum container_status status;
        enum health_status health;
        int exit_code;
        bool finished;
        const char *text;
    } cases[] = {
        {CONTAINER_CREATED, HEALTH_NONE, 0, false, "Created"},
        {CONTAINER_RUNNING, HEALTH_NONE, 0, false, "Up 3 minutes"},
        {CONTAINER_RUNNING, HEALTH_STARTING, 0, false, "Up 3 minutes (health: starting)"},
        {CONTAINER_RUNNING, HEALTH_HEALTHY, 0, false, "Up 3 minutes (healthy)"},
        {CONTAINER_STOPPING, HEALTH_UNHEALTHY, 0, false, "Up 3 minutes (unhealthy)"},
        {CONTAINER_PAUSED, HEALTH_HEALTHY, 0, false, "Up 3 minutes (Paused)"},
        {CONTAINER_RESTARTING, HEALTH_NONE, 1, true, "Restarting (1) 5 seconds ago"},
        {CONTAINER_EXITED, HEALTH_NONE, 137, true, "Exited (137) 5 seconds ago"},
        {CONTAINER_REMOVING, HEALTH_NONE, 0, true, "Removal In Progress"},
        {CONTAINER_DEAD, HEALTH_NONE, 0, true, "Dead"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[HUMAN_STATUS_MAX];
        struct container container = {
            .health = cases[i].health,
            .state = {.status = (int)cases[i].status,
                      .exit_code = cases[i].exit_code,
                      .started_ns = NOW_NS - 180 * NS_PER_S,
                      .finished_ns = cases[i].finished ? NOW_NS - 5 * NS_PER_S : 0},
        };
        human_status(&container, NOW_NS, text);
        assert_string_equal(text, cases[i].text);
    }
}

TEST_MAIN(cmocka_unit_test(test_durations), cmocka_unit_test(test_status))
