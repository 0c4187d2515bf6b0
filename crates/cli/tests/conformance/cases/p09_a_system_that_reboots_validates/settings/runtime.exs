import Config
if value = System.get_env("STATIC"), do: config(:release_test, static: String.to_atom(value))
