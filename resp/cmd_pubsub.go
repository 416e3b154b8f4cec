package resp

import (
	"slices"

	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
)

// subscribeTo is SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE.
func subscribeTo(kind subscriptionKind) func(*client, *call) Reply {
	return func(cl *client, c *call) Reply {
		cl.startPushes()
		var confirmed []Reply
		for _, name := range c.args[1:] {
			cl.srv.pubsub.subscribe(cl, kind, string(name))
			confirmed = append(confirmed, push(bulkString(subscriptionWords[kind].subscribe), bulk(name), integer(cl.subscriptions.counted(kind))))
		}
		cl.noteSubscribed()
		cl.srv.arrivals.note(cl)
		return series(confirmed...)
	}
}

// unsubscribeFrom is UNSUBSCRIBE, PUNSUBSCRIBE and SUNSUBSCRIBE: from what is named, or from all.
func unsubscribeFrom(kind subscriptionKind) func(*client, *call) Reply {
	return func(cl *client, c *call) Reply {
		word := bulkString(subscriptionWords[kind].unsubscribe)
		var names []string
		for _, name := range c.args[1:] {
			names = append(names, string(name))
		}
		if len(c.args) == 1 {
			names = cl.srv.pubsub.names(cl, kind)
			slices.Sort(names)
		}
		if len(names) == 0 {
			return push(word, replyNull, integer(cl.subscriptions.counted(kind)))
		}
		var confirmed []Reply
		for _, name := range names {
			cl.srv.pubsub.unsubscribe(cl, kind, name)
			confirmed = append(confirmed, push(word, bulkString(name), integer(cl.subscriptions.counted(kind))))
		}
		cl.noteSubscribed()
		return series(confirmed...)
	}
}

// publishTo is PUBLISH and SPUBLISH.
func publishTo(kind subscriptionKind) func(*client, *call) Reply {
	return func(cl *client, c *call) Reply {
		publish := func() int {
			return cl.srv.pubsub.publish(cl, kind, words.ViewString(c.args[1]), words.ViewString(c.args[2]), 0)
		}
		if c.locked {
			return integer(publish())
		}
		cl.giveWay(c.now)
		n := publish()
		if n == 0 && cl.srv.arrivals.arriving(c.now) && cl.letEarlierRun(c.now) {
			n = publish()
		}
		return integer(n)
	}
}

func pubsubChannels(cl *client, c *call) Reply      { return cl.srv.pubsub.active(c, toChannel) }
func pubsubShardchannels(cl *client, c *call) Reply { return cl.srv.pubsub.active(c, toShard) }

// active lists the channels that somebody listens to, all or those that match a pattern.
func (p *listeners) active(c *call, kind subscriptionKind) Reply {
	if len(c.args) > 3 {
		return errSubcommandSyntax(c)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var names []string
	for name := range p.mu.byName[kind] {
		if len(c.args) == 2 || glob.Match(c.args[2], words.ViewBytes(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return bulkStrings(names)
}

func pubsubNumsub(cl *client, c *call) Reply      { return cl.srv.pubsub.numsub(c, toChannel) }
func pubsubShardnumsub(cl *client, c *call) Reply { return cl.srv.pubsub.numsub(c, toShard) }

func (p *listeners) numsub(c *call, kind subscriptionKind) Reply {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var elems []Reply
	for _, name := range c.args[2:] {
		elems = append(elems, bulk(name), integer(len(p.mu.byName[kind][string(name)])))
	}
	return array(elems...)
}

func pubsubNumpat(cl *client, _ *call) Reply {
	_, patterns, _ := cl.srv.pubsub.counts()
	return integer(patterns)
}

// noteSubscribed makes a client with subscriptions one that is not idle however long it is silent.
func (cl *client) noteSubscribed() {
	cl.guard.AllowSilence(cl.subscriptions.all() > 0 || cl.monitoring.Load())
}

// subscribedRESP2 says that the client can not tell replies from messages.
func (cl *client) subscribedRESP2() bool { return !cl.resp3 && cl.subscriptions.all() > 0 }

// errSubscribed refuses what a RESP2 client with subscriptions can not send.
func errSubscribed(r *row) Reply {
	return errorReply("ERR Can't execute '" + r.full + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
}
