[releases: [string: [overlays: "extra"], list: [overlays: ["extra", "more"]], missing: [overlays: "absent"], wrong: [overlays: [1]]]]
