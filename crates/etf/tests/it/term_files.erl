%% For every term file under the root of OTP and the directory in Arguments: its bytes, its terms as both versions of
%% term_to_binary write them (or the atom error), and each term as ~tp and ~tw.
[Elixir] = Arguments,
Regex = "\\.(app|appup|rel|script|config|src|relup)$|^start[^.]*\\.script$",
Find = fun(Root, Pattern) -> filelib:fold_files(Root, Pattern, true, fun(F, Acc) -> [F | Acc] end, []) end,
Roots = [code:root_dir(), Elixir],
Text = fun(Format, T) -> unicode:characters_to_binary(io_lib:format(Format, [T])) end,
Files = [begin
             {ok, Bytes} = file:read_file(F),
             Terms = case file:consult(F) of
                         {ok, Ts} -> [{term_to_binary(T), term_to_binary(T, [{minor_version, 2}]), Text("~tp", T), Text("~tw", T)} || T <- Ts];
                         {error, _} -> error
                     end,
             {unicode:characters_to_binary(F), Bytes, Terms}
         end || Root <- Roots, F <- lists:sort(Find(Root, Regex)), filelib:is_regular(F)],
Boots = [begin {ok, Bytes} = file:read_file(F), {unicode:characters_to_binary(F), Bytes} end
         || Root <- Roots, F <- Find(Root, "\\.boot$"), filelib:is_regular(F)],
Answer = {Files, Boots}
