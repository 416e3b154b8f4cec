package cli

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The modes that go on until they are interrupted, as lines with the figures taken out. As redis-cli 7.0.15 shows them.
func TestModesWithoutAnEndShowWhatRedisCliShows(t *testing.T) {
	info := "# Server\r\nused_memory:1153434\r\nconnected_clients:2\r\nblocked_clients:1\r\ntotal_commands_processed:1234\r\n" +
		"total_connections_received:7\r\nrdb_bgsave_in_progress:1\r\naof_rewrite_in_progress:1\r\nloading:0\r\n" +
		"# Keyspace\r\ndb0:keys=3,expires=0\r\ndb11:keys=4,expires=1\r\n"
	stat := "------- data ------ --------------------- load -------------------- - child -\n" +
		"keys       mem      clients blocked requests            connections          \n"
	legend := "---------------------------------------------\n. - * #          .01 .125 .25 .5 milliseconds\n"
	bulk := func(text string) string { return string(appendCommand(nil, []string{text})[len("*1\r\n"):]) }
	for _, test := range []struct {
		name, args, answer string
		want               string // a regular expression for how it begins
	}{
		{
			"--stat", "--stat -i 0.01", bulk(info),
			"^" + regexp.QuoteMeta(stat) + `7          1\.10M    2       1       1234 \(\+0\)           7           SAVE\+AOF\n7 .*1234 \(\+0\) `,
		},
		{"--stat refused", "--stat", "-NOAUTH x\r\n", `^ERROR: NOAUTH x\n`},
		{"--latency-history", "--latency-history -i 0.03", "+PONG\r\n", `^(\d+ \d+ \d+\.\d\d \d+\n -- \d+\.\d\d seconds range\n){2}`},
		{"--latency for a terminal", "--latency --no-raw", "+PONG\r\n", `^(\x1b\[0G\x1b\[2Kmin: \d+, max: \d+, avg: \d+\.\d\d \(\d+ samples\)){3}`},
		{
			"--latency-dist", "--latency-dist -i 0.03", "+PONG\r\n",
			"^" + regexp.QuoteMeta(legend) + `(.*\n){4}From 0 to 100%: \x1b\[48;5;0m (\x1b\[48;5;\d+m ){18}\x1b\[0m\n-+\n` +
				`(\x1b\[38;5;0m\x1b\[48;5;\d+m\.(\x1b\[48;5;\d+m.){30}\x1b\[0m\n){2}`,
		},
		{"--latency-dist in greys", "--latency-dist --mono -i 0.03", "+PONG\r\n", `From 0 to 100%: \x1b\[48;5;0m (\x1b\[48;5;\d+m ){12}\x1b\[0m\n`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := make([]string, 10_000)
			for i := range answers {
				answers[i] = test.answer
			}
			s := serveReplies(t, answers...)
			go func() {
				for range s.commands { // its queue is not to fill up
				}
			}()
			cmd := exec.Command(os.Args[0], append([]string{"-p", s.port}, strings.Fields(test.args)...)...)
			cmd.Env = []string{"DISKETTE_TEST_CLI=1"}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Wait() }()
			defer func() { _ = cmd.Process.Kill() }()
			time.AfterFunc(longEnough, func() { _ = cmd.Process.Kill() })
			in := bufio.NewReader(out)
			want := regexp.MustCompile(test.want)
			var got []byte
			for !want.Match(got) {
				b, err := in.ReadByte()
				if err == io.EOF {
					t.Fatalf("it ends with %q", got)
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, b)
			}
		})
	}
}
