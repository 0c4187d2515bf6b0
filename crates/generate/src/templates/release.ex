defmodule {{ tasks.module }} do
  @moduledoc """
  Tasks of the release that run without the system: `bin/{{ name }} eval {{ tasks.module }}.migrate`.
  """
{% if tasks.applications | length > 1 %}
  @apps [{% for application in tasks.applications %}:{{ application }}{% if not loop.last %}, {% endif %}{% endfor %}]
{% else %}
  @app :{{ tasks.applications[0] }}
{% endif %}

  @doc "Applies all pending migrations."
  def migrate do
    {{ load }}()

    for repo <- repos() do
      {:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true))
    end
  end

  @doc "Takes migrations back, down to and including this version."
  def rollback(repo, version) do
    {{ load }}()
    {:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :down, to: version))
  end

  @doc "Prints the migrations of every repository; ends with status 1 when some are pending."
  def status do
    {{ load }}()

    pending =
      for repo <- repos(), {:down, version, name} <- migrations(repo) do
        IO.puts("#{inspect(repo)} #{version} #{name} is pending")
      end

    if pending == [], do: IO.puts("no migrations are pending"), else: System.halt(1)
  end

  defp migrations(repo) do
    {:ok, migrations, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.migrations/1)
    migrations
  end

{% if tasks.applications | length > 1 %}
  defp repos, do: Enum.flat_map(@apps, &Application.fetch_env!(&1, :ecto_repos))

  defp load_app do
    # Many platforms require SSL when they connect to the database.
    {:ok, _} = Application.ensure_all_started(:ssl)
    Enum.each(@apps, &(:ok = Application.ensure_loaded(&1)))
  end
{% else %}
  defp repos, do: Application.fetch_env!(@app, :ecto_repos)

  defp load_app do
    # Many platforms require SSL when they connect to the database.
    {:ok, _} = Application.ensure_all_started(:ssl)
    :ok = Application.ensure_loaded(@app)
  end
{% endif %}
{% if minimal %}

  # Starts the application with the children that tasks need. Its `start/2` asks for the flag:
  #
  #     children =
  #       if Application.get_env(:{{ tasks.applications[0] }}, :minimal),
  #         do: [],
  #         else: [{{ module }}.Repo, …]
  defp start_app do
    load_app()
{% if tasks.applications | length > 1 %}
    Enum.each(@apps, &Application.put_env(&1, :minimal, true))
    Enum.each(@apps, &({:ok, _} = Application.ensure_all_started(&1)))
{% else %}
    Application.put_env(@app, :minimal, true)
    {:ok, _} = Application.ensure_all_started(@app)
{% endif %}
  end
{% endif %}
end
