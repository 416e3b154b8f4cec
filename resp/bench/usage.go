package bench

import "strings"

func (p Program) usage() string { return strings.ReplaceAll(usage, "PROGRAM", p.Name) }

const usage = `Usage: PROGRAM [OPTIONS] [COMMAND ARGS...]

Puts a server under load and tells how fast it answers. Without a command it runs its own tests.

Where to:
 -h <hostname>      The server's name or address (default 127.0.0.1).
 -p <port>          Its port (default 6379).
 -s <socket>        Its Unix socket, in place of both.
 -u <uri>           redis://[[user]:password@]host[:port][/db], rediss:// for TLS.
 -a <password>      Logs in.
 --user <username>  Logs in as this user; needs -a.
 --dbnum <db>       Selects a database (default 0).
 -3                 Speaks RESP3.

What:
 -t <tests>         Runs these alone, separated by commas: ping_inline, ping_mbulk, ping (both), set, get, incr, lpush,
                    rpush, lpop, rpop, sadd, hset, spop, zadd, zpopmin, lrange_100, lrange_300, lrange_500, lrange_600,
                    lrange (all four), mset, xadd. It goes for nothing with a command.
 -n <requests>      Requests of each test (default 100000).
 -c <clients>       Connections (default 50).
 -P <numreq>        Sends so many requests at a time (default 1).
 -d <size>          Bytes of a value (default 3).
 -r <keyspacelen>   Replaces __rand_int__ in keys, members, scores and a command's words by a random number of 12 digits,
                    from 0 to keyspacelen-1, each time anew. Without it all requests are for the same key.
 -k <boolean>       0 = a connection for each time that something is sent (default 1).
 -x                 The command's last word is read from the standard input.
 -l                 Runs the tests over and over, until Ctrl-C.
 -I                 Opens the connections and sends nothing, until Ctrl-C.
 --threads <num>    Spreads the connections over threads, at most 500.
 --enable-tracking  Sends CLIENT TRACKING on first.
 --cluster          Is refused: everything goes to one server.

How it is told:
 -q                 A line a test.
 --csv              CSV.
 --json             JSON, when all tests are done.
 --precision <num>  Significant digits of the latencies, from 1 to 4 (default 3).

TLS:
 --tls              Speaks TLS.
 --sni <host>       The name that the server is asked for, and whose certificate it has to have.
 --cacert <file>    The authorities that are trusted; --cacertdir <dir> as files in a directory. Otherwise the system's.
 --insecure         Does not look at the server's certificate.
 --cert <file>      A certificate to log in with, and --key <file>, its private key.
 --tls-ciphers <list> and --tls-ciphersuites <list> are what is allowed, by OpenSSL's names: up to TLS 1.2, and TLS 1.3.

 --help             This.
 --version          The version.

An error of the server ends it with status 1. Ctrl-C ends it with the figures that there are.

Examples:
   $ PROGRAM -t set,get -n 1000000 -r 1000000 -q
   $ PROGRAM -h cache.example -c 20 -P 16 --csv
   $ PROGRAM -r 10000 -n 10000 lpush mylist __rand_int__
`
