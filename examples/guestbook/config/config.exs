import Config

config :logger, :console, format: "$time [$level] $message\n"

import_config "#{config_env()}.exs"
