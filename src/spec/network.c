#include "spec/network.h"

static const struct field ipam_pool_fields[] = {
    FIELD(struct ipam_pool, subnet, "Subnet", STRING),
    FIELD(struct ipam_pool, ip_range, "IPRange", STRING),
    FIELD(struct ipam_pool, gateway, "Gateway", STRING),
    FIELD(struct ipam_pool, auxiliary_addresses, "AuxiliaryAddresses", PAIRS),
    {0},
};
static const struct fields ipam_pool_table = {"address pool", sizeof(struct ipam_pool), ipam_pool_fields};

static const struct field network_ipam_fields[] = {
    FIELD(struct network_ipam, driver, "Driver", STRING),
    FIELD(struct network_ipam, pools, "Config", LIST, .of = &ipam_pool_table),
    FIELD(struct network_ipam, options, "Options", PAIRS),
    {0},
};
static const struct fields network_ipam_table = {"address management", sizeof(struct network_ipam),
                                                 network_ipam_fields};

static const struct field network_spec_fields[] = {
    FIELD(struct network_spec, name, "Name", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct network_spec, check_duplicate, "CheckDuplicate", BOOL),
    FIELD(struct network_spec, driver, "Driver", STRING),
    FIELD(struct network_spec, scope, "Scope", STRING),
    FIELD(struct network_spec, enable_ipv4, "EnableIPv4", OPT_BOOL),
    FIELD(struct network_spec, enable_ipv6, "EnableIPv6", BOOL),
    FIELD(struct network_spec, ipam, "IPAM", OBJECT, .of = &network_ipam_table),
    FIELD(struct network_spec, internal, "Internal", BOOL),
    FIELD(struct network_spec, attachable, "Attachable", BOOL),
    FIELD(struct network_spec, ingress, "Ingress", BOOL),
    FIELD(struct network_spec, config_only, "ConfigOnly", BOOL),
    FIELD(struct network_spec, options, "Options", PAIRS),
    FIELD(struct network_spec, labels, "Labels", PAIRS),
    {0},
};
const struct fields network_spec_table = {"network", sizeof(struct network_spec), network_spec_fields};
