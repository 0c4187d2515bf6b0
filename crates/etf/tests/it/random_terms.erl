%% For every term in the file in Arguments: the term in both encodings, its texts; and the order of all.
[Input] = Arguments,
{ok, Bytes} = file:read_file(Input),
Terms = binary_to_term(Bytes),
Text = fun(Format, T) -> unicode:characters_to_binary(io_lib:format(Format, [T])) end,
Answers = [{term_to_binary(T), term_to_binary(T, [{minor_version, 2}]), Text("~tp", T), Text("~tw", T)} || T <- Terms],
Numbered = lists:zip(Terms, lists:seq(1, length(Terms))),
Sorted = [N || {_, N} <- lists:sort(fun({A, _}, {B, _}) -> A =< B end, Numbered)],
Answer = {Answers, Sorted}
