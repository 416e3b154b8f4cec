package resp

import "diskette/store"

func hset(tx *store.Tx, c *call) Reply {
	if len(c.args)%2 != 0 {
		return errArity(c.row)
	}
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	created := 0
	for i := 2; i < len(c.args); i += 2 {
		if h.Set(c.args[i], c.args[i+1]) {
			created++
		}
	}
	return integer(created)
}

func hget(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	value, ok := h.Get(c.args[2])
	if !ok {
		return replyNull
	}
	return bulkString(value)
}

func hlen(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	return integer(h.Len())
}

func hdel(tx *store.Tx, c *call) Reply {
	h, err := tx.EditHash(c.args[1])
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, field := range c.args[2:] {
		if h.Delete(field) {
			n++
		}
	}
	return integer(n)
}

func hgetall(v *store.View, c *call) Reply {
	h, err := v.Hash(c.args[1])
	if err != nil {
		return failure(err)
	}
	elems := c.elems(2 * h.Len())
	h.Each(func(field, value string) bool {
		elems = append(elems, bulkString(field), bulkString(value))
		return true
	})
	return mapOf(elems...)
}
