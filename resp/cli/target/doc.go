// Package target is where a client's options lead: the server's address, who logs in there, and how TLS is spoken.
// redis-cli and redis-benchmark have them in common.
//
//	target.go   a server and a user, and a connection there
//	options.go  how a command line names them
//	uri.go      redis:// and rediss://
//	tls.go      --tls and what belongs to it
//	reason.go   what hinders a connection, in redis-cli's words
package target
