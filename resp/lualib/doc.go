// Package lualib is the Lua 5.1 that scripts run in: compiler, sandbox, libraries and limits, as
// Redis 7 has them, without anything of the server. It knows no keys and no commands: whoever
// runs scripts adds the redis table with SetGlobal.
package lualib
