// Package target is where a client's options lead: the server's address, who logs in there, and how TLS is spoken.
// redis-cli and redis-benchmark have them in common.
//
//	target.go   the options, and a connection to where they lead
//	uri.go      redis:// and rediss://
//	tls.go      --tls and what belongs to it
//	reason.go   what hinders a connection, in redis-cli's words
package target
