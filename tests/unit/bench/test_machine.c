#include "bench/machine.h"

#include "test.h"

static void test_cpuinfo(void **state)
{
    struct machine machine = {0};
    machine_parse_cpuinfo(
        "processor\t: 0\nmodel\t\t: 85\nmodel name\t: A CPU @ 2GHz: fast\nflags\t\t: fpu hypervisor sse\n\n"
        "processor\t: 1\nmodel name\t: Another\n",
        &machine);
    assert_string_equal(machine.cpu, "A CPU @ 2GHz: fast");
    assert_true(machine.virtualized);
    machine = (struct machine){0};
    machine_parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd\nno colon\n", &machine);
    assert_string_equal(machine.cpu, "");
    assert_false(machine.virtualized);
}

static void test_this_machine(void **state)
{
    struct machine machine;
    machine_look(&machine);
    assert_true(machine.cpus > 0 && machine.memory_kib > 0);
    assert_true(*machine.kernel && *machine.architecture);
}

TEST_MAIN(cmocka_unit_test(test_cpuinfo), cmocka_unit_test(test_this_machine))
