Code.require_file("../debian_package.exs", __DIR__)

defmodule SQLite3.MixProject do
  use Mix.Project

  @package "erlang-p1-sqlite3"

  def project do
    [
      app: :sqlite3,
      version: DebianPackage.version!(:sqlite3, @package),
      language: :erlang,
      description: "SQLite driver, from Debian's #{@package}",
      compilers: [:debian_package, :app],
      debian_package: @package
    ]
  end

  def application, do: []
end
