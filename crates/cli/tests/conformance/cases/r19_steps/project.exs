[
  releases: [
    no_list: [steps: :assemble],
    empty: [steps: []],
    two_assembles: [steps: [:assemble, :assemble]],
    tar_first: [steps: [:tar, :assemble]],
    two_tars: [steps: [:assemble, :tar, :tar]],
    unknown: [steps: [:assemble, :deploy]],
    function_of_two: [steps: [:assemble, fn release, _ -> release end]]
  ]
]
