#include "spec/volume.h"

static const struct field volume_spec_fields[] = {
    FIELD(struct volume_spec, name, "Name", STRING),
    FIELD(struct volume_spec, driver, "Driver", STRING),
    FIELD(struct volume_spec, driver_options, "DriverOpts", PAIRS),
    FIELD(struct volume_spec, labels, "Labels", PAIRS),
    {0},
};
const struct fields volume_spec_table = {"volume", sizeof(struct volume_spec), volume_spec_fields};
