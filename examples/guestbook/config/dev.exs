import Config

config :guestbook, Guestbook.HTTP, enabled: true

config :guestbook, Guestbook.Repo,
  adapter: Guestbook.Repo.SQLite,
  path: Path.expand("../tmp/guestbook_dev.db", __DIR__)

config :guestbook, :secret_key_base, String.duplicate("not a secret: for development only. ", 2)
