[
  releases: [
    # An application before the project's own, and the project's own where it is listed.
    first: [applications: [parent: :permanent]],
    modes: [applications: [release_test: :load, iex: :permanent, sasl: :load]],
    # A child inherits the mode of its parent, the strongest of several.
    cascade: [applications: [parent: :transient]],
    elixir: [applications: [elixir: :transient]],
    none_sticks: [applications: [parent: :load, child: :none]]
  ]
]
