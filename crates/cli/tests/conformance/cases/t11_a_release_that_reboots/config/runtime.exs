import Config

config :release_test,
  mode_of_runtime_exs: :code.get_mode(),
  loaded: is_list(Application.spec(:release_test)),
  env_and_target: {config_env(), config_target()},
  secret: System.get_env("SECRET", "none"),
  deep: [override: 2]
