import Config
config :release_test, key: [nested: self()]
