defprotocol Second.Shown do
  def show(term)
end

defmodule Second do
  def hello, do: "second"
end
