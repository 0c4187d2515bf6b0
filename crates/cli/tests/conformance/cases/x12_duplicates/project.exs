[releases: [names: [applications: [registers: :permanent, registers_too: :permanent]], modules: [applications: [twin: :permanent]]]]
