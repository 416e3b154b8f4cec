package resp

import (
	"strings"

	"diskette/resp/command"
)

// clientTrackingRows are CLIENT's subcommands on tracking.
func clientTrackingRows() []*command.Row {
	return []*command.Row{
		{Name: "caching", Arity: 3, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientCaching),
			Since: "6.0.0", Usage: "(YES|NO)", Args: "mode(YES|NO)",
			Doc: "Says whether the keys of the next command are tracked."},
		{Name: "getredir", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientGetredir),
			Since: "6.0.0", Doc: "Returns the number of the connection that hears of this one's tracked keys."},
		{Name: "tracking", Arity: -3, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientTracking),
			Since: "6.0.0",
			Usage: "(ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
			Args:  "status(ON|OFF) [REDIRECT client-id] [PREFIX prefix...]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
			Cost:  "O(1)",
			Doc:   "Turns on or off that this connection is told of changes of the keys it has read."},
		{Name: "trackinginfo", Arity: 2, Flags: command.Noscript | command.Loading | command.Stale, Conn: onClient(clientTrackinginfo),
			Since: "6.2.0", Doc: "Describes how this connection tracks keys."},
	}
}

var (
	errTwoRedirects   = command.ErrorReply("ERR A client can only redirect to a single other client")
	errNoRedirect     = command.ErrorReply("ERR The client ID you want redirect to does not exist")
	errPrefixAlone    = command.ErrorReply("ERR PREFIX option requires BCAST mode to be enabled")
	errSwitchBcast    = command.ErrorReply("ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.")
	errOptWithBcast   = command.ErrorReply("ERR OPTIN and OPTOUT are not compatible with BCAST")
	errOptBoth        = command.ErrorReply("ERR You can't specify both OPTIN mode and OPTOUT mode")
	errSwitchOpt      = command.ErrorReply("ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.")
	errCachingOff     = command.ErrorReply("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	errCachingYes     = command.ErrorReply("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	errCachingNo      = command.ErrorReply("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
	errPrefixOverlaps = func(prefix, with, other string) command.Reply {
		return command.ErrorReply(command.OneLine("ERR Prefix '" + prefix + "' overlaps with " + with + " prefix '" +
			other + "'. Prefixes for a single client must not overlap."))
	}
)

func clientTracking(cl *client, c *command.Call) command.Reply {
	how, refusal := trackingOptions(c)
	if refusal.IsError() {
		return refusal
	}
	switch {
	case c.Is(2, "on"):
		if refusal = how.fits(cl.tracking.Load()); refusal.IsError() {
			return refusal
		}
		if how.bcast && len(how.prefixes) == 0 {
			how.prefixes = []string{""}
		}
		cl.startPushes()
		cl.srv.tracking.turnOn(cl, how)
	case c.Is(2, "off"):
		cl.srv.tracking.turnOff(cl)
		cl.caching = false
	default:
		return command.ErrSyntax
	}
	return command.ReplyOK
}

func trackingOptions(c *command.Call) (how *tracking, refusal command.Reply) {
	how = new(tracking)
	for i := 3; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.Is(i, "redirect") && more:
			i++
			if how.redirect != 0 {
				return nil, errTwoRedirects
			}
			id, ok := c.Int(i)
			if !ok {
				return nil, command.ErrNotInteger
			}
			if clientOf(c).srv.clients.find(id) == nil {
				return nil, errNoRedirect
			}
			how.redirect = id
		case c.Is(i, "bcast"):
			how.bcast = true
		case c.Is(i, "optin"):
			how.optIn = true
		case c.Is(i, "optout"):
			how.optOut = true
		case c.Is(i, "noloop"):
			how.noLoop = true
		case c.Is(i, "prefix") && more:
			i++
			how.prefixes = append(how.prefixes, c.Str(i))
		default:
			return nil, command.ErrSyntax
		}
	}
	return how, command.ReplyNone
}

// fits checks the options with each other and with how the client tracks already, nil = not at all.
func (how *tracking) fits(old *tracking) (refusal command.Reply) {
	if old == nil {
		old = &tracking{bcast: how.bcast}
	}
	switch {
	case !how.bcast && len(how.prefixes) > 0:
		return errPrefixAlone
	case how.bcast != old.bcast:
		return errSwitchBcast
	case how.bcast && (how.optIn || how.optOut):
		return errOptWithBcast
	case how.optIn && how.optOut:
		return errOptBoth
	case how.optIn && old.optOut || how.optOut && old.optIn:
		return errSwitchOpt
	}
	for i, prefix := range how.prefixes {
		for _, other := range old.prefixes {
			if overlap(prefix, other) {
				return errPrefixOverlaps(prefix, "an existing", other)
			}
		}
		for _, other := range how.prefixes[i+1:] {
			if overlap(prefix, other) {
				return errPrefixOverlaps(prefix, "another provided", other)
			}
		}
	}
	return command.ReplyNone
}

// overlap reports whether a key may have both prefixes.
func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// clientCaching is about the next command, or the next transaction.
func clientCaching(cl *client, c *command.Call) command.Reply {
	how := cl.tracking.Load()
	switch {
	case how == nil:
		return errCachingOff
	case c.Is(2, "yes") && !how.optIn:
		return errCachingYes
	case c.Is(2, "no") && !how.optOut:
		return errCachingNo
	case !c.Is(2, "yes") && !c.Is(2, "no"):
		return command.ErrSyntax
	}
	cl.caching = true
	return command.ReplyOK
}

// endCaching ends what CLIENT CACHING said, after the command it was for.
func (cl *client) endCaching(r *command.Row) {
	if cl.multi == nil && (r == nil || !strings.HasPrefix(r.Full, "client|")) {
		cl.caching = false
	}
}

func clientGetredir(cl *client, _ *command.Call) command.Reply { return command.Integer(cl.redirect()) }

// redirect is the id of the client that hears instead of this one, 0 = none; -1 if it does not track.
func (cl *client) redirect() int64 {
	if how := cl.tracking.Load(); how != nil {
		return how.redirect
	}
	return -1
}

func clientTrackinginfo(cl *client, _ *command.Call) command.Reply {
	how, state := cl.tracking.Load(), "on"
	if how == nil {
		how, state = new(tracking), "off"
	}
	words := []command.Reply{command.BulkString(state)}
	for _, f := range []struct {
		set  bool
		word string
	}{
		{how.bcast, "bcast"},
		{how.optIn, "optin"}, {how.optIn && cl.caching, "caching-yes"},
		{how.optOut, "optout"}, {how.optOut && cl.caching, "caching-no"},
		{how.noLoop, "noloop"},
		{how.broken.Load(), "broken_redirect"},
	} {
		if f.set {
			words = append(words, command.BulkString(f.word))
		}
	}
	return command.MapOf(command.BulkString("flags"), command.SetOf(words...), command.BulkString("redirect"),
		command.Integer(cl.redirect()), command.BulkString("prefixes"), command.BulkStrings(how.prefixes))
}
