import Config
config :release_test, static: :compiled
