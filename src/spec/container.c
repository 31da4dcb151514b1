#include "spec/container.h"

static const struct field port_binding_fields[] = {
    FIELD(struct port_binding, host_ip, "HostIp", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct port_binding, host_port, "HostPort", STRING, .flags = FIELD_ALWAYS),
    {0},
};
static const struct fields port_binding_table = {"port binding", sizeof(struct port_binding), port_binding_fields};

static const struct field port_bindings_fields[] = {
    FIELD(struct port_bindings, list, "", LIST, .of = &port_binding_table),
    {0},
};
static const struct fields port_bindings_table = {"port", sizeof(struct port_bindings), port_bindings_fields,
                                                  .bare = true};

static const struct field health_check_fields[] = {
    FIELD(struct health_check, test, "Test", STRINGS),
    FIELD(struct health_check, interval_ns, "Interval", I64),
    FIELD(struct health_check, timeout_ns, "Timeout", I64),
    FIELD(struct health_check, start_period_ns, "StartPeriod", I64),
    FIELD(struct health_check, start_interval_ns, "StartInterval", I64),
    FIELD(struct health_check, retries, "Retries", INT),
    {0},
};
const struct fields health_check_table = {"health check", sizeof(struct health_check), health_check_fields};

static const struct field log_config_fields[] = {
    FIELD(struct log_config, type, "Type", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct log_config, options, "Config", PAIRS, .flags = FIELD_ALWAYS),
    {0},
};
static const struct fields log_config_table = {"log configuration", sizeof(struct log_config), log_config_fields};

static const struct field restart_policy_fields[] = {
    FIELD(struct restart_policy, name, "Name", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct restart_policy, maximum_retry_count, "MaximumRetryCount", INT, .flags = FIELD_ALWAYS),
    {0},
};
static const struct fields restart_policy_table = {"restart policy", sizeof(struct restart_policy),
                                                   restart_policy_fields};

static const struct field device_mapping_fields[] = {
    FIELD(struct device_mapping, path_on_host, "PathOnHost", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct device_mapping, path_in_container, "PathInContainer", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct device_mapping, cgroup_permissions, "CgroupPermissions", STRING, .flags = FIELD_ALWAYS),
    {0},
};
static const struct fields device_mapping_table = {"device", sizeof(struct device_mapping), device_mapping_fields};

static const struct field strings_holder_fields[] = {FIELD(struct strings_holder, list, "", STRINGS), {0}};
static const struct fields strings_holder_table = {"list", sizeof(struct strings_holder), strings_holder_fields,
                                                   .bare = true};

static const struct field device_request_fields[] = {
    FIELD(struct device_request, driver, "Driver", STRING),
    FIELD(struct device_request, count, "Count", INT),
    FIELD(struct device_request, device_ids, "DeviceIDs", STRINGS),
    FIELD(struct device_request, capabilities, "Capabilities", LIST, .of = &strings_holder_table),
    FIELD(struct device_request, options, "Options", PAIRS),
    {0},
};
static const struct fields device_request_table = {"device request", sizeof(struct device_request),
                                                   device_request_fields};

static const struct field ulimit_fields[] = {
    FIELD(struct ulimit, name, "Name", STRING, .flags = FIELD_ALWAYS),
    FIELD(struct ulimit, hard, "Hard", I64, .flags = FIELD_ALWAYS),
    FIELD(struct ulimit, soft, "Soft", I64, .flags = FIELD_ALWAYS),
    {0},
};
static const struct fields ulimit_table = {"ulimit", sizeof(struct ulimit), ulimit_fields};

static const struct field weight_device_fields[] = {
    FIELD(struct weight_device, path, "Path", STRING),
    FIELD(struct weight_device, weight, "Weight", INT),
    {0},
};
static const struct fields weight_device_table = {"device weight", sizeof(struct weight_device), weight_device_fields};

static const struct field throttle_device_fields[] = {
    FIELD(struct throttle_device, path, "Path", STRING),
    FIELD(struct throttle_device, rate, "Rate", I64),
    {0},
};
static const struct fields throttle_device_table = {"device rate", sizeof(struct throttle_device),
                                                    throttle_device_fields};

static const struct field bind_options_fields[] = {
    FIELD(struct bind_options, propagation, "Propagation", STRING),
    FIELD(struct bind_options, non_recursive, "NonRecursive", BOOL),
    FIELD(struct bind_options, create_mountpoint, "CreateMountpoint", BOOL),
    FIELD(struct bind_options, read_only_non_recursive, "ReadOnlyNonRecursive", BOOL),
    FIELD(struct bind_options, read_only_force_recursive, "ReadOnlyForceRecursive", BOOL),
    {0},
};
static const struct fields bind_options_table = {"bind options", sizeof(struct bind_options), bind_options_fields};

