package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"
)

// number is a flag's value that is a number from 0 on. kong's own reader takes -3 for a flag, and advises how to give
// it nonetheless.
type number int

// Decode reads it.
func (n *number) Decode(c *kong.DecodeContext) error {
	word := c.Scan.Pop()
	if word.IsEOL() {
		return errors.New("a number from 0 on is expected")
	}
	value, err := strconv.ParseUint(word.String(), 10, strconv.IntSize-1)
	if err != nil {
		return fmt.Errorf("%q: a number from 0 on is expected", word.String())
	}
	*n = number(value)
	return nil
}

var _ kong.MapperValue = (*number)(nil)
