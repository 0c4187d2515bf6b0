[
  default_release: :release_test,
  releases: [release_test: [include_erts: false, path: "elsewhere", steps: [:assemble, :tar]], with: [path: "elsewhere", include_erts: true]]
]
