defmodule Beamship.Bridge.Options do
  @moduledoc false

  # Which release is meant, and whether its options have the right form. The messages say what Mix's messages say.

  import Beamship.Bridge, only: [refuse: 1]

  def choose(config, requested) do
    # No atom, and so no release, has a longer name.
    if requested && String.length(requested) > 255, do: refuse("a release cannot have a name of more than 255 characters")
    {name, options} = lookup(requested && String.to_atom(requested), releases(config), config)
    options = if is_function(options, 0), do: options.(), else: options

    if not (Atom.to_string(name) =~ ~r/\A[a-z][a-z0-9_]*\z/) do
      refuse(
        "#{inspect(name)} cannot be the name of a release: it has to start with a lowercase ASCII letter, " <>
          "followed by lowercase ASCII letters, digits or underscores"
      )
    end

    if not Keyword.keyword?(options) do
      refuse("the options of release #{name} have to be a keyword list, got: #{inspect(options)}")
    end

    {name, options}
  end

  defp releases(config) do
    releases = config[:releases] || []

    if not Keyword.keyword?(releases) do
      refuse(":releases in mix.exs has to be a keyword list of names and options, got: #{inspect(releases)}")
    end

    releases
  end

  defp lookup(nil, [], config) do
    if Mix.Project.umbrella?(config), do: refuse(umbrella())

    case config[:app] do
      nil -> refuse("the project has no :app and defines no release: add :releases to `def project` of mix.exs")
      app -> {app, []}
    end
  end

  defp lookup(nil, [release], _), do: release

  defp lookup(nil, releases, config) do
    case config[:default_release] do
      nil ->
        refuse(
          "mix.exs defines several releases (#{names(releases)}): say which one is meant, " <>
            "or set :default_release in `def project`"
        )

      name ->
        lookup(name, releases, config)
    end
  end

  defp lookup(name, releases, _) do
    case List.keyfind(releases, name, 0) do
      nil when releases == [] -> refuse("there is no release #{inspect(name)}: mix.exs defines none")
      nil -> refuse("there is no release #{inspect(name)}: mix.exs defines #{names(releases)}")
      found -> found
    end
  end

  defp names(releases), do: Enum.map_join(releases, ", ", fn {name, _} -> Atom.to_string(name) end)

  def check_applications(applications, config) do
    if not Keyword.keyword?(applications) do
      refuse("the release option :applications has to be a keyword list of applications and modes, got: #{inspect(applications)}")
    end

    for {application, mode} <- applications, not is_atom(mode) do
      refuse(
        "the release option :applications gives #{inspect(application)} the mode #{inspect(mode)}, " <>
          "which is none of :permanent, :transient, :temporary, :load, :none"
      )
    end

    if applications == [] and Mix.Project.umbrella?(config), do: refuse(umbrella())
  end

  defp umbrella do
    """
    the releases of an umbrella project have to say which of its applications they hold:

        releases: [
          foo: [
            applications: [child_app_foo: :permanent]
          ]
        ]

    Or build the release in the directory of one of the applications\
    """
  end

  def steps(steps) do
    valid? = fn step -> step in [:assemble, :tar] or is_function(step, 1) end

    cond do
      not is_list(steps) or not Enum.all?(steps, valid?) ->
        refuse("the release option :steps has to be a list of :assemble, :tar and functions of one argument, got: #{inspect(steps)}")

      Enum.count(steps, &(&1 == :assemble)) != 1 ->
        refuse("the release option :steps has to hold :assemble exactly once, got: #{inspect(steps)}")

      :assemble in Enum.drop_while(steps, &(&1 != :tar)) ->
        refuse("in the release option :steps, :tar has to come after :assemble, got: #{inspect(steps)}")

      Enum.count(steps, &(&1 == :tar)) > 1 ->
        refuse("the release option :steps may hold :tar only once, got: #{inspect(steps)}")

      true ->
        steps
    end
  end

  def executables(options) do
    executables = Keyword.get(options, :include_executables_for, [:unix, :windows])

    if not is_list(executables) or executables -- [:unix, :windows, :unix, :windows] != [] do
      refuse("the release option :include_executables_for has to be a list of :unix and :windows, got: #{inspect(executables)}")
    end

    executables
  end

  # An option of beamship's own.
  def fast_boot(options) do
    case Keyword.get(options, :boot, :fast) do
      :fast -> true
      :embedded -> false
      boot -> refuse("the release option :boot has to be :fast or :embedded, got: #{inspect(boot)}")
    end
  end

  def text(options, key, default) do
    case Keyword.get(options, key) do
      nil -> default
      value when is_binary(value) and value != "" -> value
      value -> refuse("the release option #{inspect(key)} has to be a string, got: #{inspect(value)}")
    end
  end

  def flag(options, key, default) do
    case Keyword.get(options, key, default) do
      nil -> false
      value when is_boolean(value) -> value
      value -> refuse("the release option #{inspect(key)} has to be true or false, got: #{inspect(value)}")
    end
  end

  def atoms(options, key) do
    value = Keyword.get(options, key) || []

    if not is_list(value) or not Enum.all?(value, &is_atom/1) do
      refuse("the release option #{inspect(key)} has to be a list of applications, got: #{inspect(value)}")
    end

    value
  end
end
