package check

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"diskette/resp/aof"
	"diskette/resp/rdb"
)

const aofUsage = "Usage: redis-check-aof [--fix] <file.manifest|file.aof>\n"

// AOF is redis-check-aof with args, which exclude the program's name. With --fix it asks on stdout, and reads
// the answer from stdin, before it cuts off what is wrong at the end of the last file. It returns the exit
// status.
func AOF(args []string, stdin io.Reader, stdout io.Writer) int {
	c := aofCheck{in: bufio.NewReader(stdin), out: stdout}
	if len(args) == 2 && args[0] == "--fix" {
		c.fix, args = true, args[1:]
	}
	if len(args) != 1 {
		if len(args) > 0 && args[0] == "--truncate-to-timestamp" {
			fmt.Fprintln(stdout, "--truncate-to-timestamp is not here: cut the file with Redis's own redis-check-aof")
		} else {
			fmt.Fprint(stdout, aofUsage)
		}
		return 1
	}
	path := args[0]
	isManifest, err := beginsAsManifest(path)
	if err != nil {
		fmt.Fprintf(stdout, "Cannot open file %s: %v\n", path, reason(err))
		return 1
	}
	if isManifest {
		return c.set(path)
	}
	fmt.Fprintln(stdout, "Start checking Old-Style AOF")
	return c.single(path)
}

type aofCheck struct {
	fix bool
	in  *bufio.Reader
	out io.Writer
}

func (c *aofCheck) say(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// beginsAsManifest tells a manifest from a file of commands.
func beginsAsManifest(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 5)
	n, err := io.ReadFull(f, begin)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return bytes.Equal(begin[:n], []byte("file ")) || strings.HasSuffix(path, ".manifest"), nil
}

func (c *aofCheck) single(path string) int {
	whole, fixed := c.file(path, path, true)
	if whole && !fixed {
		c.say("AOF %s is valid", path)
	}
	return status(whole)
}

// set checks all that a manifest lists. Only the last file may be cut.
func (c *aofCheck) set(manifest string) int {
	name := strings.TrimSuffix(filepath.Base(manifest), ".manifest")
	s, err := aof.Find(filepath.Dir(manifest), "", name)
	if err != nil {
		c.say("Invalid AOF manifest file %s: %v", manifest, err)
		return 1
	}
	c.say("Start checking Multi Part AOF")
	began := false
	for i, p := range s.Parts {
		label, base := "INCR AOF", filepath.Base(p.Path)
		if p.Kind == aof.Base {
			label = "BASE AOF"
			c.say("Start to check BASE AOF (%s format).", formatOf(p.Path))
		} else if !began {
			began = true
			c.say("Start to check INCR files.")
		}
		whole, fixed := c.file(p.Path, base, i == len(s.Parts)-1)
		if !whole {
			return 1
		}
		if !fixed {
			c.say("%s %s is valid", label, base)
		}
	}
	c.say("All AOF files and manifest are valid")
	return 0
}

// file checks one file, called name in what is told, and mends it if that is asked for and allowed.
func (c *aofCheck) file(path, name string, last bool) (whole, fixed bool) {
	f, err := os.Open(path)
	if err != nil {
		c.say("Cannot open file %s: %v", name, reason(err))
		return false, false
	}
	defer f.Close()
	m, err := aof.Measured(f, aof.Options{}, func(r *rdb.FileReader) (int64, error) {
		c.say("[offset 0] Checking RDB file %s", name)
		end, err := snapshot(r, c.out)
		if err != nil {
			c.say("RDB preamble of AOF file is not sane, aborting.")
			return 0, errSaid
		}
		c.say("RDB preamble is OK, proceeding with AOF tail...")
		return end, nil
	})
	switch {
	case err != nil:
		c.say("Cannot read file %s: %v", name, reason(err))
		return false, false
	case m.Err == errSaid:
		return false, false
	case m.Bytes == 0:
		c.say("AOF %s is empty", name)
		return true, true
	case m.Err == aof.ErrTorn:
		c.say("AOF %s ends too early: %s", name, m.Why)
	case m.Err != nil:
		c.say("AOF %s format error: found %s", name, m.Why)
	}
	left := m.Bytes - m.Right
	c.say("AOF analyzed: filename=%s, size=%d, ok_up_to=%d, diff=%d", name, m.Bytes, m.Right, left)
	switch {
	case m.Err == nil:
		return true, false
	case !c.fix:
		c.say("AOF %s is not valid. Use the --fix option to try fixing it.", name)
		return false, false
	case !last:
		c.say("Failed to truncate AOF %s because it is not the last file", name)
		return false, false
	}
	return c.cut(path, name, m), true
}

// errSaid is what has been told already.
var errSaid = fmt.Errorf("the snapshot is damaged")

// cut asks, and cuts.
func (c *aofCheck) cut(path, name string, m aof.Measure) bool {
	c.say("This will shrink the AOF %s from %d bytes, with %d bytes, to %d bytes", name, m.Bytes, m.Bytes-m.Right,
		m.Right)
	fmt.Fprint(c.out, "Continue? [y/N]: ")
	answer, _ := c.in.ReadString('\n') // the end of the input is a no
	if !strings.HasPrefix(strings.ToLower(answer), "y") {
		c.say("Aborting...")
		return false
	}
	if err := os.Truncate(path, m.Right); err != nil {
		c.say("Failed to truncate AOF %s: %v", name, reason(err))
		return false
	}
	c.say("Successfully truncated AOF %s", name)
	return true
}

// formatOf is what a base is written in.
func formatOf(path string) string {
	if filepath.Ext(path) == ".rdb" {
		return "RDB"
	}
	return "RESP"
}

func status(whole bool) int {
	if whole {
		return 0
	}
	return 1
}
