defmodule Umbrella.MixProject do
  use Mix.Project

  def project do
    [apps_path: "children", version: "0.5.0", deps: []]
    |> Keyword.merge(if(File.exists?("project.exs"), do: elem(Code.eval_file("project.exs"), 0), else: []))
  end
end
