{_, {{system, Variable, Path}, _}} = Provider,
case {os:getenv(binary_to_list(Variable)), application:get_env(elixir, config_provider_init)} of
  {[_ | _] = Root, {ok, #{providers := Providers} = Init}} ->
    case file:read_file(Root ++ binary_to_list(Path)) of
      {ok, Source} ->
        {module, Module} = erlang:load_module('Elixir.Beamship.RuntimeConfig', Beam),
        Compiled = [case Given of Provider -> {Module, Provider}; _ -> Given end || Given <- Providers],
        application:set_env(elixir, config_provider_init, Init#{providers := Compiled});
      _ -> ok
    end;
  _ -> ok
end.
