import Config
config :release_test, secret: "secret"
