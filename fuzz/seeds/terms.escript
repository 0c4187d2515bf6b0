#!/usr/bin/env escript
%% Writes what a node really says: terms.escript KIND DIRECTORY.
%%   etf_decode     external terms of every kind
%%   node_messages  answers of EPMD, the handshake, and messages between connected nodes
main([Kind, Directory]) ->
    Seeds = case Kind of "etf_decode" -> encoded(terms()); "node_messages" -> messages() end,
    lists:foreach(
        fun({Number, Bytes}) ->
            ok = file:write_file(filename:join(Directory, "seed-" ++ integer_to_list(Number)), Bytes)
        end,
        lists:enumerate(Seeds)
    ).

terms() ->
    Files = filelib:wildcard(filename:join([code:lib_dir(), "*", "ebin", "*.app"])),
    Resources = [Term || File <- Files, {ok, [Term]} <- [file:consult(File)]],
    {ok, Script} = file:read_file(filename:join([code:root_dir(), "bin", "start_clean.boot"])),
    [
        [], <<>>, <<5:3>>, 'an atom', 'häß', '☂', 0, -1, 255, 256, 1 bsl 70, -(1 bsl 2100), 1.5, -0.0,
        {}, list_to_tuple(lists:seq(1, 300)), "text", [1 | 2], lists:seq(1, 70), #{a => #{<<"b">> => [c]}, 1.0 => 1},
        self(), make_ref(), fun lists:map/2, fun() -> make_ref() end, hd(erlang:ports()),
        binary:copy(<<"abc">>, 100), binary_to_term(Script) | lists:sublist(Resources, 20)
    ].

encoded(Terms) ->
    [term_to_binary(Term, Options) || Term <- Terms, Options <- [[], [compressed], [{minor_version, 0}]]].

messages() ->
    {Us, Them} = {self(), whereis(init)},
    Reference = make_ref(),
    Reason = {badarg, [{erlang, hd, [[]], []}]},
    Control = [
        {[{2, '', Us}], {Reference, ok}}, {[{22, Them, Us}], hello}, {[{6, Them, '', rex}], {'$gen_call', {Us, Reference}, x}},
        {[{3, Them, Us, Reason}], none}, {[{8, Them, Us, killed}], none}, {[{21, Them, Us, Reference, noproc}], none},
        {[{24, Them, Us}], Reason}, {[{28, Them, Us, Reference}], Reason}, {[{31, Reference, Us, 0, Them}], none},
        {[{29, Reference, Them, Them, {erlang, apply, 2}, [monitor]}], [fun lists:map/2, []]},
        {[{35, 17, Them, Us}], none}, {[{12, '', Us, {0, <<"token">>, 1, Us, 0}}], traced}
    ],
    Frames = [
        [112, term_to_binary(Fields) | [term_to_binary(Payload) || Payload =/= none]]
     || {[Fields], Payload} <- Control
    ],
    [
        <<119, 0, 4369:16, 77, 0, 6:16, 5:16, 4:16, "demo", 0:16>>, <<119, 1>>,
        <<"sok">>, <<"snot_allowed">>, <<"snamed:", 20:16, "name@127.0.0.1.local", 7:32>>,
        <<"N", 16#d07df7fbd:64, 12345:32, 7:32, 14:16, "demo@127.0.0.1">>, <<>>
        | Frames
    ].
