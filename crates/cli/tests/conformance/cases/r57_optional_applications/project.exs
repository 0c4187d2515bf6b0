[releases: [release_test: [applications: [optional_parent: :permanent]]]]
