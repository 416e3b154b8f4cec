package store

import (
	"os"
	"path/filepath"
)

// Who copies the tables beside a server waits until they have what the journal has, which write-back brings some
// seconds after a change. So he asks for it: he holds a lock on the directory's lock file, of another kind than the
// server's and shared with others who ask. Write-back looks for one from time to time while there is anything to write
// back. It leaves nothing behind, goes with who holds it, and needs no more than that the file can be read. Where locks
// do not reach, on some network file systems and on other systems than Linux, nobody is asked and the wait is as long
// as without.

// askForHaste asks the server that has a directory to write back at once, until what it returns is closed. nil = it can
// not be asked.
func askForHaste(dir string) *os.File {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return nil
	}
	if takeHaste(f) != nil {
		f.Close()
		return nil
	}
	return f
}

// hasten begins a write-back if somebody waits for one.
func (st *Store) hasten() {
	if st.applied.Load() < st.journal.Last() && hasteIsTaken(st.lock) {
		st.kickWriteBack()
	}
}
