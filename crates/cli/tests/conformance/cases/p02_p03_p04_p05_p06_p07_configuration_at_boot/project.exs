[releases: [release_test: [reboot_system_after_config: true]]]
