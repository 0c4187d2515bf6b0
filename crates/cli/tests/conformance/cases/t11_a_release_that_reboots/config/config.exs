import Config
config :release_test, deep: [keep: 1, override: 1]
