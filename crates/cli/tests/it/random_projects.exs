# Makes random projects and lets Mix release them: `elixir random_projects.exs ROOT SEED PROJECTS RELEASES`.
#
# A project N is in ROOT/N: applications that depend on each other in every way that resource files know, with modules,
# priv, include; configuration; and releases with random options. What Mix makes of release R is in ROOT/N/of-mix/R, or
# its message in ROOT/N/of-mix/R.refused. The same seed gives the same projects.

defmodule Choice do
  def one(list), do: Enum.at(list, :rand.uniform(length(list)) - 1)
  def chance(percent), do: :rand.uniform(100) <= percent
  def some(list, percent), do: Enum.filter(list, fn _ -> chance(percent) end)
  def number(limit), do: :rand.uniform(limit) - 1
end

defmodule Applications do
  import Choice

  @otp [:crypto, :runtime_tools, :syntax_tools, :asn1, :public_key, :inets, :xmerl]

  # Names of applications of a project; each depends on earlier ones only, so that there is no circle.
  def write(root, number) do
    names = for index <- 0..(5 + number(7)), do: :"p#{number}_app#{index}"

    # Applications that another one needs or includes are rarely included (again).
    {_, _, included} =
      Enum.reduce(names, {[], [], []}, fn name, {earlier, taken, included} ->
        {needed, include} = write_one(root, name, earlier, taken, included)
        {earlier ++ [name], taken ++ needed ++ include, included ++ include}
      end)

    {names, included}
  end

  defp write_one(root, name, earlier, taken, included) do
    directory = Path.join([root, "apps", Atom.to_string(name)])
    ebin = Path.join(directory, "ebin")
    File.mkdir_p!(ebin)
    needed = some(earlier -- included, 25)
    include = some(if(chance(3), do: earlier, else: earlier -- taken) -- needed, 10)
    otp = some(@otp, 8)
    absent = if chance(12) and Version.match?(System.version(), ">= 1.16.0"), do: [:"absent_#{number(100)}"], else: []
    modules = for index <- 1..number(3)//1, do: module(ebin, :"#{name}_module#{index}")

    keys =
      [
        description: ~c"An application",
        vsn: one([~c"1.0.0", ~c"0.1.0-rc.1", ~c"2.3", ~c"10.0"]),
        modules: modules,
        registered: if(chance(20), do: [:"#{name}_server"], else: []),
        applications: Enum.shuffle([:kernel, :stdlib] ++ needed ++ otp ++ absent)
      ] ++
        if(absent != [] or chance(10), do: [optional_applications: absent ++ some(needed, 20)], else: []) ++
        if(include != [], do: [included_applications: include], else: []) ++
        if(chance(30), do: [env: [key: one([1, ~c"text", "binary", :atom, [nested: {1, 2.5}]])]], else: []) ++
        if(chance(10), do: [start_phases: [go: []], maxT: 1000], else: [])

    File.write!(Path.join(ebin, "#{name}.app"), :io_lib.format(~c"~tp.~n", [{:application, name, keys}]))
    if chance(20), do: File.write!(Path.join(ebin, "#{name}.appup"), "{\"1.0.0\", [], []}.\n")
    if chance(40), do: priv(Path.join(directory, "priv"))
    if chance(20), do: text(Path.join(directory, "include/#{name}.hrl"), "-define(ANSWER, 42).\n")
    if chance(20), do: text(Path.join(directory, "src/#{name}.erl"), "%% not part of a release\n")
    {needed, include}
  end

  defp module(ebin, name) do
    forms = [
      {:attribute, 1, :module, name},
      {:attribute, 1, :export, [hello: 0]},
      {:function, 1, :hello, 0, [{:clause, 1, [], [], [{:integer, 1, number(1000)}]}]}
    ]

    {:ok, ^name, binary} = :compile.forms(forms, [:debug_info, :deterministic])
    File.write!(Path.join(ebin, "#{name}.beam"), binary)
    name
  end

  def priv(directory) do
    for index <- 0..number(4) do
      path = Path.join([directory, one([".", "deep/er", "static"]), "file#{index}"])
      text(path, String.duplicate("line #{index}\n", number(50)))
      if chance(30), do: File.chmod!(path, 0o755)
    end

    if chance(20) do
      text(Path.join(directory, "target"), "of a link\n")
      File.ln_s("target", Path.join(directory, "link"))
    end

    if chance(20), do: File.mkdir_p!(Path.join(directory, "empty"))
  end

  def text(path, text) do
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, text)
  end
end

