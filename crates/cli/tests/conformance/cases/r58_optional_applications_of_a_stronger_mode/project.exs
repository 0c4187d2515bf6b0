[releases: [release_test: [applications: [parent: :load, upgrader: :permanent]]]]
