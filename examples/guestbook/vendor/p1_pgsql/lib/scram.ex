defmodule :scram do
  @moduledoc """
  SCRAM (RFC 5802): the functions that `pgsql_sasl` of p1_pgsql before 1.1.32 borrows from an XMPP library.
  """

  def salted_password(hash, password, salt, iterations) do
    length = :crypto.hash_info(hash).size
    :crypto.pbkdf2_hmac(hash, :stringprep.resourceprep(password), salt, iterations, length)
  end

  def client_key(hash, salted_password), do: :crypto.mac(:hmac, hash, salted_password, "Client Key")
  def server_key(hash, salted_password), do: :crypto.mac(:hmac, hash, salted_password, "Server Key")
  def stored_key(hash, client_key), do: :crypto.hash(hash, client_key)
  def client_signature(hash, key, message), do: :crypto.mac(:hmac, hash, key, message)
  def server_signature(hash, key, message), do: :crypto.mac(:hmac, hash, key, message)
end
