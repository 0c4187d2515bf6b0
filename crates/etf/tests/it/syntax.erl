%% What file:consult/1 makes of each text in the file in Arguments; error if it refuses.
[Input] = Arguments,
{ok, Bytes} = file:read_file(Input),
Scratch = Input ++ ".text",
Answer = [begin
              ok = file:write_file(Scratch, Text),
              try file:consult(Scratch) of
                  {ok, Terms} -> {ok, term_to_binary(Terms)};
                  {error, _} -> error
              catch _:_ -> error
              end
          end || Text <- binary_to_term(Bytes)]
