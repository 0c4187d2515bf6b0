[releases: [release_test: [applications: [erts: :permanent]]]]
