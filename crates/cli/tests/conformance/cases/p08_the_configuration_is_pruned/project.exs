[releases: [release_test: [reboot_system_after_config: true, prune_runtime_sys_config_after_boot: true]]]
