[releases: [release_test: [version: "0.1.5", path: "not-here", overwrite: false, quiet: false]]]
