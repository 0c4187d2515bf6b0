[
  releases: [
    yes: [include_erts: true],
    no: [include_erts: false],
    function_yes: [include_erts: fn -> true end],
    function_no: [include_erts: fn -> fn -> false end end],
    path: [include_erts: "otp/erts-99.0"],
    missing: [include_erts: "otp/erts-1.0"],
    misnamed: [include_erts: "otp/runtime"],
    of_wrong_type: [include_erts: 1]
  ]
]
