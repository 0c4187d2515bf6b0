import Config

case System.get_env("VALUE") do
  "nested" -> config :release_test, nested: [key: [inner: 2]]
  "missing" -> config :release_test, absent: :now_there
  "deep" -> config :release_test, nested: :no_keyword_list
  _ -> :ok
end
