%% coding: utf-8
{application, odd, [{description, "Größe 日本"}, {vsn, "1.0.0"}, {modules, []}, {registered, []}, {applications, [kernel, stdlib]}]}.
