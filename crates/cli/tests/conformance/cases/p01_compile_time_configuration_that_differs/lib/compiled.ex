defmodule ReleaseTest.Compiled do
  @flat Application.compile_env(:release_test, :flat)
  @nested Application.compile_env(:release_test, [:nested, :key, :inner])
  @absent Application.compile_env(:release_test, :absent)
  def values, do: {@flat, @nested, @absent}
end
