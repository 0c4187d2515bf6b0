[
  releases: [
    leaf: [applications: [child: :none, iex: :load]],
    subtree: [applications: [parent: :load]],
    skipped: [applications: [elixir: :load], skip_mode_validation_for: [:release_test, :logger, :iex, :elixir]]
  ]
]
