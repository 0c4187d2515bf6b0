defmodule Guestbook.Repo.Error do
  @moduledoc "A statement that the database refused, or a database that cannot be reached."

  defexception [:message]

  @type t :: %__MODULE__{message: String.t()}
end
