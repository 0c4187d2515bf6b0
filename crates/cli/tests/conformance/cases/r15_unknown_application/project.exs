[releases: [release_test: [applications: [unknown: :permanent]]]]
