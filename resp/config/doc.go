// Package config is the configuration: the conf file and the arguments at the start, CONFIG GET, SET and REWRITE.
//
// Its invariant: a change is seen whole or not at all. The settings are one list that is replaced, never changed.
//
// Locks: Config.changing is held by Set and Rewrite while they work, and while they call those who asked to hear of
// changes, who take locks of their own. Reading takes none.
//
//	config.go                            settings; what is read and changed while the server runs
//	table.go table_newer.go reasons.go   every parameter; why some do nothing here
//	kinds.go                             how values are read and shown: what all have, words and choices
//	kinds_number.go kinds_list.go        numbers and sizes; values of several words
//	output_limits.go tls_*.go bounds.go  those that have a form of their own
//	kinds_admin.go                       where the admin page is
//	conffile.go rewrite.go               lines to settings, and back
//	reference.go                         what the documentation says of parameters
//	advice.go modules.go                 what to do about a line that is wrong; why loadmodule is refused
package config