static const struct field driver_config_fields[] = {
    FIELD(struct driver_config, name, "Name", STRING),
    FIELD(struct driver_config, options, "Options", PAIRS),
    {0},
};
static const struct fields driver_config_table = {"volume driver", sizeof(struct driver_config), driver_config_fields};

static const struct field volume_options_fields[] = {
    FIELD(struct volume_options, no_copy, "NoCopy", BOOL),
    FIELD(struct volume_options, labels, "Labels", PAIRS),
    FIELD(struct volume_options, driver, "DriverConfig", POINTER, .of = &driver_config_table),
    FIELD(struct volume_options, subpath, "Subpath", STRING),
    {0},
};
static const struct fields volume_options_table = {"volume options", sizeof(struct volume_options),
                                                   volume_options_fields};

static const struct field image_mount_options_fields[] = {
    FIELD(struct image_mount_options, subpath, "Subpath", STRING),
    {0},
};
static const struct fields image_mount_options_table = {"image options", sizeof(struct image_mount_options),
                                                        image_mount_options_fields};

static const struct field tmpfs_options_fields[] = {
    FIELD(struct tmpfs_options, size_bytes, "SizeBytes", I64),
    FIELD(struct tmpfs_options, mode, "Mode", INT),
    {0},
};
static const struct fields tmpfs_options_table = {"tmpfs options", sizeof(struct tmpfs_options), tmpfs_options_fields};

static const struct field mount_spec_fields[] = {
    FIELD(struct mount_spec, type, "Type", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct mount_spec, source, "Source", STRING),
    FIELD(struct mount_spec, target, "Target", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct mount_spec, read_only, "ReadOnly", BOOL),
    FIELD(struct mount_spec, consistency, "Consistency", STRING),
    FIELD(struct mount_spec, bind, "BindOptions", POINTER, .of = &bind_options_table),
    FIELD(struct mount_spec, volume, "VolumeOptions", POINTER, .of = &volume_options_table),
    FIELD(struct mount_spec, image, "ImageOptions", POINTER, .of = &image_mount_options_table),
    FIELD(struct mount_spec, tmpfs, "TmpfsOptions", POINTER, .of = &tmpfs_options_table),
    {0},
};
static const struct fields mount_spec_table = {"mount", sizeof(struct mount_spec), mount_spec_fields};

static const struct field endpoint_ipam_fields[] = {
    FIELD(struct endpoint_ipam, ipv4_address, "IPv4Address", STRING),
    FIELD(struct endpoint_ipam, ipv6_address, "IPv6Address", STRING),
    FIELD(struct endpoint_ipam, link_local_ips, "LinkLocalIPs", STRINGS),
    {0},
};
static const struct fields endpoint_ipam_table = {"address", sizeof(struct endpoint_ipam), endpoint_ipam_fields};

static const struct field endpoint_spec_fields[] = {
    FIELD(struct endpoint_spec, ipam, "IPAMConfig", POINTER, .of = &endpoint_ipam_table),
    FIELD(struct endpoint_spec, links, "Links", STRINGS),
    FIELD(struct endpoint_spec, aliases, "Aliases", STRINGS),
    FIELD(struct endpoint_spec, mac_address, "MacAddress", STRING),
    FIELD(struct endpoint_spec, driver_options, "DriverOpts", PAIRS),
    FIELD(struct endpoint_spec, gateway_priority, "GwPriority", INT),
    FIELD(struct endpoint_spec, network_id, "NetworkID", STRING),
    FIELD(struct endpoint_spec, endpoint_id, "EndpointID", STRING),
    FIELD(struct endpoint_spec, gateway, "Gateway", STRING),
    FIELD(struct endpoint_spec, ip_address, "IPAddress", STRING),
    FIELD(struct endpoint_spec, ip_prefix_len, "IPPrefixLen", INT),
    FIELD(struct endpoint_spec, ipv6_gateway, "IPv6Gateway", STRING),
    FIELD(struct endpoint_spec, global_ipv6_address, "GlobalIPv6Address", STRING),
    FIELD(struct endpoint_spec, global_ipv6_prefix_len, "GlobalIPv6PrefixLen", INT),
    FIELD(struct endpoint_spec, dns_names, "DNSNames", STRINGS),
    {0},
};
const struct fields endpoint_spec_table = {"endpoint", sizeof(struct endpoint_spec), endpoint_spec_fields};

