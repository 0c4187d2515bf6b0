shown = fn release, text ->
  steps = Enum.map(release.steps, &if(is_function(&1), do: :function, else: &1))
  IO.puts("#{text}: steps #{inspect(steps)}, overlays #{inspect(Enum.sort(release.overlays))}")
  release
end

first = fn release ->
  shown.(release, "first")
  File.mkdir_p!(release.path)
  File.write!(Path.join(release.path, "before"), "before\n")

  %{
    release
    | options: [colour: :blue] ++ release.options,
      boot_scripts: Map.put(release.boot_scripts, :start_less, release.boot_scripts.start_clean)
  }
end

second = fn release ->
  shown.(release, "second")
  IO.puts("there: #{release.path |> File.ls!() |> Enum.map(&hd(String.split(&1, "-"))) |> Enum.sort() |> inspect()}")
  File.mkdir_p!(Path.join(release.path, "made"))
  File.write!(Path.join(release.path, "made/after"), "after\n")
  if System.get_env("FAIL"), do: raise("the step fails")
  %{release | steps: release.steps ++ [fn release -> shown.(release, "last") end], overlays: ["made/after" | release.overlays]}
end

[releases: [release_test: [steps: [first, :assemble, second, :tar]]]]
