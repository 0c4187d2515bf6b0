# The Elixir half of the bridge. It runs inside the user's Mix, in versions 1.14 to 1.20, so it uses public functions of
# Mix wherever there is one. It must not print anything of its own: what the streams carry is Mix's and the project's.

defmodule Beamship.Bridge do
  @moduledoc false

  # One process owns the socket: whatever the project is doing, the virtual machine ends as soon as the other side goes
  # away. Requests are handed to the process that runs the Mix task one at a time.

  def connect(path) do
    caller = self()
    reference = make_ref()

    spawn(fn ->
      options = [:binary, packet: 4, active: true]

      case :gen_tcp.connect({:local, path}, 0, options) do
        {:ok, socket} ->
          Process.register(self(), __MODULE__)
          send(caller, reference)
          own(socket, :queue.new(), nil)

        {:error, _} ->
          # Whoever started us is gone.
          :erlang.halt(1, flush: false)
      end
    end)

    receive do
      ^reference -> :ok
    end
  end

  defp own(socket, requests, waiting) do
    receive do
      {:tcp, ^socket, packet} ->
        hand_out(socket, :queue.in(packet, requests), waiting)

      {:tcp_closed, ^socket} ->
        :erlang.halt(1, flush: false)

      {:tcp_error, ^socket, _} ->
        :erlang.halt(1, flush: false)

      {:next, from, reference} ->
        hand_out(socket, requests, {from, reference})

      {:reply, from, reference, packet} ->
        :gen_tcp.send(socket, packet)
        send(from, reference)
        own(socket, requests, waiting)

      {:finish, from, reference} ->
        # From here on a closed socket is what we want.
        send(from, reference)
        Process.sleep(:infinity)
    end
  end

  defp hand_out(socket, requests, nil), do: own(socket, requests, nil)

  defp hand_out(socket, requests, {from, reference} = waiting) do
    case :queue.out(requests) do
      {{:value, packet}, rest} ->
        send(from, {reference, packet})
        own(socket, rest, nil)

      {:empty, _} ->
        own(socket, requests, waiting)
    end
  end

  # Answers requests until told to stop.
  def serve do
    reference = make_ref()
    send(__MODULE__, {:next, self(), reference})

    request =
      receive do
        {^reference, packet} -> :erlang.binary_to_term(packet)
      end

    {marker, name, argument} = request
    result = perform(name, argument)
    flush(marker)
    reply(result)

    if name == :stop, do: finish(), else: serve()
  end

  defp reply(result) do
    reference = make_ref()
    send(__MODULE__, {:reply, self(), reference, :erlang.term_to_binary(result)})

    receive do
      ^reference -> :ok
    end
  end

  defp finish do
    reference = make_ref()
    send(__MODULE__, {:finish, self(), reference})

    receive do
      ^reference -> :ok
    end
  end

  # Everything printed before this point is in the pipes before the marker is: the log handlers are drained, and both
  # streams are written by one process each, in the order of the requests.
  defp flush(marker) do
    if Process.whereis(Logger), do: quietly(fn -> Logger.flush() end)
    quietly(fn -> :logger_std_h.filesync(:default) end)
    quietly(fn -> IO.write(:user, marker) end)
    quietly(fn -> IO.write(:standard_error, marker) end)
  end

  defp quietly(function) do
    function.()
  catch
    _, _ -> :ok
  end

  # A failure is reported on standard error in the words that `mix` uses, and in one line to the other side.
  # What this code itself refuses is not printed: the other side does that.
  defp perform(name, argument) do
    {:ok, run(name, argument)}
  rescue
    exception ->
      code = Map.get(exception, :mix, false)
      message = safe_message(exception)

      # `Mix.CLI` does the same: exceptions of Mix are shown without a stack trace.
      if not Mix.debug?() and code not in [false, nil] do
        [banner | _] = Module.split(exception.__struct__)
        Mix.shell().error("** (#{banner}) #{message}")
      else
        IO.puts(:stderr, Exception.format(:error, exception, __STACKTRACE__))
      end

      {:failed, message}
  catch
    :throw, {:beamship_refused, message} ->
      {:refused, message}

    # Tasks that have already said what is wrong end this way.
    :exit, {:shutdown, code} when is_integer(code) ->
      {:failed, "a Mix task ended with exit status #{code}"}

    kind, reason ->
      IO.puts(:stderr, Exception.format(kind, reason, __STACKTRACE__))
      {:failed, Exception.format_banner(kind, reason)}
  end

  defp safe_message(exception) do
    Exception.message(exception)
  catch
    _, _ -> inspect(exception)
  end

  # Ends the request with a message of our own.
  def refuse(message), do: throw({:beamship_refused, message})

  defp run(:hello, _), do: Beamship.Bridge.Phases.hello()
  defp run(:fetch_dependencies, _), do: Beamship.Bridge.Phases.fetch_dependencies()
  defp run(:local_sources, _), do: Beamship.Bridge.Phases.local_sources()
  defp run(:compile, flags), do: Beamship.Bridge.Phases.compile(flags)
  defp run(:deploy_assets, digest), do: Beamship.Bridge.Phases.deploy_assets(digest)
  defp run(:locate_release, request), do: Beamship.Bridge.Describe.locate(request)
  defp run(:describe_release, request), do: Beamship.Bridge.Describe.describe(request)
  defp run(:continue_steps, _), do: Beamship.Bridge.Steps.continue()
  defp run(:survey, _), do: Beamship.Bridge.Survey.survey()
  defp run(:stop, _), do: Beamship.Bridge.Cache.note_used_modules()
  defp run(name, _), do: refuse("the bridge does not know the request #{inspect(name)}")
