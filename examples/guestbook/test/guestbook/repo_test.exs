defmodule Guestbook.RepoTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias Guestbook.{Repo, Scratch}
  alias Guestbook.Repo.Migrator

  @create_entries 20_261_102_090_000
  @index_entries 20_261_109_101_500

  for database <- [:sqlite, :postgres] do
    describe "#{database}:" do
      @describetag database

      setup do
        %{repo: Scratch.repo(unquote(database))}
      end

      test "what is written is read back, whatever it contains", %{repo: repo} do
        assert {:ok, [_, _]} = Migrator.migrate(repo)
        assert Guestbook.list_entries(repo) == {:ok, []}

        texts = ["'); DROP TABLE entries; --", "Jürgen Ärgerlich 😀 日本", ~S(back\slash $1 ? "quoted"), "two\nlines"]
        for text <- texts, do: assert({:ok, _} = Guestbook.add_entry(repo, %{"name" => "Ünal", "message" => text}))

        assert {:ok, entries} = Guestbook.list_entries(repo)
        assert Enum.map(entries, & &1.message) == Enum.reverse(texts)
        assert Enum.all?(entries, &(&1.name == "Ünal" and is_integer(&1.id)))
        assert DateTime.diff(DateTime.utc_now(), hd(entries).inserted_at) in 0..60
        assert {:ok, [_]} = Guestbook.list_entries(repo, 1)
      end

      test "migrations go up and down, each once", %{repo: repo} do
        assert {:ok, [down: %{version: @create_entries}, down: %{version: @index_entries}]} = Migrator.status(repo)
        assert {:ok, [%{name: "create_entries"}, %{name: "index_entries_by_time"}]} = Migrator.migrate(repo)
        assert {:ok, []} = Migrator.migrate(repo)

        assert {:ok, [%{version: @index_entries}]} = Migrator.rollback(repo, @index_entries)
        assert {:ok, [up: _, down: _]} = Migrator.status(repo)
        assert {:ok, [%{version: @create_entries}]} = Migrator.rollback(repo, @create_entries)
        assert {:error, %Repo.Error{}} = Guestbook.list_entries(repo)

        assert {:ok, [_, _]} = Migrator.migrate(repo)
        assert {:ok, []} = Guestbook.list_entries(repo)
      end

      test "a migration that fails leaves nothing behind", %{repo: repo} do
        directory = Scratch.directory()
        module = "Broken#{System.unique_integer([:positive])}"

        File.write!(Path.join(directory, "1_#{Macro.underscore(module)}.exs"), """
        defmodule Guestbook.Repo.Migrations.#{module} do
          def up(_), do: ["CREATE TABLE half (id BIGINT)", "CREATE NONSENSE"]
        end
        """)

        assert {:error, %Repo.Error{message: message}} = Migrator.migrate(repo, directory)
        assert message =~ "syntax error"
        assert {:ok, [down: _]} = Migrator.status(repo, directory)
        assert {:error, _} = Repo.query(repo, "SELECT * FROM half")
      end

      test "a transaction that fails is rolled back, and the connection stays usable", %{repo: repo} do
        {:ok, _} = Repo.query(repo, "CREATE TABLE numbers (number BIGINT PRIMARY KEY)")

        assert {:error, %Repo.Error{}} =
                 Repo.transaction(repo, fn query ->
                   query.("INSERT INTO numbers VALUES ($1)", [1])
                   query.("INSERT INTO numbers VALUES ($1)", [1])
                 end)

        assert Repo.query(repo, "SELECT number FROM numbers") == {:ok, []}

        assert {:ok, :done} =
                 Repo.transaction(repo, fn query ->
                   query.("INSERT INTO numbers VALUES ($1)", [2])
                   :done
                 end)

        assert Repo.query(repo, "SELECT number FROM numbers") == {:ok, [[2]]}
        assert Repo.query(repo, "SELECT number FROM numbers WHERE number = $1", [2]) == {:ok, [[2]]}
      end

      test "a lost connection is opened again", %{repo: repo} do
        assert {:ok, [[1]]} = Repo.query(repo, "SELECT 1")
        connection = :sys.get_state(repo).connection
        monitor = Process.monitor(connection)

        capture_log(fn ->
          Process.exit(connection, :kill)
          assert_receive {:DOWN, ^monitor, _, _, _}
          assert {:ok, [[1]]} = Repo.query(repo, "SELECT 1")
        end)

        assert :sys.get_state(repo).connection != connection
      end
    end
  end

  test "a database that cannot be opened makes queries fail with the reason" do
    file = Path.join(Scratch.directory(), "file")
    File.write!(file, "")

    log =
      capture_log(fn ->
        repo = Scratch.repo(adapter: Repo.SQLite, path: Path.join(file, "guestbook.db"))
        assert {:error, %Repo.Error{message: message}} = Repo.query(repo, "SELECT 1")
        assert message =~ "cannot create the directory #{file}"
      end)

    assert log =~ "The database is not available"
  end

  test "a PostgreSQL server that is not there makes queries fail with the reason" do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    {:ok, options} = Repo.Postgres.parse_url("postgres://somebody:secret@127.0.0.1:#{port}/db")

    capture_log(fn ->
      repo = Scratch.repo([adapter: Repo.Postgres] ++ options)
      assert {:error, %Repo.Error{message: message}} = Repo.query(repo, "SELECT 1")
      assert message == "cannot connect to 127.0.0.1:#{port}: connection refused"
      refute inspect(:sys.get_state(repo)) =~ "secret"
    end)
  end

  describe "DATABASE_URL" do
    import Guestbook.Repo.Postgres, only: [parse_url: 1]

    test "names host, port, user, password and database" do
      expected = [host: "db.example", port: 6543, user: "me", password: "p@ss:word", database: "book"]
      assert parse_url("postgres://me:p%40ss%3Aword@db.example:6543/book") == {:ok, expected}
      assert parse_url("ecto://me:p%40ss%3Aword@db.example:6543/book") == {:ok, expected}
    end

    test "has defaults" do
      assert {:ok, options} = parse_url("postgresql://localhost/book?sslmode=disable")
      assert {options[:port], options[:user], options[:password]} == {5432, "postgres", ""}
    end

    test "is refused with a reason" do
      assert {:error, "must start with" <> _} = parse_url("mysql://localhost/book")
      assert {:error, "must have the form" <> _} = parse_url("postgres://localhost")
      assert {:error, "must have the form" <> _} = parse_url("postgres:// /book")
      assert {:error, "asks for TLS" <> _} = parse_url("postgres://localhost/book?sslmode=require")
    end
  end
end
