Code.require_file("../debian_package.exs", __DIR__)

defmodule P1Pgsql.MixProject do
  use Mix.Project

  @package "erlang-p1-pgsql"

  def project do
    [
      app: :p1_pgsql,
      version: DebianPackage.version!(:p1_pgsql, @package),
      description: "PostgreSQL driver, from Debian's #{@package}",
      compilers: [:debian_package, :elixir, :app],
      # The modules in lib/ are meant to stand in for the originals, which may be installed as well.
      elixirc_options: [ignore_module_conflict: true],
      debian_package: @package
    ]
  end

  # Debian's own .app file asks for ssl, and for xmpp or stringprep, of which the driver calls the few functions that
  # lib/ defines. With those applications a release of the guestbook would be twice as large.
  def application, do: [extra_applications: [:crypto]]
end
