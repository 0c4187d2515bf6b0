import Config
config :kernel, key: String.to_atom(System.fetch_env!("KERNEL"))
config :release_test, value: :applied