static const struct field networking_config_fields[] = {
    FIELD(struct networking_config, endpoints, "EndpointsConfig", MAP, .of = &endpoint_spec_table),
    {0},
};
static const struct fields networking_config_table = {"networking", sizeof(struct networking_config),
                                                      networking_config_fields};

static const struct field size_fields[] = {FIELD(struct console_extent, cells, "", INT), {0}};
static const struct fields size_table = {"size", sizeof(struct console_extent), size_fields, .bare = true};

static const struct field host_config_fields[] = {
    FIELD(struct host_config, binds, "Binds", STRINGS),
    FIELD(struct host_config, container_id_file, "ContainerIDFile", STRING),
    FIELD(struct host_config, log, "LogConfig", OBJECT, .of = &log_config_table),
    FIELD(struct host_config, network_mode, "NetworkMode", STRING),
    FIELD(struct host_config, port_bindings, "PortBindings", MAP, .of = &port_bindings_table),
    FIELD(struct host_config, restart, "RestartPolicy", OBJECT, .of = &restart_policy_table),
    FIELD(struct host_config, auto_remove, "AutoRemove", BOOL),
    FIELD(struct host_config, volume_driver, "VolumeDriver", STRING),
    FIELD(struct host_config, volumes_from, "VolumesFrom", STRINGS),
    FIELD(struct host_config, annotations, "Annotations", PAIRS),
    FIELD(struct host_config, cap_add, "CapAdd", STRINGS),
    FIELD(struct host_config, cap_drop, "CapDrop", STRINGS),
    FIELD(struct host_config, cgroupns_mode, "CgroupnsMode", STRING),
    FIELD(struct host_config, dns, "Dns", STRINGS),
    FIELD(struct host_config, dns_options, "DnsOptions", STRINGS),
    FIELD(struct host_config, dns_search, "DnsSearch", STRINGS),
    FIELD(struct host_config, extra_hosts, "ExtraHosts", STRINGS),
    FIELD(struct host_config, group_add, "GroupAdd", STRINGS),
    FIELD(struct host_config, ipc_mode, "IpcMode", STRING),
    FIELD(struct host_config, cgroup, "Cgroup", STRING),
    FIELD(struct host_config, links, "Links", STRINGS),
    FIELD(struct host_config, oom_score_adj, "OomScoreAdj", INT),
    FIELD(struct host_config, pid_mode, "PidMode", STRING),
    FIELD(struct host_config, privileged, "Privileged", BOOL),
    FIELD(struct host_config, publish_all_ports, "PublishAllPorts", BOOL),
    FIELD(struct host_config, readonly_rootfs, "ReadonlyRootfs", BOOL),
    FIELD(struct host_config, security_options, "SecurityOpt", STRINGS),
    FIELD(struct host_config, storage_options, "StorageOpt", PAIRS),
    FIELD(struct host_config, tmpfs, "Tmpfs", PAIRS),
    FIELD(struct host_config, uts_mode, "UTSMode", STRING),
    FIELD(struct host_config, userns_mode, "UsernsMode", STRING),
    FIELD(struct host_config, shm_size, "ShmSize", I64),
    FIELD(struct host_config, sysctls, "Sysctls", PAIRS),
    FIELD(struct host_config, runtime, "Runtime", STRING),
    FIELD(struct host_config, console_size, "ConsoleSize", LIST, .of = &size_table),
    FIELD(struct host_config, isolation, "Isolation", STRING),
    FIELD(struct host_config, cpu_shares, "CpuShares", I64),
    FIELD(struct host_config, memory, "Memory", I64),
    FIELD(struct host_config, nano_cpus, "NanoCpus", I64),
    FIELD(struct host_config, cgroup_parent, "CgroupParent", STRING),
    FIELD(struct host_config, blkio_weight, "BlkioWeight", INT),
    FIELD(struct host_config, blkio_weight_device, "BlkioWeightDevice", LIST, .of = &weight_device_table),
    FIELD(struct host_config, blkio_device_read_bps, "BlkioDeviceReadBps", LIST, .of = &throttle_device_table),
    FIELD(struct host_config, blkio_device_write_bps, "BlkioDeviceWriteBps", LIST, .of = &throttle_device_table),
    FIELD(struct host_config, blkio_device_read_iops, "BlkioDeviceReadIOps", LIST, .of = &throttle_device_table),
    FIELD(struct host_config, blkio_device_write_iops, "BlkioDeviceWriteIOps", LIST, .of = &throttle_device_table),
    FIELD(struct host_config, cpu_period, "CpuPeriod", I64),
    FIELD(struct host_config, cpu_quota, "CpuQuota", I64),
    FIELD(struct host_config, cpu_realtime_period, "CpuRealtimePeriod", I64),
    FIELD(struct host_config, cpu_realtime_runtime, "CpuRealtimeRuntime", I64),
    FIELD(struct host_config, cpuset_cpus, "CpusetCpus", STRING),
    FIELD(struct host_config, cpuset_mems, "CpusetMems", STRING),
    FIELD(struct host_config, devices, "Devices", LIST, .of = &device_mapping_table),
    FIELD(struct host_config, device_cgroup_rules, "DeviceCgroupRules", STRINGS),
    FIELD(struct host_config, device_requests, "DeviceRequests", LIST, .of = &device_request_table),
    FIELD(struct host_config, kernel_memory, "KernelMemory", I64),
    FIELD(struct host_config, kernel_memory_tcp, "KernelMemoryTCP", I64),
    FIELD(struct host_config, memory_reservation, "MemoryReservation", I64),
    FIELD(struct host_config, memory_swap, "MemorySwap", I64),
    FIELD(struct host_config, memory_swappiness, "MemorySwappiness", OPT_I64),
    FIELD(struct host_config, oom_kill_disable, "OomKillDisable", OPT_BOOL),
    FIELD(struct host_config, init, "Init", OPT_BOOL),
    FIELD(struct host_config, pids_limit, "PidsLimit", OPT_I64),
    FIELD(struct host_config, ulimits, "Ulimits", LIST, .of = &ulimit_table),
    FIELD(struct host_config, cpu_count, "CpuCount", I64),
    FIELD(struct host_config, cpu_percent, "CpuPercent", I64),
    FIELD(struct host_config, io_maximum_iops, "IOMaximumIOps", I64),
    FIELD(struct host_config, io_maximum_bandwidth, "IOMaximumBandwidth", I64),
    FIELD(struct host_config, mounts, "Mounts", LIST, .of = &mount_spec_table),
    FIELD(struct host_config, masked_paths, "MaskedPaths", STRINGS),
    FIELD(struct host_config, readonly_paths, "ReadonlyPaths", STRINGS),
    {0},
};
const struct fields host_config_table = {"host configuration", sizeof(struct host_config), host_config_fields};

