[releases: [release_test: [cookie: "cookie"]]]
