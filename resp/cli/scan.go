package cli

import (
	"errors"
	"fmt"
	"time"
)

// scanAll lists all keys, one a line, with the interval between calls of SCAN.
func (s *session) scanAll() error {
	if err := s.connect(); err != nil {
		return err
	}
	for cursor := "0"; ; {
		command := []string{"SCAN", cursor}
		if s.pattern != nil {
			command = append(command, "MATCH", *s.pattern)
		}
		r, err := s.ask(command)
		if err != nil {
			return err
		}
		if r.kind == '-' {
			fmt.Fprintf(s.err, "SCAN error: %s\n", r.text)
			return errErrorReply
		}
		if r.kind != '*' || len(r.items) != 2 {
			return errors.New("Non ARRAY response from SCAN!")
		}
		var b []byte
		for _, key := range r.items[1].items {
			if s.pretty {
				b = appendPretty(b, key, "")
			} else {
				b = append(append(b, key.text...), '\n')
			}
		}
		if _, err := s.out.Write(b); err != nil {
			return err
		}
		if cursor = string(r.items[0].text); cursor == "0" {
			return nil
		}
		time.Sleep(s.interval)
	}
}
