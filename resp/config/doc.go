// Package config is the configuration: the conf file and the arguments at the start, CONFIG GET, SET and REWRITE.
//
// Its invariant: a change is seen whole or not at all. The settings are one list that is replaced, never changed.
//
// Locks: Config.changing is held by Set and Rewrite while they work, and while they call those who asked to hear of
// changes, who take locks of their own. Reading takes none.
//
//	config.go table.go kinds.go   settings; every parameter; how values are read and shown
//	conffile.go rewrite.go        lines to settings, and back
package config
