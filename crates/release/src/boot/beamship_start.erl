%% What the script of a fast start calls. It is brought along by the script itself, compiled by the oldest OTP that is
%% supported, and knows nothing of Elixir; the first function runs before any other module is loaded.
-module(beamship_start).
-export([wake_schedulers/0, use_compiled/3, load_later/1]).

%% Lets every scheduler take its part of the modules that are loaded next.
%%
%% They are prepared by processes of one scheduler, and another one that sleeps is woken when enough reductions have been
%% counted. Preparing a module is a single call that counts few: on two cores OTP 29 has loaded everything with one. A process
%% that is bound to a scheduler and wakes for a moment leaves it with an empty queue, and then it takes from the others.
%% `scheduler` is an option of spawn_opt/2 that is not documented; without it the start is slower and nothing else.
wake_schedulers() ->
    try wake(erlang:system_info(schedulers_online)) catch error:_ -> ok end.

wake(0) ->
    ok;
wake(Scheduler) ->
    spawn_opt(fun wait_for_modules/0, [{scheduler, Scheduler}]),
    wake(Scheduler - 1).

%% Until all are loaded and the first process of the kernel is there.
wait_for_modules() ->
    receive after 1 -> ok end,
    case whereis(application_controller) of
        undefined -> wait_for_modules();
        _ -> ok
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
    case load(Modules, []) of
        [] ->
            application:set_env(kernel, beamship_code, complete);
        Failed ->
            application:set_env(kernel, beamship_code, Failed),
            logger:error("modules of the release cannot be loaded: ~p", [Failed])
    end.

wait_for_start() ->
    case init:get_status() of
        {started, _} -> ok;
        _ -> pause(50), wait_for_start()
    end.

load([], Failed) ->
    Failed;
load(Modules, Failed) ->
    {Batch, Rest} = lists:split(min(16, length(Modules)), Modules),
    New =
        case code:ensure_modules_loaded(Batch) of
            ok -> [];
            {error, Errors} -> Errors
        end,
    pause(5),
    load(Rest, Failed ++ New).

pause(Milliseconds) ->
    receive after Milliseconds -> ok end.
