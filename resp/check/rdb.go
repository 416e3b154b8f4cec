package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"diskette/resp/rdb"
)

// RDB is redis-check-rdb with args, which exclude the program's name. It returns the exit status: 0, or 1 if the file
// is damaged, or can not be read.
func RDB(args []string, stdout io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stdout, "Usage: redis-check-rdb <rdb-file-name>")
		return 1
	}
	f, err := os.Open(args[0])
	if err != nil {
		fmt.Fprintf(stdout, "Cannot open file %s: %v\n", args[0], reason(err))
		return 1
	}
	defer f.Close()
	fmt.Fprintf(stdout, "[offset 0] Checking RDB file %s\n", args[0])
	if _, err := snapshot(rdb.NewFileReader(f, rdb.FileOptions{}), stdout); err != nil {
		return 1
	}
	return 0
}

// counted is what a snapshot has.
type counted struct{ keys, expires, expired, modules, libraries int64 }

// snapshot reads an RDB file to its end and tells of it. size is where it ends.
func snapshot(f *rdb.FileReader, out io.Writer) (size int64, err error) {
	say := func(offset int64, format string, args ...any) {
		fmt.Fprintf(out, "[offset %d] %s\n", offset, fmt.Sprintf(format, args...))
	}
	var n counted
	err = records(f, &n, say)
	if err == nil {
		switch {
		case f.Unsummed():
			say(f.Offset(), "RDB file was saved with checksum disabled: no check performed.")
		case f.Summed():
			say(f.Offset(), "Checksum OK")
		}
		say(f.Offset(), `\o/ RDB looks OK! \o/`)
	} else {
		fmt.Fprintln(out, "--- RDB ERROR DETECTED ---")
		var fault *rdb.FileError
		if errors.As(err, &fault) {
			say(fault.Offset, "%s", faultText(fault))
			if fault.InKey {
				fmt.Fprintf(out, "[additional info] Reading key '%s'\n", fault.Key)
			}
		} else {
			say(f.Offset(), "%v", err)
		}
	}
	fmt.Fprintf(out, "[info] %d keys read\n[info] %d expires\n[info] %d already expired\n", n.keys, n.expires,
		n.expired)
	if n.libraries > 0 {
		fmt.Fprintf(out, "[info] %d libraries of functions\n", n.libraries)
	}
	if n.modules > 0 {
		fmt.Fprintf(out, "[info] %d values of modules, which an import can only leave out\n", n.modules)
	}
	return f.Offset(), err
}

// records reads all records and counts them. Values are decoded as they are passed over.
func records(f *rdb.FileReader, n *counted, say func(offset int64, format string, args ...any)) error {
	now := time.Now().UnixMilli()
	db := -1
	for {
		r, err := f.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		switch r.Kind {
		case rdb.RecordAux:
			say(f.Offset(), "AUX FIELD %s = '%s'", r.Key, r.Text)
			continue
		case rdb.RecordModuleAux:
			say(r.Offset, "MODULE AUX for: %s", r.Module)
			continue
		case rdb.RecordFunction:
			n.libraries++
			continue
		}
		if r.DB != db {
			db = r.DB
			say(r.Offset, "Selecting DB ID %d", db)
		}
		if r.Kind == rdb.RecordSizes {
			continue
		}
		n.keys++
		if r.Kind == rdb.RecordModule {
			n.modules++
		}
		if r.ExpiresMs != 0 {
			n.expires++
			if r.ExpiresMs < now {
				n.expired++
			}
		}
	}
}

// faultText is what is wrong, in Redis's words where it has some.
func faultText(fault *rdb.FileError) string {
	switch {
	case errors.Is(fault.Err, rdb.ErrTruncated):
		return "Unexpected EOF reading RDB file"
	case errors.Is(fault.Err, rdb.ErrChecksum):
		return fmt.Sprintf("RDB CRC error: found %s, expected %s", fault.Found, fault.Expected)
	case fault.Found == "":
		return fault.Err.Error()
	}
	return fmt.Sprintf("found %s, expected %s", fault.Found, fault.Expected)
}

// reason is an error of the file system without what the caller says itself.
func reason(err error) error {
	var inner *os.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
