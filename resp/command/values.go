package command

import "diskette/store"

// A function that reads one value gets it instead of the view: its key is the first argument.
// The value is nil, which is an empty one, if there is no such key.

// onHash makes a row's function of one that reads a hash.
func onHash(fn func(*store.Hash, *Call) Reply) func(*store.View, *Call) Reply {
	return func(v *store.View, c *Call) Reply {
		value, err := v.Hash(c.Args[1])
		if err != nil {
			return Failure(err)
		}
		return fn(value, c)
	}
}

// onSet makes a row's function of one that reads a set.
func onSet(fn func(*store.Set, *Call) Reply) func(*store.View, *Call) Reply {
	return func(v *store.View, c *Call) Reply {
		value, err := v.Set(c.Args[1])
		if err != nil {
			return Failure(err)
		}
		return fn(value, c)
	}
}

// onZSet makes a row's function of one that reads a sorted set.
func onZSet(fn func(*store.ZSet, *Call) Reply) func(*store.View, *Call) Reply {
	return func(v *store.View, c *Call) Reply {
		value, err := v.ZSet(c.Args[1])
		if err != nil {
			return Failure(err)
		}
		return fn(value, c)
	}
}
