defmodule :stringprep do
  @moduledoc """
  Preparation of passwords: the one function that `pgsql_sasl` of p1_pgsql calls from the application of this name.

  Normalisation to NFKC is the part of SASLprep (RFC 4013) that changes what people type; PostgreSQL accepts passwords
  with characters that SASLprep forbids, so nothing is refused here.
  """

  def resourceprep(password) do
    case :unicode.characters_to_nfkc_binary(password) do
      normalised when is_binary(normalised) -> normalised
      {:error, _, _} -> password
    end
  end
end
