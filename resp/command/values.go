package command

import "diskette/store"

// What a Row's Read and Write are.
type (
	reading = func(*store.View, *Call) Reply
	writing = func(*store.Tx, *Call) Reply
)

// A function that reads or changes one value gets it beside the call: its key is the first argument. The wrappers are
// made once, with the table.

// onValue makes a row's function of one that reads a value, which find looks up. It is nil, which stands for an empty
// one, if there is no such key.
func onValue[T any](find func(*store.View, []byte) (T, error), fn func(T, *Call) Reply) reading {
	return func(v *store.View, c *Call) Reply {
		value, err := find(v, c.Args[1])
		if err != nil {
			return Failure(err)
		}
		return fn(value, c)
	}
}

func onHash(fn func(*store.Hash, *Call) Reply) reading {
	return onValue((*store.View).Hash, fn)
}

func onList(fn func(*store.List, *Call) Reply) reading {
	return onValue((*store.View).List, fn)
}

func onSet(fn func(*store.Set, *Call) Reply) reading {
	return onValue((*store.View).Set, fn)
}

func onZSet(fn func(*store.ZSet, *Call) Reply) reading {
	return onValue((*store.View).ZSet, fn)
}

// The wrappers of parts are for commands that look at no more than the elements that the row says are Named.

func onPart[T any](find func(*store.View, []byte, store.Names) (T, error), fn func(T, *Call) Reply) reading {
	return func(v *store.View, c *Call) Reply {
		value, err := find(v, c.Args[1], c.names())
		if err != nil {
			return Failure(err)
		}
		return fn(value, c)
	}
}

func onHashPart(fn func(*store.Hash, *Call) Reply) reading {
	return onPart((*store.View).HashPart, fn)
}

func onSetPart(fn func(*store.Set, *Call) Reply) reading {
	return onPart((*store.View).SetPart, fn)
}

func onZSetPart(fn func(*store.ZSet, *Call) Reply) reading {
	return onPart((*store.View).ZSetPart, fn)
}

// An editing function of a T changes a value.
type editing[T any] func(value T, tx *store.Tx, c *Call) Reply

// editValue makes a row's function of one that changes a value, which edit looks up. An empty one is there if there is
// no such key, and becomes the key's with its first element.
func editValue[T any](edit func(*store.Tx, []byte) (T, error), fn editing[T]) writing {
	return func(tx *store.Tx, c *Call) Reply {
		value, err := edit(tx, c.Args[1])
		if err != nil {
			return Failure(err)
		}
		return fn(value, tx, c)
	}
}

func editHash(fn editing[store.HashTx]) writing {
	return editValue((*store.Tx).EditHash, fn)
}

func editList(fn editing[store.ListTx]) writing {
	return editValue((*store.Tx).EditList, fn)
}

func editSet(fn editing[store.SetTx]) writing {
	return editValue((*store.Tx).EditSet, fn)
}

func editPart[T any](edit func(*store.Tx, []byte, store.Names) (T, error), fn editing[T]) writing {
	return func(tx *store.Tx, c *Call) Reply {
		value, err := edit(tx, c.Args[1], c.names())
		if err != nil {
			return Failure(err)
		}
		return fn(value, tx, c)
	}
}

func editHashPart(fn editing[store.HashTx]) writing {
	return editPart((*store.Tx).EditHashPart, fn)
}

// editListEnd is for what pushes at an end of a list.
func editListEnd(end store.End, fn editing[store.ListTx]) writing {
	return editValue(func(tx *store.Tx, key []byte) (store.ListTx, error) { return tx.EditListEnd(key, end, 0) }, fn)
}

func editSetPart(fn editing[store.SetTx]) writing {
	return editPart((*store.Tx).EditSetPart, fn)
}

func editZSetPart(fn editing[store.ZSetTx]) writing {
	return editPart((*store.Tx).EditZSetPart, fn)
}
