package resp

// luaStats is what INFO tells about scripts and functions.
type luaStats struct {
	scripts, libraries, functions int
	scriptBytes, libraryBytes     int64 // of their texts
	evalBytes, functionBytes      int64 // of the Luas that they run in: their stacks, which are most of it
}

// luaStats takes the figures. The caller holds the keyspace lock.
func (s *Server) luaStats() (l luaStats) {
	l.scripts, l.scriptBytes = len(s.scripts.bySHA), s.scripts.bytes
	l.libraries, l.functions = len(s.libraries.byName), len(s.libraries.all)
	for _, lib := range s.libraries.byName {
		l.libraryBytes += int64(len(lib.code))
	}
	if e := s.scripts.engine; e != nil {
		l.evalBytes = e.lua.StackBytes()
	}
	if e := s.libraries.engine; e != nil {
		l.functionBytes = e.lua.StackBytes()
	}
	return l
}

func (l *luaStats) write(t *infoText) {
	t.line("used_memory_lua", l.evalBytes)
	t.line("used_memory_vm_eval", l.evalBytes)
	t.line("used_memory_lua_human", humanBytes(l.evalBytes))
	t.line("used_memory_scripts_eval", l.scriptBytes)
	t.line("number_of_cached_scripts", l.scripts)
	t.line("number_of_functions", l.functions)
	t.line("number_of_libraries", l.libraries)
	t.line("used_memory_vm_functions", l.functionBytes)
	t.bytes("used_memory_vm_total", l.evalBytes+l.functionBytes)
	t.line("used_memory_functions", l.libraryBytes)
	t.bytes("used_memory_scripts", l.scriptBytes+l.libraryBytes)
}
