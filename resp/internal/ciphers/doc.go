// Package ciphers knows the cipher suites that Go's TLS has, by the names that OpenSSL gives them.
//
// Its invariant: a list is taken whole or not at all. OpenSSL leaves out the words that it does not know, so that a
// list that is meant to exclude something may exclude nothing.
package ciphers
