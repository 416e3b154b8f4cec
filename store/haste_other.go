//go:build !linux

package store

import (
	"errors"
	"os"
)

func takeHaste(*os.File) error { return errors.ErrUnsupported }

func hasteIsTaken(*os.File) bool { return false }
