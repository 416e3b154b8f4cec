package command

import "slices"

// Rows are the commands on keys, and those about commands: each family declares its rows beside its functions.
func Rows() []*Row {
	return slices.Concat(
		stringRows(), stringSetRows(), counterRows(), bitmapRows(), hyperloglogRows(),
		hashRows(), hashExpiryRows(), listRows(), listMoveRows(), setRows(), setAlgebraRows(),
		zsetRows(), zsetRangeRows(), zsetPopRows(), zsetScanRows(), zsetCombineRows(), geoRows(),
		streamRows(), streamReadRows(), streamGroupRows(), xinfoRows(),
		genericRows(), expireRows(), sortRows(), dumpRows(), keyspaceRows(), documentationRows())
}
