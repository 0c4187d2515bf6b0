import Config
config :kernel, key: :same
