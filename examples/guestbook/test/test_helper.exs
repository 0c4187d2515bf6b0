# The repository that belongs to the application; tests of repositories start their own.
{:ok, _} = Guestbook.Repo.Migrator.migrate(Guestbook.Repo)

database = Application.fetch_env!(:guestbook, Guestbook.Repo)[:path]
ExUnit.after_suite(fn _result -> Enum.each(Path.wildcard(database <> "*"), &File.rm/1) end)

# test/with_postgres.sh mix test
exclude = if System.get_env("DATABASE_URL"), do: [], else: [:postgres]
ExUnit.start(exclude: exclude)
