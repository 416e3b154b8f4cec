package admin

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Bounds of a look at what clients do: MONITOR costs the server something with each command.
const (
	mostMonitored = 2000            // lines sent to the page
	monitorTime   = 2 * time.Minute // after which the page has to ask again
	mostMonitor   = 1 << 10         // bytes of a line
	mostChannels  = 200
	monitorRate   = 200 // lines a second
)

type channelLine struct {
	Name        string
	Subscribers float64
}

// live shows channels, and has room for what MONITOR says.
func (l *look) live() error {
	data := map[string]any{}
	denied, err := may(l.channels(data))
	if err != nil {
		return err
	}
	data["Denied"] = denied
	return l.show("live", "Live", data)
}

func (l *look) channels(data map[string]any) error {
	v, err := l.c.do("PUBSUB", "CHANNELS")
	if err != nil {
		return err
	}
	data["ChannelCount"] = len(v.elems)
	args := []string{"PUBSUB", "NUMSUB"}
	for _, name := range v.elems[:min(len(v.elems), mostChannels)] {
		if !name.cut() {
			args = append(args, name.text)
		}
	}
	if v, err = l.c.do(args...); err != nil {
		return err
	}
	var lines []channelLine
	v.pairs(func(name string, n *value) { lines = append(lines, channelLine{name, float64(n.int())}) })
	data["Channels"] = lines
	patterns, err := l.c.do("PUBSUB", "NUMPAT")
	data["Patterns"] = float64(patterns.int())
	return err
}

// monitor sends what MONITOR says to the page as it comes (server-sent events), up to its bounds.
func (l *look) monitor() error {
	filter := strings.ToLower(l.r.FormValue("filter"))
	if _, err := l.c.do("MONITOR"); err != nil {
		return err
	}
	l.w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(l.w)
	write := func(event, text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(answerTime))
		_, err := fmt.Fprintf(l.w, "event: %s\ndata: %s\n\n", event, text)
		return err == nil && control.Flush() == nil
	}
	if !write("ready", "") {
		return nil
	}
	_ = l.c.net.SetDeadline(time.Time{})
	go func() { // ends the read below
		select {
		case <-l.r.Context().Done():
		case <-l.s.stopping.Done():
		case <-time.After(monitorTime):
		}
		l.c.net.Close()
	}()
	sent, skipped, second := 0, 0, time.Now()
	inSecond := 0
	for sent < mostMonitored {
		line, err := l.c.longLine(mostMonitor)
		if err != nil {
			break
		}
		line = strings.TrimPrefix(line, "+")
		if filter != "" && !strings.Contains(strings.ToLower(line), filter) {
			continue
		}
		if time.Since(second) > time.Second {
			second, inSecond = time.Now(), 0
		}
		if inSecond++; inSecond > monitorRate {
			skipped++
			continue
		}
		sent++
		if !write("line", showBytes(line)) {
			return nil
		}
	}
	write("end", fmt.Sprintf("%d lines were shown, %d more left out", sent, skipped))
	return nil
}

// longLine reads a line of any length and returns its beginning.
func (c *conn) longLine(most int) (string, error) {
	var line []byte
	for {
		part, err := c.r.ReadSlice('\n')
		line = append(line, part[:min(len(part), most-len(line))]...)
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}
