[releases: [random: [], given: [cookie: "abc"], changed: [cookie: "def", overwrite: true]]]
