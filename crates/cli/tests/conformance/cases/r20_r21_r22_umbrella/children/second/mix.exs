defmodule Second.MixProject do
  use Mix.Project

  def project do
    [app: :second, version: "1.0.0", build_path: "../../_build", config_path: "../../config/config.exs", deps: [{:first, in_umbrella: true}]]
  end
end
