import Config

config :logger, level: :warning

# Tests start repositories of their own, in directories of their own; this one only has to be there.
config :guestbook, Guestbook.Repo,
  adapter: Guestbook.Repo.SQLite,
  path: Path.join(System.tmp_dir!(), "guestbook_test_#{System.pid()}.db")

config :guestbook, :secret_key_base, String.duplicate("not a secret: for tests only. ", 3)
