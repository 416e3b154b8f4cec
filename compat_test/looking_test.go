package compat_test

import (
	"strings"
	"testing"
)

func TestASlowMonitorIsClosedAtTheOutputLimit(t *testing.T) {
	s := startSubject(t, subjectBin(t), "--client-output-buffer-limit", "normal 1mb 0 0")
	watcher, busy := dial(t, s.Addr), dial(t, s.Addr)
	if v := watcher.Do("MONITOR"); v.text != "OK" {
		t.Fatal(v)
	}
	value := strings.Repeat("x", 100_000)
	for range 400 { // 40 MB, more than the sockets hold
		busy.Do("SET", "k", value)
		if !strings.Contains(busy.Do("CLIENT", "LIST").Text(), "flags=O") {
			return
		}
	}
	t.Error("the monitor is still there")
}

func TestBlockedTimeIsNotCounted(t *testing.T) {
	s := startSubject(t, subjectBin(t), "--slowlog-log-slower-than", "1000000", "--latency-monitor-threshold", "1000")
	c := dial(t, s.Addr)
	c.Do("BLPOP", "nosuch", "1.5")
	if v := c.Do("SLOWLOG", "LEN"); v.text != "0" {
		t.Errorf("SLOWLOG LEN: %s", v)
	}
	if v := c.Do("LATENCY", "LATEST"); len(v.elems) != 0 {
		t.Errorf("LATENCY LATEST: %s", v)
	}
}

func TestACommandThatWalksIsAlwaysInTheSlowLog(t *testing.T) {
	s := startSubject(t, subjectBin(t), "--slowlog-log-slower-than", "1000")
	c := dial(t, s.Addr)
	for range 20 {
		args := []any{"RPUSH", "l"}
		for range 10_000 {
			args = append(args, "element")
		}
		c.Do(args...)
	}
	c.Do("SLOWLOG", "RESET")
	for range 5 {
		c.Do("SORT", "l", "ALPHA")
	}
	slow := c.Do("SLOWLOG", "GET", "-1").String() // on a busy machine another command may be in it, too
	equal(t, "SORTs in the slow log", strings.Count(slow, `"SORT"`), 5)
}

func TestACommandThatWaitedCountsWhenItIsOver(t *testing.T) {
	s := startSubject(t, subjectBin(t), "--slowlog-log-slower-than", "0")
	c, waiting := dial(t, s.Addr), dial(t, s.Addr)
	c.Do("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
	waiting.Send("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
	await(t, "it waits", func() bool { return strings.Contains(c.Do("INFO", "clients").Text(), "blocked_clients:1") })
	if v := c.Do("SLOWLOG", "GET").String(); strings.Contains(v, "XREADGROUP") {
		t.Errorf("SLOWLOG GET while it waits: %s", v)
	}
	c.Do("XGROUP", "DESTROY", "s", "g")
	mentions(t, waiting.Receive().text, "NOGROUP")
	mentions(t, c.Do("SLOWLOG", "GET").String(), "XREADGROUP")
	mentions(t, c.Do("INFO", "commandstats").Text(), "cmdstat_xreadgroup:calls=1,", "rejected_calls=0,failed_calls=1")
}
