#pragma once
/* Networks and volumes as they are asked for: the create requests of the Docker Engine API. */
#include "codec/fields.h"

struct ipam_pool {
    char *subnet, *ip_range, *gateway;
    struct pairs auxiliary_addresses;
};

struct network_spec {
    char *name;
    char *driver; /* "bridge" (the routed veths of this engine), "host", "none" */
    char *scope;
    bool check_duplicate, enable_ipv6, internal, attachable, ingress, config_only;
    struct opt_bool enable_ipv4;
    struct network_ipam {
        char *driver;
        VEC(struct ipam_pool) pools;
        struct pairs options;
    } ipam;
    struct pairs options, labels;
};

extern const struct fields network_spec_table;
