[releases: []]
