[releases: [usual: [], elsewhere: [rel_templates_path: "custom"]]]
