package resp

import (
	"slices"

	"diskette/resp/command"
)

// sessionRows are the commands that work on connections and on the server: each family declares
// its rows beside its functions.
func sessionRows() []*command.Row {
	return slices.Concat(
		connectionRows(), clientRows(), transactionRows(), pubsubRows(), scriptRows(), functionRows(),
		aclRows(), configRows(), memoryRows(), latencyRows(), slowlogRows(), cacheRows(), clusterRows(), replicaRows(), moduleRows(),
		serverRows(), migrateRows())
}

// Commands are all commands, for the documentation. Their rows are nobody's server's.
func Commands() []*command.Row { return commandTable() }

// commandTable is every command: the data commands' rows and the session's.
func commandTable() []*command.Row { return append(command.Rows(), sessionRows()...) }
