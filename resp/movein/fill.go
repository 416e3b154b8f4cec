package movein

import (
	"context"
	"errors"

	"diskette/resp/rdb"
	"diskette/store"
)

// A Filled is what a snapshot had beside its keys.
type Filled struct {
	Libraries []string // of functions, by their code
}

// Fill puts the keys of a master's snapshot into tables. Keys that have expired are among them: the master says when
// they end.
func Fill(ctx context.Context, f *rdb.FileReader, b *store.Bulk, databases int) (*Filled, error) {
	m := &move{o: Options{Store: store.Options{Databases: databases}}, told: map[string]bool{}}
	err := m.snapshot(ctx, f, b)
	var module *moduleError
	if errors.As(err, &module) {
		err = &FileError{"the master's snapshot", err, "delete that key there; values of modules can not be taken over"}
	}
	return &Filled{Libraries: m.libraries}, err
}
