[releases: [of_elixir: [version: {:from_app, :elixir}], of_unknown: [version: {:from_app, :unknown}]]]
