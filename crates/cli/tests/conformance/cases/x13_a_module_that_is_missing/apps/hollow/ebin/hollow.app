{application, hollow, [{description, "x"}, {vsn, "1.0.0"}, {modules, [hollow]}, {registered, []}, {applications, [kernel, stdlib]}]}.
