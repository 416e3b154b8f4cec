package command

import "slices"

// Rows are the commands on keys, and those about commands: each family declares its rows beside its functions.
func Rows() []*Row {
	return slices.Concat(
		stringRows(), hashRows(), listRows(), setRows(), zsetRows(), streamRows(),
		bitmapRows(), hyperloglogRows(), geoRows(), genericRows(), keyspaceRows(), documentationRows())
}
