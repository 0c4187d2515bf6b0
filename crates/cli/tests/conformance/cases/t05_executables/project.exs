[releases: [none: [include_executables_for: []], unix: [include_executables_for: [:unix]], windows: [include_executables_for: [:windows]]]]
