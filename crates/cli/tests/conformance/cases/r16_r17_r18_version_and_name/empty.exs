[releases: [release_test: [version: ""]]]
