[releases: [release_test: [applications: [odd: :none]]]]
