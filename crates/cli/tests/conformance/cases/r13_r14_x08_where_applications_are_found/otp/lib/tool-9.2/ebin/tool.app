{application, tool, [{description, "x"}, {vsn, "9.2"}, {modules, []}, {registered, []}, {applications, [kernel, stdlib]}]}.
