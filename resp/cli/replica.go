package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"diskette/resp/cli/target"
)

// replica shows the commands that a replica of the server receives, as comma-separated values.
func (s *session) replica() error {
	if err := s.configureReplica("capa", "eof"); err != nil {
		return err
	}
	if err := s.configureReplica("rdb-filter-only", ""); err != nil { // an empty dump will do
		return err
	}
	dump, err := s.sync()
	if err != nil {
		return err
	}
	if dump.mark != nil {
		fmt.Fprint(s.err, "SYNC with master, discarding bytes of bulk transfer until EOF marker...\n")
	} else {
		fmt.Fprintf(s.err, "SYNC with master, discarding %d bytes of bulk transfer...\n", dump.size)
	}
	n, err := dump.copy(io.Discard)
	if err != nil {
		return errSaid("Error reading RDB payload while SYNCing")
	}
	if dump.mark != nil {
		fmt.Fprintf(s.err, "SYNC done after %d bytes. Logging commands from master.\n", n)
		if err := s.configureReplica("ACK", "0"); err != nil { // the master waits for it
			return err
		}
	} else {
		fmt.Fprint(s.err, "SYNC done. Logging commands from master.\n")
	}
	for {
		r, err := readReply(s.in)
		if err != nil {
			return err
		}
		if _, err := s.out.Write(append(appendCSV(nil, r), '\n')); err != nil {
			return err
		}
	}
}

// dump writes the server's dump.rdb, or its functions alone, to the file, - = standard output.
func (s *session) dump() error {
	if err := s.configureReplica("capa", "eof"); err != nil {
		return err
	}
	if err := s.configureReplica("rdb-only", "1"); err != nil {
		return err
	}
	if s.functionsOnly {
		err := s.configureReplica("rdb-filter-only", "functions")
		if errors.Is(err, errErrorReply) {
			return errSaid("Failed requesting functions only RDB from server, aborting")
		} else if err != nil {
			return err
		}
	}
	dump, err := s.sync()
	if err != nil {
		return err
	}
	if dump.mark != nil {
		fmt.Fprintf(s.err, "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '%s'\n", s.rdbFile)
	} else {
		fmt.Fprintf(s.err, "SYNC sent to master, writing %d bytes to '%s'\n", dump.size, s.rdbFile)
	}
	n, err := dump.save(s.rdbFile, s.out)
	if err != nil {
		return err
	}
	if dump.mark != nil {
		fmt.Fprintf(s.err, "Transfer finished with success after %d bytes\n", n)
	} else {
		fmt.Fprint(s.err, "Transfer finished with success.\n")
	}
	return nil
}

// configureReplica tells the server what kind of replica this is. A server that does not know of it says so, which is
// printed; errErrorReply is returned for rdb-filter-only, without which the dump would be another one.
func (s *session) configureReplica(name, value string) error {
	fmt.Fprintf(s.err, "sending REPLCONF %s %s\n", name, value)
	command := []string{"REPLCONF", name, value}
	if name == "ACK" { // it has no reply
		_, err := s.conn.Write(appendCommand(nil, command))
		return err
	}
	r, err := s.ask(command)
	if err != nil {
		return err
	}
	if r.kind == '-' {
		fmt.Fprintf(s.err, "REPLCONF %s error: %s\n", name, r.text)
		if name == "rdb-filter-only" && value != "" {
			return errErrorReply
		}
	}
	return nil
}

// A sentDump is a dump that the server sends: of size bytes, or up to a mark of 40 bytes if its length was not known.
type sentDump struct {
	in   *bufio.Reader
	size int64
	mark []byte
}

const markLength = 40

// sync asks for a dump, and returns when its length is there.
func (s *session) sync() (*sentDump, error) {
	if _, err := io.WriteString(s.conn, "SYNC\r\n"); err != nil {
		return nil, err
	}
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return nil, errSaid("Error reading bulk length while SYNCing")
		}
		rest, ok := strings.CutPrefix(line, "$")
		text := strings.TrimRight(rest, "\r\n")
		switch {
		case line == "\n": // the server is busy with it, and shows that it is alive
			continue
		case !ok:
			return nil, errSaid("SYNC with master failed: " + strings.TrimSuffix(line, "\n"))
		case strings.HasPrefix(text, "EOF:") && len(text) == len("EOF:")+markLength:
			return &sentDump{in: s.in, mark: []byte(text[len("EOF:"):])}, nil
		}
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || size < 0 {
			return nil, errSaid("SYNC with master failed: the length is '" + text + "'")
		}
		return &sentDump{in: s.in, size: size}, nil
	}
}

// copy copies the dump to w, and returns its length.
func (d *sentDump) copy(w io.Writer) (n int64, err error) {
	if d.mark == nil {
		return io.CopyN(w, d.in, d.size)
	}
	// The last bytes are kept back: they may be the mark, whole or in part.
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		read, err := d.in.Read(buf)
		held = append(held, buf[:read]...)
		if bytes.HasSuffix(held, d.mark) {
			last, werr := w.Write(held[:len(held)-markLength])
			return n + int64(last), werr
		}
		if err != nil {
			return n, err
		}
		if over := len(held) - markLength; over > 0 {
			written, err := w.Write(held[:over])
			n += int64(written)
			if err != nil {
				return n, err
			}
			held = append(held[:0], held[over:]...)
		}
	}
}

// save writes the dump to a file. It is there, on the disk, when save returns without an error.
func (d *sentDump) save(name string, stdout io.Writer) (n int64, err error) {
	out := stdout
	var file *os.File
	if name != "-" {
		if file, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644); err != nil {
			return 0, errSaid(fmt.Sprintf("Error opening '%s': %s", name, target.Reason(err)))
		}
		defer file.Close()
		out = file
	}
	var failed *writeError
	n, err = d.copy(&failing{out})
	if errors.As(err, &failed) {
		return n, errSaid("Error writing data to file: " + target.Reason(failed.err))
	} else if err != nil {
		return n, errSaid("I/O Error reading RDB payload from socket")
	}
	if file != nil {
		if err := file.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && isRegular(file) {
			return n, errSaid(fmt.Sprintf("Fail to fsync '%s': %s", name, target.Reason(err)))
		}
		if err := file.Close(); err != nil {
			return n, errSaid("Error writing data to file: " + target.Reason(err))
		}
	}
	return n, nil
}

// isRegular tells a file from a pipe or a device, which can not be synced.
func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// failing marks the errors of a writer, to tell them from the reader's.
type failing struct{ io.Writer }

type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

func (f *failing) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err != nil {
		return n, &writeError{err}
	}
	return n, nil
}
