package cli

// What is refused, with the reason.
const (
	errDebugger = errSaid("--ldb: this server has no Lua debugger. --eval without it runs the script.")
	errCluster  = errSaid("--cluster: this server is one machine and no cluster, so that there is nothing to manage. -c is accepted.")
	errLRUTest  = errSaid("--lru-test: this redis-cli has no such test. keyspace_hits and keyspace_misses of INFO stats show how well a cache does.")
)

const usage = version + `

Usage: redis-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>        Server hostname (default: 127.0.0.1).
  -p <port>            Server port (default: 6379).
  -s <socket>          Server socket (overrides hostname and port).
  -a, --pass <pw>      Password. The environment variable REDISCLI_AUTH is safer.
  --user <username>    User of the password.
  --askpass            Ask for the password; -a and REDISCLI_AUTH are ignored.
  -u <uri>             redis://[[user]:password@]host[:port][/db], rediss:// for TLS.
  -n <db>              Database number.
  -2, -3               RESP2 (default) or RESP3.
  -c                   Follow the redirections of a cluster.
  -r <repeat>          Run the command N times, -1 = for ever.
  -i <interval>        Seconds between repetitions, such as 0.1; also of --scan and --stat,
                       and of --bigkeys, --memkeys and --hotkeys between 100 keys.
  -x                   Read the last argument from standard input.
  -X <tag>             Read the argument that is <tag> from standard input.
  -e                   Exit with status 1 when a command fails.
  --quoted-input       Arguments are quoted, as in '"a\x00b"'.
  --eval <file>        Run a Lua script: --eval file key key , arg arg

Output
  --raw, --no-raw      Raw replies (default when the output is no terminal), or not.
  -d <delimiter>       Between the items of a raw reply (default: line's end).
  -D <delimiter>       After each raw reply (default: line's end).
  --csv                Comma-separated values.
  --json               JSON (over RESP3 unless -2 is given); --quoted-json in ASCII.
  --show-pushes <yn>   Show RESP3 push messages (default: on a terminal).

TLS
  --tls                Connect by TLS.
  --sni <host>         The server's name in the handshake.
  --cacert <file>      Authorities to trust; --cacertdir <dir> a directory of them.
                       Default: those of the system.
  --insecure           Trust any certificate.
  --cert <file>        Certificate to show, with its key: --key <file>.
  --tls-ciphers <list> --tls-ciphersuites <list>
                       Ciphers to use, up to TLS 1.2 and of TLS 1.3, OpenSSL's names with colons between.

Looking at a server
  --scan               List all keys. --pattern <pat> or --quoted-pattern <pat>: those that
                       match, for --bigkeys, --memkeys and --hotkeys, too.
  --bigkeys            The keys with the most elements; --memkeys with the most memory, of
                       --memkeys-samples <n> elements of each key.
  --hotkeys            The keys that are used most (needs an LFU maxmemory-policy).
  --stat               A line of figures each second.
  --latency            Time of a PING, without end on a terminal; --latency-history each 15
                       seconds anew, --latency-dist as a spectrum of 256 colours (--mono: greys).
  --intrinsic-latency <sec>
                       What this machine alone delays, without a server.

Bulk
  --pipe               Send raw protocol from standard input.
  --pipe-timeout <n>   Seconds that --pipe waits for replies (default: 30, 0 = for ever).
  --rdb <file>         Fetch a dump.rdb, - = to standard output; --functions-rdb <file> the
                       functions alone.
  --replica            Show the commands that a replica receives.

  --no-auth-warning    No warning about a password on the command line.
  --verbose            Accepted.
  --help, --version

Without a command, commands are typed, or read from standard input, one a line. help lists
what there is to know of each; ~/.redisclirc holds settings, :set nohints for example.
~/.rediscli_history keeps the lines (REDISCLI_HISTFILE names another file), without passwords.
`
