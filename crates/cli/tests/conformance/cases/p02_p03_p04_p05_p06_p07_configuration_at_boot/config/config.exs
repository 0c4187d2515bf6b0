import Config
config :release_test, first: 1, encoding: {:"ключ", "日本"}, replaced: :by_sys
config :kernel, key: 1