defmodule Releases do
  import Choice

  @modes [:permanent, :permanent, :transient, :temporary, :load, :none]

  def options({names, included}) do
    # Some releases have modes at random, many of which contradict each other; most have what works.
    modes = one([@modes, [:permanent], [:permanent], [:load], [:none], [:temporary, :transient]])
    listed = if chance(5), do: names, else: names -- included
    applications = for name <- some(Enum.shuffle(listed), one([15, 45])), do: {name, one(modes)}
    standard = for name <- some([:sasl, :iex, :logger, :elixir, :compiler], 6), do: {name, one(modes)}

    [applications: Enum.shuffle(applications ++ standard), include_erts: chance(3)] ++
      maybe(25, version: one(["0.2.0", "1.0.0-rc.1", {:from_app, :elixir}])) ++
      [strip_beams: one([false, false, false, false, false, true, [keep: ["Docs"]], [compress: true]])] ++
      maybe(40, include_executables_for: one([[], [:unix], [:windows], [:windows, :unix]])) ++
      maybe(30, overlays: one(["overlay1", ["overlay1"], ["overlay1", "overlay2"], ["overlay2", "overlay1"]])) ++
      maybe(20, rel_templates_path: one(["rel", "templates", "absent"])) ++
      maybe(20, cookie: "cookie") ++
      maybe(25, runtime_config_path: one([false, "config/other.exs"])) ++
      maybe(20, reboot_system_after_config: one([true, false])) ++
      maybe(15, prune_runtime_sys_config_after_boot: true) ++
      maybe(15, start_distribution_during_config: true) ++
      maybe(15, validate_compile_env: false) ++
      maybe(15, config_providers: [{Config.Reader, {:system, "SOME_DIRECTORY", "/more.exs"}}]) ++
      maybe(15, skip_mode_validation_for: some(names, 50))
  end

  defp maybe(percent, options), do: if(chance(percent), do: options, else: [])

  def files(root) do
    for directory <- ["overlay1", "overlay2", "rel/overlays", "templates/overlays"], chance(60) do
      Applications.priv(Path.join(root, directory))
      Applications.text(Path.join([root, directory, "bin/#{Path.basename(directory)}"]), "#!/bin/sh\n")
    end

    for directory <- ["overlay1", "overlay2"], do: File.mkdir_p!(Path.join(root, directory))

    for directory <- ["rel", "templates"], file <- ~w(vm.args remote.vm.args env.sh env.bat), chance(25) do
      # Before 1.15 the templates of env.sh and env.bat do not see the provider for runtime.exs.
      providers = if Version.match?(System.version(), ">= 1.15.0"), do: "<%= inspect(Enum.map(@release.config_providers, &elem(&1, 0))) %>"
      template = "# <%= @release.name %> <%= @release.version %> <%= inspect(@release.options[:cookie]) %> <%= map_size(@release.applications) %> #{providers}\n"
      Applications.text(Path.join([root, directory, file <> ".eex"]), template)
    end
  end
end

[root, seed, projects, releases] = System.argv()
[seed, projects, releases] = Enum.map([seed, projects, releases], &String.to_integer/1)
:rand.seed(:exsss, {seed, 0, 0})
Mix.start()
Mix.env(:prod)
Mix.shell(Mix.Shell.Quiet)

for number <- 1..projects do
  directory = Path.join(root, Integer.to_string(number))
  names = Applications.write(directory, number)
  Releases.files(directory)
  options = for index <- 1..releases, do: {:"r#{index}", Releases.options(names)}
  Applications.text(Path.join(directory, "releases.exs"), inspect(options, limit: :infinity, printable_limit: :infinity))

  Applications.text(Path.join(directory, "config/config.exs"), """
  import Config
  config #{inspect(hd(elem(names, 0)))}, value: [1, 2.5, "text", ~c"list", {:tuple, nil}], nested: [deep: [key: :value]]
  config :sasl, sasl_error_logger: false
  """)

  Applications.text(Path.join(directory, "config/other.exs"), "import Config\n")
  if Choice.chance(50), do: Applications.text(Path.join(directory, "config/runtime.exs"), "import Config\n")

  Applications.text(Path.join(directory, "mix.exs"), """
  defmodule Random#{number}.MixProject do
    use Mix.Project

    def project do
      [app: :random#{number}, version: "0.1.0", deps: deps(), releases: elem(Code.eval_file("releases.exs"), 0)]
    end

    def application, do: [extra_applications: #{inspect(Choice.some([:logger, :crypto], 50) ++ Choice.some(elem(names, 0) -- elem(names, 1), 5))}]

    defp deps do
      for name <- Enum.sort(File.ls!("apps")), do: {String.to_atom(name), path: "apps/\#{name}", compile: "true", runtime: false}
    end
  end
  """)

  Applications.text(Path.join(directory, "lib/random.ex"), "defmodule Random#{number} do\n  def hello, do: :world\nend\n")

  File.cd!(directory, fn ->
    Mix.Project.in_project(:"random#{number}", directory, fn _ ->
      for {name, _} <- options do
        target = Path.join(directory, "of-mix/#{name}")

        try do
          Mix.Task.rerun("release", [Atom.to_string(name), "--path", target, "--overwrite"])
        rescue
          error in Mix.Error ->
            File.rm_rf!(target)
            Applications.text(target <> ".refused", Exception.message(error))
        end
      end
    end)

    Mix.Task.clear()
  end)
end
