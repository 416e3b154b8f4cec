package resp

import (
	"slices"

	"diskette/resp/command"
	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
)

func pubsubRows() []*command.Row {
	return []*command.Row{
		{Name: "psubscribe", Arity: -2, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Conn:  onClient(subscribeTo(toPattern)),
			Group: "pubsub", Since: "2.0.0", Args: "pattern(pattern)...", Cost: "O(N) in the number of patterns",
			Doc: "Listens to the channels that match patterns."},
		{Name: "publish", Arity: 3, Flags: command.Pubsub | command.Loading | command.Stale | command.Fast | command.MayReplicate,
			Conn:  onClient(publishTo(toChannel)),
			Group: "pubsub", Since: "2.0.0", Args: "channel message",
			Cost: "O(N+M) in the channel's listeners and all patterns",
			Doc:  "Sends a message to a channel's listeners."},
		{Name: "pubsub", Arity: -2,
			Group: "pubsub", Since: "2.8.0", Cats: "-pubsub", Doc: "Tells who listens to what.", Subs: []*command.Row{
				{Name: "channels", Arity: -2, Flags: command.Pubsub | command.Loading | command.Stale, Conn: onClient(pubsubChannels),
					Since: "2.8.0", Usage: "[<pattern>]", Args: "[pattern(pattern)]",
					Cost: "O(N) in the number of active channels", Doc: "Names the channels that somebody listens to."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Conn: command.Help,
					Since: "6.2.0", Cats: "-pubsub", Doc: "Explains the subcommands."},
				{Name: "numpat", Arity: 2, Flags: command.Pubsub | command.Loading | command.Stale, Conn: onClient(pubsubNumpat),
					Since: "2.8.0", Doc: "Counts the patterns that somebody listens to."},
				{Name: "numsub", Arity: -2, Flags: command.Pubsub | command.Loading | command.Stale, Conn: onClient(pubsubNumsub),
					Since: "2.8.0", Usage: "[<channel> ...]", Args: "[channel...]",
					Cost: "O(N) in the number of channels", Doc: "Counts channels' listeners."},
				{Name: "shardchannels", Arity: -2, Flags: command.Pubsub | command.Loading | command.Stale, Conn: onClient(pubsubShardchannels),
					Since: "7.0.0", Usage: "[<pattern>]", Args: "[pattern(pattern)]",
					Cost: "O(N) in the number of active shard channels",
					Doc:  "Names the shard channels that somebody listens to."},
				{Name: "shardnumsub", Arity: -2, Flags: command.Pubsub | command.Loading | command.Stale, Conn: onClient(pubsubShardnumsub),
					Since: "7.0.0", Usage: "[<shardchannel> ...]", Args: "[shardchannel...]",
					Cost: "O(N) in the number of shard channels", Doc: "Counts shard channels' listeners."},
			}},
		{Name: "punsubscribe", Arity: -1, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Conn:  onClient(unsubscribeFrom(toPattern)),
			Group: "pubsub", Since: "2.0.0", Args: "[pattern(pattern)...]", Cost: "O(N) in the number of patterns",
			Doc: "Stops listening to patterns, or to all."},
		{Name: "spublish", Arity: 3, Flags: command.Pubsub | command.Loading | command.Stale | command.Fast | command.MayReplicate, Keys: command.KeyAt(1, "not_key"),
			Conn:  onClient(publishTo(toShard)),
			Group: "pubsub", Since: "7.0.0", Args: "shardchannel message",
			Cost: "O(N) in the shard channel's listeners", Doc: "Sends a message to a shard channel's listeners."},
		{Name: "ssubscribe", Arity: -2, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Keys: command.KeysFrom(1, -1, 1, "not_key"), Conn: onClient(subscribeTo(toShard)),
			Group: "pubsub", Since: "7.0.0", Args: "shardchannel...", Cost: "O(N) in the number of shard channels",
			Doc: "Listens to shard channels."},
		{Name: "subscribe", Arity: -2, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Conn:  onClient(subscribeTo(toChannel)),
			Group: "pubsub", Since: "2.0.0", Args: "channel...", Cost: "O(N) in the number of channels",
			Doc: "Listens to channels."},
		{Name: "sunsubscribe", Arity: -1, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Keys: command.KeysFrom(1, -1, 1, "not_key"), Conn: onClient(unsubscribeFrom(toShard)),
			Group: "pubsub", Since: "7.0.0", Args: "[shardchannel...]", Cost: "O(N) in the number of shard channels",
			Doc: "Stops listening to shard channels, or to all."},
		{Name: "unsubscribe", Arity: -1, Flags: command.Pubsub | command.Noscript | command.Loading | command.Stale | command.InPubsub,
			Conn:  onClient(unsubscribeFrom(toChannel)),
			Group: "pubsub", Since: "2.0.0", Args: "[channel...]", Cost: "O(N) in the number of channels",
			Doc: "Stops listening to channels, or to all."},
	}
}

