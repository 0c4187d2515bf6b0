[releases: [release_test: [applications: [hollow: :permanent]]]]
