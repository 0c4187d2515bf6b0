[releases: [both: []]]
