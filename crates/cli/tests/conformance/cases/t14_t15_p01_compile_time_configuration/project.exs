[config_path: "settings/config.exs", default_release: :release_test, releases: [release_test: [], unchecked: [validate_compile_env: false]]]
