Wait = fun Wait() ->
  case init:get_status() of
    {started, _} -> ok;
    _ -> timer:sleep(50), Wait()
  end
end,
Wait(),
timer:sleep(500),
Load = fun
  Load([], Failed) -> Failed;
  Load(Left, Failed) ->
    {Batch, Rest} = lists:split(min(16, length(Left)), Left),
    New = case code:ensure_modules_loaded(Batch) of ok -> []; {error, Errors} -> Errors end,
    timer:sleep(5),
    Load(Rest, Failed ++ New)
end,
case Load(Modules, []) of
  [] -> application:set_env(kernel, beamship_code, complete);
  Failed ->
    application:set_env(kernel, beamship_code, Failed),
    logger:error("modules of the release cannot be loaded: ~p", [Failed])
end.