end

defmodule Mix.Tasks.Beamship.Bridge do
  @moduledoc false
  use Mix.Task

  @impl true
  def run(_) do
    Mix.Project.get!()
    Beamship.Bridge.serve()
  end
end

defmodule Beamship.Bridge.Cache do
  @moduledoc false

  # Compiling the bridge takes longer than everything else it does, so its code is kept, and with it the names of those
  # modules of Erlang and Elixir that runs have used: the next one loads them at once. A cache that cannot be written
  # is not an error, and a file appears under its name only when it is complete.

  # What a dependency may have under the same name is left to be found where Mix finds it.
  @applications [:kernel, :stdlib, :compiler, :elixir, :mix]

  # What one command needs more than another is not worth writing the file again.
  @worth_noting 16

  # The largest come first, so that none of them is waited for when all others are loaded.
  def note_used_modules do
    {path, {bridge, known}} = :persistent_term.get(__MODULE__)
    directories = for application <- @applications, do: {application, "#{:code.lib_dir(application)}/"}

    names = Map.new(known)

    new =
      for {module, [_ | _] = file} <- :code.all_loaded(),
          not is_map_key(names, module),
          {application, directory} <- directories,
          String.starts_with?(List.to_string(file), directory),
          do: {module, application}

    if length(new) > @worth_noting do
      # Another patch of OTP or Elixir may have lost some.
      sizes =
        for {module, application} = used <- known ++ new,
            {:ok, stat} <- [File.stat(Application.app_dir(application, "ebin/#{module}.beam"))],
            do: {stat.size, used}

      write(path, {bridge, sizes |> Enum.sort(:desc) |> Enum.map(&elem(&1, 1))})
    end

    :stopped
  end

  def write(false, _), do: :ok

  def write(path, content) do
    packed = :erlang.term_to_binary(content)
    temporary = "#{path}.#{System.pid()}.#{:rand.uniform(1_000_000_000)}"

    with :ok <- File.mkdir_p(Path.dirname(path)),
         :ok <- File.write(temporary, [:erlang.md5(packed), packed]),
         :ok <- File.rename(temporary, path) do
      :ok
    else
      _ ->
        File.rm(temporary)
        :ok
    end
  end
end
