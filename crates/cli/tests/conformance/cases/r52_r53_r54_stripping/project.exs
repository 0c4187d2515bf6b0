[
  releases: [
    stripped: [applications: [native: :load]],
    kept: [strip_beams: false],
    keep_some: [strip_beams: [keep: ["Docs", "Dbgi"]]],
    keep_one: [strip_beams: [keep: "Docs"]],
    compressed: [strip_beams: [compress: true]],
    strange: [strip_beams: [keep: "Documentation"]]
  ]
]
