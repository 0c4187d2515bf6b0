[
  inputs: ["*.exs", "config/*.exs", "lib/**/*.ex", "priv/repo/**/*.exs", "test/**/*.{ex,exs}", "vendor/**/*.{ex,exs}"],
  line_length: 120
]
