import Config
config :release_test, replaced: :by_provider, last: 1
config :kernel, key: 2
