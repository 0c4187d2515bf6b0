%% What the script of a fast start calls. It is brought along by the script itself, compiled by the oldest OTP that is
%% supported, and knows nothing of Elixir; the first function runs before any other module is loaded.
-module(beamship_start).
-export([load_first/2, use_compiled/3, load_later/1]).

%% How many modules become part of the system at once. One by one takes longer; before the start so do many: when the last of
%% them is prepared, what is left to do is done by one process alone.
-define(CHUNK, 16).

%% Loads the modules that a start uses, as fast as the machine can: two processes of each scheduler read and prepare one after
%% the other, and what they have prepared becomes part of the system meanwhile.
%%
%% `primLoad` of the boot script takes twice as long for the last part, because nothing is prepared while a batch of modules becomes
%% part of the system, and leaves schedulers asleep: one that sleeps is woken when enough reductions have been counted, and
%% preparing a module is a single call that counts few. On two cores OTP 29 has loaded everything with one. `scheduler` is an option of
%% spawn_opt/2 that is not documented; without it the start is slower and nothing else.
%%
%% A module comes with the numbers of the directories of the path that may have it. Where the path is not the one of the script,
%% because of `-pa` for instance, all of it is searched. What cannot be loaded here is left to `primLoad`.
load_first(Modules, Length) ->
    {ok, Path} = erl_prim_loader:get_path(),
    Directories = list_to_tuple(Path),
    Search =
        case tuple_size(Directories) of
            Length -> fun(Numbers) -> [element(Number, Directories) || Number <- Numbers] end;
            _ -> fun(_) -> Path end
        end,
    Work = #{modules => list_to_tuple(Modules), next => atomics:new(1, []), search => Search, to => self()},
    Workers = [start_worker(Scheduler, Work) || Scheduler <- schedulers(erlang:system_info(schedulers_online)), _ <- [1, 2]],
    collect(length(Workers), [], []).

schedulers(0) -> [];
schedulers(Number) -> [Number | schedulers(Number - 1)].

start_worker(Scheduler, Work) ->
    Start = fun() -> prepare_next(Work) end,
    try
        spawn_opt(Start, [monitor, {scheduler, Scheduler}])
    catch
        error:_ -> spawn_opt(Start, [monitor])
    end.

prepare_next(#{modules := Modules, next := Next, search := Search, to := Loader} = Work) ->
    case atomics:add_get(Next, 1, 1) of
        Number when Number =< tuple_size(Modules) ->
            {Module, Numbers} = element(Number, Modules),
            %% `init:restart/0` leaves some modules.
            erlang:module_loaded(Module) orelse prepare(Module, Search(Numbers), Loader),
            prepare_next(Work);
        _ ->
            ok
    end.

prepare(_, [], _) ->
    ok;
prepare(Module, [Directory | Directories], Loader) ->
    File = Directory ++ "/" ++ atom_to_list(Module) ++ ".beam",
    case prim_file:read_file(File) of
        {ok, Beam} ->
            Prepared = erlang:prepare_loading(Module, Beam),
            %% A function that runs when its module is loaded may need others, and is left to `primLoad`.
            is_reference(Prepared) andalso not erlang:has_prepared_code_on_load(Prepared) andalso
                (Loader ! {prepared, Prepared, {Module, File}});
        _ ->
            prepare(Module, Directories, Loader)
    end.

%% Until all workers have ended, of which each one's messages come before the word of its end.
collect(0, Prepared, Files) ->
    commit(Prepared, Files);
collect(Workers, Prepared, Files) when length(Prepared) =:= ?CHUNK ->
    commit(Prepared, Files),
    collect(Workers, [], []);
collect(Workers, Prepared, Files) ->
    receive
        {prepared, Next, File} -> collect(Workers, [Next | Prepared], [File | Files]);
        {'DOWN', _, process, _, _} -> collect(Workers - 1, Prepared, Files)
    end.

commit(Prepared, Files) ->
    case erlang:finish_loading(Prepared) of
        %% What `primLoad` says as well: the code server gets to know from `init` which files have been loaded.
        ok -> init ! {self(), loaded, Files};
        _ -> left
    end.

%% Puts the compiled runtime.exs in the place of the provider that would evaluate it, if the file is what was compiled.
use_compiled(Provider, Source, Beam) ->
    {_, {{system, Variable, Path}, _}} = Provider,
    case {os:getenv(binary_to_list(Variable)), application:get_env(elixir, config_provider_init)} of
        {[_ | _] = Root, {ok, #{providers := Providers} = Init}} ->
            case file:read_file(Root ++ binary_to_list(Path)) of
                {ok, Source} ->
                    {module, Module} = erlang:load_module('Elixir.Beamship.RuntimeConfig', Beam),
                    Compiled = [case Given of Provider -> {Module, Provider}; _ -> Given end || Given <- Providers],
                    application:set_env(elixir, config_provider_init, Init#{providers := Compiled});
                _ ->
                    ok
            end;
        _ ->
            ok
    end.

%% Loads the modules when the system has started, in small batches.
load_later(Modules) ->
    wait_for_start(),
    pause(500),
    try load(Modules, []) of
        [] ->
            application:set_env(kernel, beamship_code, complete);
        Failed ->
            application:set_env(kernel, beamship_code, Failed),
            logger:error("modules of the release cannot be loaded: ~p", [Failed])
    catch
        %% The code server has gone: the system stops.
        Class:Reason:Stack ->
            wait_for_start(),
            erlang:raise(Class, Reason, Stack)
    end.

%% While the system stops `init` does not answer, and whoever asks ends with it.
wait_for_start() ->
    case init:get_status() of
        {started, _} -> ok;
        _ -> pause(50), wait_for_start()
    end.

load([], Failed) ->
    Failed;
load(Modules, Failed) ->
    wait_for_start(),
    {Batch, Rest} = lists:split(min(?CHUNK, length(Modules)), Modules),
    load_prepared(prepare_each(Batch)),
    %% What is still to be loaded (a function that runs when its module is loaded is left to this), and what cannot be.
    New =
        case code:ensure_modules_loaded(Batch) of
            ok -> [];
            {error, Errors} -> Errors
        end,
    pause(5),
    load(Rest, Failed ++ New).

%% Prepares the modules one after the other. The code server would prepare all of them at once, in processes of normal priority:
%% a request that comes then waits until half of them are done.
prepare_each([]) ->
    [];
prepare_each([Module | Modules]) ->
    case erlang:module_loaded(Module) orelse code:get_object_code(Module) of
        {_, Beam, File} ->
            case code:prepare_loading([{Module, File, Beam}]) of
                {ok, Prepared} -> [Prepared | prepare_each(Modules)];
                {error, _} -> prepare_each(Modules)
            end;
        _ ->
            prepare_each(Modules)
    end.

%% All at once: for each time that code becomes part of the system, all of it is looked through. How prepared modules are put
%% together is not documented; where it is another way, they are loaded as if they had not been prepared.
load_prepared([]) ->
    ok;
load_prepared([{Tag, _} | _] = Prepared) ->
    try code:finish_loading({Tag, lists:append([Modules || {_, Modules} <- Prepared])}) of
        _ -> ok
    catch
        error:_ -> ok
    end;
load_prepared(_) ->
    ok.

pause(Milliseconds) ->
    receive after Milliseconds -> ok end.
