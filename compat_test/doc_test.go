// Package compat_test looks at the server from outside, over sockets, as a
// client does. Its scripts hold commands and the replies that redis-server
// 7.0.15 gave, or 7.4.1 where it is asked for; the tests replay them against a freshly built diskette.
//
//	go test ./compat_test            build diskette, replay all scripts against it
//	go test ./compat_test -live      the same beside a live redis-server: it must still
//	                                 answer as recorded, and Diskette as it does
//	go test ./compat_test -run TestScripts$ -record
//	                                 ask redis-server again and rewrite the scripts in place
//	go test ./compat_test -redis PATH -run TestScripts$ -record
//	                                 the same with another redis-server: 7.4 records the blocks that ask for it, and
//	                                 is compared with in these alone if -live is given
//	go test ./compat_test -bin PATH  test the server at PATH; redis-server takes the same arguments
//
// DISKETTE_LIVE=1, DISKETTE_RECORD=1, DISKETTE_REDIS=PATH and DISKETTE_BIN=PATH say the same where flags
// cannot be given (go test ./...). A missing redis-server fails -live and -record. A random test that
// fails names the DISKETTE_SEED that repeats it.
//
// # Scripts
//
// A script is a text file, scripts/FAMILY.txt, made of blocks set apart by blank
// lines. A block is one test. Its first line is the test's name, a sentence:
//
//	# SET NX leaves an existing key alone
//	> SET k v NX
//	+OK
//	> SET k w NX
//	(nil)
//
// Every block begins after FLUSHALL with new connections, and runs twice: in
// RESP2, and after HELLO 3 in RESP3. A paragraph of comments alone is prose.
// Comment lines below a block's name may say more about the whole block:
//
//	# server: --requirepass x    runs on a server of its own with these arguments
//	# redis: 7.4                 is recorded from Redis 7.4, as 7.0 answers in another way: Diskette must answer so
//	                             always, a live redis-server only if it is that version
//	# redis: none                is written by hand: a real server does something else, or knows no such command;
//	                             the reason stands on a line of its own below
//	# only: resp2                runs in one protocol; without HELLO if resp2
//
// # Steps
//
//	> GET k           send a command, in redis-cli's quoting, on connection 1, and read its reply
//	@2> GET k         the same on connection 2; it is opened when first named
//	@2& GET k         send, do not read
//	@2<               read one reply
//	@2 raw> "*1\r\n"  send these bytes; the reply is the bytes that come back. "x"*100 repeats, parts are joined
//	@2 close          hang up; the next use dials anew
//	scan> SCAN MATCH a* COUNT 3
//	                  iterate from cursor 0 to the end; the reply is the sorted union of what came back.
//	                  HSCAN, SSCAN and ZSCAN name their key first: scan> HSCAN h COUNT 3
//	@2 blocked        wait until the server has connection 2 waiting in a blocking command
//	@2 gone           wait until the server has noticed that connection 2 is closed
//	@2 until TEXT     wait until INFO, asked for on connection 2, has a line that begins so
//	sleep 20          wait, in milliseconds: for a time to pass, not for what the server does, which may take longer
//	full              bring the server to its bound, where nothing may be evicted: maxmemory 1 for redis-server, for
//	                  Diskette a maxdisk-db of a byte for database 0, in which there must be a key
//	room              take the bound away; so does the block's end
//
// An argument may be computed: <now+10> and <ms+10> are unix seconds and
// milliseconds, <x*100> is a hundred x, <addr2> is the client address of
// connection 2, and <id> is what an earlier reply :<id> captured.
//
// # Replies
//
//	+OK                  simple string        (nil)            $-1; in RESP3 the null
//	-ERR no              error                (nil array)      *-1; in RESP3 the null
//	-"ERR no "           an error that ends with a space
//	:12                  integer              (true) (false)   booleans
//	"a\r\n\x00"          bulk string          ,1.5             double
//	=txt "a"             verbatim string      (big) 123        big number
//	1) "a"               array                1# "k" => "v"    map
//	2) 1) "nested"                            1~ "a"           set
//	(empty array)        also map, set, push  1> "a"           push
//	(no reply)           nothing came         (closed)         the server hung up
//
// Sets and maps compare in any order. What no recording can hold is a pattern:
//
//	:95..100             an integer in this range
//	:<id>                any integer, kept under that name
//	bulk~ RE             a bulk string that the regular expression matches whole; also simple~ and error~
//	text~ RE             a bulk string in RESP2, a verbatim one in RESP3
//	(any)                anything; (any bulk), (any integer), (any array), (any map) ...: of that type
//	(any order)          on a line above an array: in any order
//	(any order of pairs) the same for an array of keys and values
//	(at least)           above an array, set or map: these elements and perhaps more
//	(at least pairs)     the same for an array of keys and values
//
// A reply may be followed by replies for other cases, each below a line that says when:
//
//	@resp3               what the recording server says in RESP3, where it differs
//	@7.2 REASON          what Redis 7.2 says instead; Diskette must, too
//	@7.2 resp3 REASON    the same in RESP3 alone
//	@diskette REASON     where Diskette differs from both, and why that is right
//
// Recording keeps every reply that still matches, patterns with it, and
// replaces the others; @7.2 and @diskette replies are never touched. So a new
// block needs its commands alone: -record fills in the rest.
package compat_test