static const struct field container_spec_fields[] = {
    FIELD(struct container_spec, hostname, "Hostname", STRING),
    FIELD(struct container_spec, domainname, "Domainname", STRING),
    FIELD(struct container_spec, user, "User", STRING),
    FIELD(struct container_spec, attach_stdin, "AttachStdin", BOOL),
    FIELD(struct container_spec, attach_stdout, "AttachStdout", BOOL),
    FIELD(struct container_spec, attach_stderr, "AttachStderr", BOOL),
    FIELD(struct container_spec, exposed_ports, "ExposedPorts", SET),
    FIELD(struct container_spec, tty, "Tty", BOOL),
    FIELD(struct container_spec, open_stdin, "OpenStdin", BOOL),
    FIELD(struct container_spec, stdin_once, "StdinOnce", BOOL),
    FIELD(struct container_spec, env, "Env", STRINGS),
    FIELD(struct container_spec, cmd, "Cmd", VARIANT),
    FIELD(struct container_spec, health_check, "Healthcheck", POINTER, .of = &health_check_table),
    FIELD(struct container_spec, args_escaped, "ArgsEscaped", BOOL),
    FIELD(struct container_spec, image, "Image", STRING),
    FIELD(struct container_spec, volumes, "Volumes", SET),
    FIELD(struct container_spec, working_dir, "WorkingDir", STRING),
    FIELD(struct container_spec, entrypoint, "Entrypoint", VARIANT),
    FIELD(struct container_spec, network_disabled, "NetworkDisabled", BOOL),
    FIELD(struct container_spec, mac_address, "MacAddress", STRING),
    FIELD(struct container_spec, on_build, "OnBuild", STRINGS),
    FIELD(struct container_spec, labels, "Labels", PAIRS),
    FIELD(struct container_spec, stop_signal, "StopSignal", STRING),
    FIELD(struct container_spec, stop_timeout, "StopTimeout", OPT_I64),
    FIELD(struct container_spec, shell, "Shell", STRINGS),
    FIELD(struct container_spec, host, "HostConfig", OBJECT, .of = &host_config_table),
    FIELD(struct container_spec, networking, "NetworkingConfig", OBJECT, .of = &networking_config_table),
    {0},
};
const struct fields container_spec_table = {"container", sizeof(struct container_spec), container_spec_fields};
