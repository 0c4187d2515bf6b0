{application, tool, [{description, "x"}, {vsn, "1.0"}, {modules, []}, {registered, []}, {applications, [kernel, stdlib]}]}.
