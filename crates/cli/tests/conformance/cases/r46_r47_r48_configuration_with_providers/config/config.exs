import Config
config :kernel, logger_level: :info
