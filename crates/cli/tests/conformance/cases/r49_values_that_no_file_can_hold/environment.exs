import Config
config :release_test, key: %{__ENV__ | lexical_tracker: self()}
