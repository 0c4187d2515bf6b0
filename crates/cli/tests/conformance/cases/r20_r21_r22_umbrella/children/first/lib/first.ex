defprotocol First.Shown do
  def show(term)
end

defmodule First do
  def hello, do: "first"
end
