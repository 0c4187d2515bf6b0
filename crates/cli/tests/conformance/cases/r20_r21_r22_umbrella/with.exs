[releases: [both: [applications: [second: :permanent]]]]
