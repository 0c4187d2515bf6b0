defmodule Guestbook.Repo.Migrations.IndexEntriesByTime do
  def up(_adapter), do: ["CREATE INDEX entries_inserted_at ON entries (inserted_at)"]
  def down(_adapter), do: ["DROP INDEX entries_inserted_at"]
end
