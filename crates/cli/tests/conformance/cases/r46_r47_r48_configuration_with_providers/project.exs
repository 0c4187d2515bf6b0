providers = [config_providers: [{ReleaseTest.Provider, "argument"}]]

[
  releases: [
    reboots: providers ++ [reboot_system_after_config: true],
    early:
      providers ++
        [
          reboot_system_after_config: true,
          start_distribution_during_config: true,
          prune_runtime_sys_config_after_boot: true
        ],
    stays: providers
  ]
]
