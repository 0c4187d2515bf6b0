[releases: [release_test: [include_erts: false, cookie: "cookie"]]]
