package cli

import "time"

// scanAll lists all keys, one a line, with the interval between calls of SCAN.
func (s *session) scanAll() error {
	return s.eachScan(func(keys []reply) error {
		var b []byte
		for _, key := range keys {
			if s.form == outputPretty {
				b = appendPretty(b, key, "")
			} else {
				b = append(append(b, key.text...), '\n')
			}
		}
		_, err := s.out.Write(b)
		return err
	}, func() { time.Sleep(s.interval) })
}

// eachScan calls f with what each SCAN returns, and between in between.
func (s *session) eachScan(f func(keys []reply) error, between func()) error {
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
			return errSaid("SCAN error: " + string(r.text))
		}
		if r.kind != '*' || len(r.items) != 2 {
			return errSaid("Non ARRAY response from SCAN!")
		}
		if err := f(r.items[1].items); err != nil {
			return err
		}
		if cursor = string(r.items[0].text); cursor == "0" {
			return nil
		}
		between()
	}
}
