defmodule First.MixProject do
  use Mix.Project

  def project do
    [app: :first, version: "1.0.0", build_path: "../../_build", config_path: "../../config/config.exs", deps: []]
  end
end
