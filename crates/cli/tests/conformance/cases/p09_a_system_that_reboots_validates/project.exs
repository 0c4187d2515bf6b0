[config_path: "settings/config.exs", releases: [release_test: [reboot_system_after_config: true]]]
