package resp

// There is one server: no replicas, no cluster, no modules. What asks about them is answered as a Redis without them does;
// what would set one up is refused.

var (
	errClusterOff  = errorReply("ERR This instance has cluster support disabled")
	errModuleOff   = errorReply(`ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`)
	errNoReplicas  = errorReply("ERR FAILOVER requires connected replicas.")
	errReplication = errorReply("ERR replication is not supported: this server has no replicas and is none")
)

func role(*client, *call) Reply {
	return array(bulkString("master"), replyZero, array())
}

// replicaof is SLAVEOF, too: NO ONE is what this server is.
func replicaof(_ *client, c *call) Reply {
	if c.is(1, "NO") && c.is(2, "ONE") {
		return replyOK
	}
	if port, ok := c.int(2); !ok || port < 0 || port > 65535 {
		return errorReply("ERR Invalid master port")
	}
	return errReplication
}

func failover(_ *client, c *call) Reply {
	var to, force, abort, timeout bool
	for i := 1; i < len(c.args); i++ {
		more := len(c.args) - 1 - i
		switch {
		case c.is(i, "TIMEOUT") && more >= 1 && !timeout:
			millis, ok := c.int(i + 1)
			if !ok {
				return errNotInteger
			}
			if millis <= 0 {
				return errorReply("ERR FAILOVER timeout must be greater than 0")
			}
			timeout = true
			i++
		case c.is(i, "ABORT") && !abort:
			abort = true
		case c.is(i, "TO") && more >= 2 && !to:
			if _, ok := c.int(i + 2); !ok {
				return errNotInteger
			}
			to = true
			i += 2
		case c.is(i, "FORCE") && !force:
			force = true
		default:
			return errSyntax
		}
	}
	switch {
	case abort && len(c.args) > 2:
		return errSyntax
	case abort:
		return errorReply("ERR No failover in progress.")
	}
	return errNoReplicas
}

// refuseReplication is the reply to who wants to be a replica: PSYNC, SYNC and REPLCONF.
func refuseReplication(*client, *call) Reply { return errReplication }

func clusterOff(*client, *call) Reply { return errClusterOff }

func moduleList(*client, *call) Reply { return array() }
func moduleOff(*client, *call) Reply  { return errModuleOff }
