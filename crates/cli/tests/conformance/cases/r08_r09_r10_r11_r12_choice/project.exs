[
  default_release: :listed,
  releases: [made_by_function: fn -> [version: "0.3.0"] end, listed: [version: "0.4.0"]]
]
