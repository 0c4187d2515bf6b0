erlang 27.2.1
elix*ir 2.18.3:/mix.exsÎon-otp-27
