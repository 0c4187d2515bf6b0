{application, tool, [{description, "x"}, {vsn, "10.0"}, {modules, []}, {registered, []}, {applications, [kernel, stdlib]}]}.
