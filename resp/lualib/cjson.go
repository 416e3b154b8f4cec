package lualib

import lua "github.com/yuin/gopher-lua"

func (s *State) cjsonLibrary() *lua.LTable                  { return s.L.NewTable() }
func (s *State) cmsgpackLibrary() *lua.LTable               { return s.L.NewTable() }
func (s *State) structFunctions() map[string]lua.LGFunction { return nil }
func (s *State) bitFunctions() map[string]lua.LGFunction    { return nil }
