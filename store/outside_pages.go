package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A free page has nothing in it, and SQLite does not read one until it is used again: a disk that has changed it has
// done harm to nobody, and is about to. So all pages of the file are compared with their checksums. Of these the file
// need not have sound ones:
//
//	in the WAL's frames   a checkpoint may have been killed in the middle of the page; it is written again
//	all zeros             never written: freed in the transaction that had taken it. One in use was told of before
//	behind the end        what the file had before it became shorter
//
// A server that is running writes none but the first kind while the look's transaction lasts.

// checkPages compares the checksums of all pages of the file; sound = those that hold something were found to be so.
func (o *Outside) checkPages(ctx context.Context, sound bool, fail func(string, ...any)) error {
	if o.alone != nil && o.alone.foreign {
		return nil
	}
	file, err := os.Open(o.file)
	if err != nil {
		return err
	}
	defer file.Close()
	w, err := readWAL(o.file+"-wal", 0)
	if err != nil {
		return err
	}
	buf := make([]byte, 256*pageBytes)
	header := pagesFile{}
	var misfits pageList
	for at := int64(0); at == 0 || at < header.end; at += int64(len(buf)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := file.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if at == 0 {
			header.lookAt(buf[:n])
		}
		if !header.sealed || header.unverified {
			return nil
		}
		for i := 0; i+pageBytes <= n && at+int64(i) < header.end; i += pageBytes {
			page, number := buf[i:i+pageBytes], uint32((at+int64(i))/pageBytes)+1
			if _, newer := w.pages[number]; !newer && !fits(page, at+int64(i)) && !isZero(page) {
				misfits.add(number)
			}
		}
		if n < len(buf) {
			break
		}
	}
	switch {
	case len(misfits.first) == 0:
	case sound:
		fail("%s: does not fit its checksum; nothing is stored in a free page, and the disk has changed it", misfits.named("free page"))
	default:
		fail("%s: does not fit its checksum", misfits.named("page"))
	}
	return nil
}

// pageList is the numbers of some pages, and how many more there are.
type pageList struct {
	first []string
	more  int
}

func (l *pageList) add(page uint32) {
	if len(l.first) < mostNamed {
		l.first = append(l.first, itoa(int64(page)))
	} else {
		l.more++
	}
}

// named lists the pages of a kind.
func (l *pageList) named(kind string) string {
	text := kind + " " + strings.Join(l.first, ", ")
	if l.more > 0 {
		text += fmt.Sprintf(" and %d more", l.more)
	}
	return text
}
