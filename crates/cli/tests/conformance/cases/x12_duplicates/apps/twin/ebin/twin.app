{application, twin, [{description, "x"}, {vsn, "1.0.0"}, {modules, ['Elixir.ReleaseTest']}, {registered, []}, {applications, [kernel, stdlib]}]}.
