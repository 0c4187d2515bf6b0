[releases: [one: [], two: []]]
