change = fn function ->
  [steps: [fn release -> %{release | boot_scripts: Map.update!(release.boot_scripts, :start, function)} end, :assemble]]
end

[
  releases: [
    unknown_application: change.(&(&1 ++ [unknown: :permanent])),
    missing_dependency: change.(&Keyword.delete(&1, :logger)),
    missing_mode: change.(&Keyword.put(&1, :iex, :sometimes)),
    unknown_mode: [applications: [child: :sometimes]],
    kernel_loaded: [applications: [kernel: :load]],
    elixir_none: [applications: [elixir: :none]],
    not_permanent: [applications: [stdlib: :temporary]]
  ]
]
