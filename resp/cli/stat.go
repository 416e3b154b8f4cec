package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stat prints a line of INFO's figures each interval, a second if there is none.
func (s *session) stat() error {
	interval := time.Second
	if s.interval > 0 {
		interval = s.interval
	}
	var last int64
	for line := 0; ; line++ {
		r, err := s.askReconnecting([]string{"INFO"})
		if err != nil {
			return err
		}
		if r.kind == '-' {
			fmt.Fprintf(s.out, "ERROR: %s\n", r.text)
			return errErrorReply
		}
		if line%20 == 0 {
			fmt.Fprint(s.out, "------- data ------ --------------------- load -------------------- - child -\n"+
				"keys       mem      clients blocked requests            connections          \n")
		}
		last = s.printStat(parseInfo(r.text), last)
		time.Sleep(interval)
	}
}

// printStat prints a line and returns the number of requests, which the next line is given.
func (s *session) printStat(info map[string]string, last int64) (requests int64) {
	number := func(field string) int64 {
		n, _ := strconv.ParseInt(info[field], 10, 64)
		return n
	}
	var keys int64
	for field, value := range info {
		if db, ok := strings.CutPrefix(field, "db"); ok && db != "" && strings.Trim(db, "0123456789") == "" {
			count, _, _ := strings.Cut(strings.TrimPrefix(value, "keys="), ",")
			n, _ := strconv.ParseInt(count, 10, 64)
			keys += n
		}
	}
	requests = number("total_commands_processed")
	more := int64(0)
	if last != 0 {
		more = requests - last
	}
	child := ""
	for _, c := range []struct{ field, name string }{{"rdb_bgsave_in_progress", "SAVE"}, {"aof_rewrite_in_progress", "AOF"}, {"loading", "LOAD"}} {
		if number(c.field) != 0 {
			child = strings.TrimPrefix(child+"+"+c.name, "+")
		}
	}
	fmt.Fprintf(s.out, "%-11d%-8s %-8d%-8d%-19s %-12d%s\n", keys, humanBytes(number("used_memory")), number("connected_clients"),
		number("blocked_clients"), fmt.Sprintf("%d (+%d)", requests, more), number("total_connections_received"), child)
	return requests
}

func parseInfo(text []byte) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if field, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			info[field] = value
		}
	}
	return info
}

func humanBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	v, unit := float64(n)/1024, 0
	for v >= 1024 && unit < len(units)-1 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.2f%c", v, units[unit])
}
