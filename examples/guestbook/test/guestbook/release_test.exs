defmodule Guestbook.ReleaseTest do
  use ExUnit.Case

  import ExUnit.CaptureIO

  alias Guestbook.Release

  setup do
    on_exit(fn -> Application.delete_env(:guestbook, :minimal) end)
  end

  test "migrates, shows the state, and rolls back" do
    assert capture_io(&Release.migrate/0) == "The database is up to date.\n"

    assert capture_io(fn -> Release.rollback(Guestbook.Repo, 20_261_109_101_500) end) ==
             "rolled back 20261109101500 index_entries_by_time\n"

    assert capture_io(&Release.status/0) =~ ~r/^up +20261102090000 create_entries\ndown +20261109101500 /
    assert capture_io(&Release.migrate/0) == "applied 20261109101500 index_entries_by_time\n"
  end

  test "fails with a sentence and an exit status" do
    {:ok, _} = Guestbook.Repo.query("ALTER TABLE schema_migrations RENAME TO elsewhere")
    {:ok, _} = Guestbook.Repo.query("CREATE VIEW schema_migrations AS SELECT 1 AS something")

    error =
      capture_io(:stderr, fn ->
        assert catch_exit(Release.migrate()) == {:shutdown, 1}
      end)

    assert error =~ ~r/^Cannot migrate the database: 20261102090000 create_entries: no such column: version\n$/
  after
    {:ok, _} = Guestbook.Repo.query("DROP VIEW schema_migrations")
    {:ok, _} = Guestbook.Repo.query("ALTER TABLE elsewhere RENAME TO schema_migrations")
  end
end
