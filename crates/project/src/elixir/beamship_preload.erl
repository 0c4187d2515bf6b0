%% Loads the modules that a build uses, before Elixir starts. `Beamship.Bridge.Cache` has kept their names in an earlier run, and the
%% compiled bridge with them. Otherwise each would be loaded when it is first called, one after the other. As in a fast start two
%% processes of each scheduler read and prepare them (`beamship_start.erl` says why); the code server gets to know them as ever.
%%
%% It comes compiled by the oldest OTP that is supported, because it runs before anybody knows which one that is, and does not
%% call Elixir, which it loads. What cannot be loaded here is left to whoever calls it.
-module(beamship_preload).
-export([start/0]).

%% How many modules become part of the system at once.
-define(CHUNK, 16).

start() ->
    Directory = filename:dirname(code:which(?MODULE)),
    code:del_path(Directory),
    try
        restore_options(Directory),
        load(filename:dirname(code:where_is_file("elixir.app")))
    catch
        _:_ -> ok
    end.

%% The option that has brought this module here is not for the virtual machines that a build starts.
restore_options(Directory) ->
    Added = unicode:characters_to_binary([" -pa ", Directory, " -s ", atom_to_list(?MODULE)]),
    Options = unicode:characters_to_binary(os:getenv("ELIXIR_ERL_OPTIONS", "")),
    case binary:split(Options, Added) of
        [<<>>, <<>>] -> os:unsetenv("ELIXIR_ERL_OPTIONS");
        [Before, After] -> os:putenv("ELIXIR_ERL_OPTIONS", unicode:characters_to_list([Before, After]));
        _ -> ok
    end.

load(Elixir) ->
    {ok, <<Sum:16/binary, Packed/binary>>} = file:read_file(cache(Elixir)),
    Sum = erlang:md5(Packed),
    {Bridge, Used} = binary_to_term(Packed),
    Directories = #{
        kernel => code:lib_dir(kernel) ++ "/ebin",
        stdlib => code:lib_dir(stdlib) ++ "/ebin",
        compiler => code:lib_dir(compiler) ++ "/ebin",
        elixir => Elixir,
        %% Not in the path yet, in newer versions.
        mix => filename:join([filename:dirname(filename:dirname(Elixir)), "mix", "ebin"])
    },
    Work = #{
        modules => list_to_tuple(Used ++ Bridge),
        next => atomics:new(1, []),
        directories => Directories,
        to => self()
    },
    Schedulers = lists:seq(1, erlang:system_info(schedulers_online)),
    Workers = [start_worker(Scheduler, Work) || Scheduler <- Schedulers, _ <- [1, 2]],
    collect(length(Workers), []).

%% The file as bootstrap.exs calls it, whose arguments are the last ones.
cache(Elixir) ->
    Arguments = init:get_plain_arguments(),
    [_Socket, _Source, Cache, _Color] = lists:nthtail(length(Arguments) - 4, Arguments),
    {ok, Application} = file:read_file(filename:join(Elixir, "elixir.app")),
    [_, Rest] = binary:split(Application, <<"{vsn,\"">>),
    [Version, _] = binary:split(Rest, <<"\"">>),
    lists:concat([Cache, "-elixir", binary_to_list(Version), "-otp", erlang:system_info(otp_release)]).

start_worker(Scheduler, Work) ->
    Start = fun() -> prepare_next(Work) end,
    try
        spawn_opt(Start, [monitor, {scheduler, Scheduler}])
    catch
        error:_ -> spawn_opt(Start, [monitor])
    end.

prepare_next(#{modules := Modules, next := Next, to := Loader} = Work) ->
    case atomics:add_get(Next, 1, 1) of
        Number when Number =< tuple_size(Modules) ->
            [Loader ! {prepared, Prepared} || Prepared <- prepare(element(Number, Modules), Work)],
            prepare_next(Work);
        _ ->
            ok
    end.

prepare({Module, Beam}, _) when is_binary(Beam) ->
    prepare(Module, "", Beam);
prepare({Module, Application}, #{directories := Directories}) ->
    File = filename:join(maps:get(Application, Directories), atom_to_list(Module) ++ ".beam"),
    case erlang:module_loaded(Module) orelse prim_file:read_file(File) of
        {ok, Beam} -> prepare(Module, File, Beam);
        _ -> []
    end.

prepare(Module, File, Beam) ->
    case code:prepare_loading([{Module, File, Beam}]) of
        {ok, Prepared} -> [Prepared];
        {error, _} -> []
    end.

%% Until all workers have ended, of which each one's messages come before the word of its end.
collect(0, Prepared) ->
    finish(Prepared);
collect(Workers, Prepared) when length(Prepared) =:= ?CHUNK ->
    finish(Prepared),
    collect(Workers, []);
collect(Workers, Prepared) ->
    receive
        {prepared, Next} -> collect(Workers, [Next | Prepared]);
        {'DOWN', _, process, _, _} -> collect(Workers - 1, Prepared)
    end.

%% What several calls of code:prepare_loading/1 have prepared, as if it were one.
finish([]) ->
    ok;
finish([{Tag, _} | _] = Prepared) ->
    code:finish_loading({Tag, lists:append([Modules || {_, Modules} <- Prepared])}).
