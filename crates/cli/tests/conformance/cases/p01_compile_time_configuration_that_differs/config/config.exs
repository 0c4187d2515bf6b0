import Config
config :release_test, flat: 1, nested: [key: [inner: 1]]
