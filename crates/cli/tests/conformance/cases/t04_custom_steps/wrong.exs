[
  releases: [
    no_release: [steps: [fn _ -> :done end, :assemble]],
    changed_name: [steps: [&%{&1 | name: :other}, :assemble]],
    second_assembly: [steps: [:assemble, &%{&1 | steps: [:assemble]}]]
  ]
]
