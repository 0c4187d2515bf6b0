defmodule Guestbook.Repo.Migrations.CreateEntries do
  def up(adapter) do
    [
      """
      CREATE TABLE entries (
        id #{identity(adapter)},
        name TEXT NOT NULL,
        message TEXT NOT NULL,
        -- Unix time in seconds.
        inserted_at BIGINT NOT NULL
      )
      """
    ]
  end

  def down(_adapter), do: ["DROP TABLE entries"]

  defp identity(:sqlite), do: "INTEGER PRIMARY KEY AUTOINCREMENT"
  defp identity(:postgres), do: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
end
