defmodule ReleaseTest.Provider do
  @behaviour Config.Provider
  def init(argument), do: {:initialised, argument}
  def load(config, {:initialised, argument}), do: Config.Reader.merge(config, release_test: [provided: argument])
end
