// Package bench is the redis-benchmark of the container image, and diskette bench: a load generator. Options, tests,
// output and exit statuses are those of redis-benchmark 7.0, and XADD is 7.2's.
//
//	bench.go            Main: the tests, one after the other
//	options.go usage.go the command line
//	tests.go            a row a test
//	server.go           what is asked of the server before the tests
//	idle.go             -I, and why --cluster is refused
//
//	request.go          the bytes that are sent over and over, and the random digits in them
//	reply.go            counts replies without keeping them
//	load.go             a test while it runs: what its connections share, and what each has to know
//	loop_linux.go       who sends and receives: epoll and plain system calls
//	loop_other.go       the same elsewhere
//	routines.go         and by TLS: a goroutine a connection
//
//	latencies.go        how long answers took, in HdrHistogram's buckets
//	report.go           figures as text, CSV and JSON
//
// # Where it differs from redis-benchmark
//
//   - What can not be right is refused, where that hangs (-n 0, a server that refuses connections, TLS to a port
//     without); --precision 0, at which that dies, is 1; and a test's name that is none's is told of.
//   - Ctrl-C tells the figures of the requests that are done.
//   - --json; titles with quotes are good CSV; times are measured in us, and so a rate is never infinite.
//   - --cluster is refused.
//
// # What it costs
//
// On a small machine the generator takes its processor time from the server. The loops of Linux are told of edges
// alone, so that no call of epoll_ctl is made for a request. Medians of three rounds, one program after the other,
// against a redis-server 7.0 on two cores that others used as well (a load average of 15): processor time of the
// generator and of the server per request, us, and requests a second.
//
//	                         this                   redis-benchmark 7.0.15
//	GET                 10.4   8.3   24,857       14.5   8.6   23,321
//	SET -r -d 100       12.5  12.3    4,411       15.0  12.7    3,549
//	SET -r -P 16         0.9   1.8  107,301        1.2   1.9  104,330
//	GET -c 1            21.1  15.6    7,724       17.7  11.2   17,153
//
// With one connection Go's scheduler is in the way of each wait, and it measures a server as slower than it is there:
// on a busy machine by half.
package bench