// subscribeTo is SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE.
func subscribeTo(kind subscriptionKind) func(*client, *command.Call) command.Reply {
	return func(cl *client, c *command.Call) command.Reply {
		cl.startPushes()
		var confirmed []command.Reply
		for _, name := range c.Args[1:] {
			cl.srv.pubsub.subscribe(cl, kind, string(name))
			confirmed = append(confirmed, command.Push(command.BulkString(subscriptionWords[kind].subscribe), command.Bulk(name), command.Integer(cl.subscriptions.counted(kind))))
		}
		cl.noteSubscribed()
		cl.srv.arrivals.note(cl)
		return command.Series(confirmed...)
	}
}

// unsubscribeFrom is UNSUBSCRIBE, PUNSUBSCRIBE and SUNSUBSCRIBE: from what is named, or from all.
func unsubscribeFrom(kind subscriptionKind) func(*client, *command.Call) command.Reply {
	return func(cl *client, c *command.Call) command.Reply {
		word := command.BulkString(subscriptionWords[kind].unsubscribe)
		var names []string
		for _, name := range c.Args[1:] {
			names = append(names, string(name))
		}
		if len(c.Args) == 1 {
			names = cl.srv.pubsub.names(cl, kind)
			slices.Sort(names)
		}
		if len(names) == 0 {
			return command.Push(word, command.ReplyNull, command.Integer(cl.subscriptions.counted(kind)))
		}
		var confirmed []command.Reply
		for _, name := range names {
			cl.srv.pubsub.unsubscribe(cl, kind, name)
			confirmed = append(confirmed, command.Push(word, command.BulkString(name), command.Integer(cl.subscriptions.counted(kind))))
		}
		cl.noteSubscribed()
		return command.Series(confirmed...)
	}
}

// publishTo is PUBLISH and SPUBLISH.
func publishTo(kind subscriptionKind) func(*client, *command.Call) command.Reply {
	return func(cl *client, c *command.Call) command.Reply {
		publish := func() int {
			return cl.srv.pubsub.publish(cl, kind, words.ViewString(c.Args[1]), words.ViewString(c.Args[2]), 0)
		}
		cl.srv.replicas.published(cl, c)
		if c.Locked {
			return command.Integer(publish())
		}
		cl.giveWay(c.Now)
		n := publish()
		if n == 0 && cl.srv.arrivals.arriving(c.Now) && cl.letEarlierRun(c.Now) {
			n = publish()
		}
		return command.Integer(n)
	}
}

func pubsubChannels(cl *client, c *command.Call) command.Reply {
	return cl.srv.pubsub.active(c, toChannel)
}
func pubsubShardchannels(cl *client, c *command.Call) command.Reply {
	return cl.srv.pubsub.active(c, toShard)
}

// active lists the channels that somebody listens to, all or those that match a pattern.
func (p *listeners) active(c *command.Call, kind subscriptionKind) command.Reply {
	if len(c.Args) > 3 {
		return command.ErrSubcommandSyntax(c)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var names []string
	for name := range p.mu.byName[kind] {
		if len(c.Args) == 2 || glob.Match(c.Args[2], words.ViewBytes(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return command.BulkStrings(names)
}

func pubsubNumsub(cl *client, c *command.Call) command.Reply {
	return cl.srv.pubsub.numsub(c, toChannel)
}
func pubsubShardnumsub(cl *client, c *command.Call) command.Reply {
	return cl.srv.pubsub.numsub(c, toShard)
}

func (p *listeners) numsub(c *command.Call, kind subscriptionKind) command.Reply {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var elems []command.Reply
	for _, name := range c.Args[2:] {
		elems = append(elems, command.Bulk(name), command.Integer(len(p.mu.byName[kind][string(name)])))
	}
	return command.Array(elems...)
}

func pubsubNumpat(cl *client, _ *command.Call) command.Reply {
	_, patterns, _ := cl.srv.pubsub.counts()
	return command.Integer(patterns)
}

// noteSubscribed makes a client with subscriptions one that is not idle however long it is silent.
func (cl *client) noteSubscribed() {
	cl.guard.AllowSilence(cl.subscriptions.all() > 0 || cl.monitoring.Load())
}

// subscribedRESP2 says that the client can not tell replies from messages.
func (cl *client) subscribedRESP2() bool { return !cl.RESP3 && cl.subscriptions.all() > 0 }

// errSubscribed refuses what a RESP2 client with subscriptions can not send.
func errSubscribed(r *command.Row) command.Reply {
	return command.ErrorReply("ERR Can't execute '" + r.Full + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
}
