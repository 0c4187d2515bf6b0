[releases: [release_test: [include_erts: "otp/erts-99.0", applications: [child: :load, tool: :load]]]]
