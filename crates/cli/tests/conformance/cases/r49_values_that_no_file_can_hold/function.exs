import Config
config :release_test, key: fn -> :ok end
