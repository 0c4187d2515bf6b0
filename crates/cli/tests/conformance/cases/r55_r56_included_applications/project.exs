[
  releases: [
    included: [applications: [includer: :permanent]],
    none: [applications: [includer: :permanent, included: :none]],
    both: [applications: [includer: :permanent, uses_included: :permanent]]
  ]
]
