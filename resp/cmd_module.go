package resp

import "diskette/resp/command"

// There are no modules. What asks about them is answered as a Redis without any does; what would load one is refused.

func moduleRows() []*command.Row {
	return []*command.Row{
		{Name: "module", Arity: -2,
			Group: "server", Since: "4.0.0", Doc: "Tells that there are no modules.", Subs: []*command.Row{
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "5.0.0", Doc: "Explains the subcommands."},
				{Name: "list", Arity: 2, Flags: command.Admin | command.Noscript, Conn: onClient(moduleList),
					Since: "4.0.0", Tips: "nondeterministic_output_order", Cost: "O(N) in the number of modules",
					Doc: "Returns no modules: there are none."},
				{Name: "load", Arity: -3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "4.0.0", Usage: "<path> [<arg> ...]", Args: "path [arg...]",
					Doc: "Refused: there are no modules."},
				{Name: "loadex", Arity: -3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "7.0.0", Usage: "<path> [CONFIG <name> <value> [...]] [ARGS <arg> [...]]",
					Args: "path [CONFIG configs{name value}...] [ARGS args{arg}...]",
					Doc:  "Refused: there are no modules."},
				{Name: "unload", Arity: 3, Flags: command.Admin | command.Noscript | command.NoAsyncLoading, Conn: onClient(moduleOff),
					Since: "4.0.0", Usage: "<name>", Args: "name", Doc: "Refused: there are no modules."},
			}},
	}
}

var errModuleOff = command.ErrorReply(`ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`)

func moduleList(*client, *command.Call) command.Reply { return command.Array() }
func moduleOff(*client, *command.Call) command.Reply  { return errModuleOff }
