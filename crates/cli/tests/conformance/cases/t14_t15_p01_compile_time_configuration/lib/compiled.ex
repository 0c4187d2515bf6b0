defmodule ReleaseTest.Compiled do
  @static Application.compile_env(:release_test, :static)
  def static, do: @static
end
