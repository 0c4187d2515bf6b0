import Config
config :release_test, runtime: :was_evaluated
