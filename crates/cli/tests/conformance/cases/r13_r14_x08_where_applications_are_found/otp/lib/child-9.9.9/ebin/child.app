{application, child, [{description, "x"}, {vsn, "9.9.9"}, {modules, []}, {registered, []}, {applications, [kernel, stdlib]}]}.
