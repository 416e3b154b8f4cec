package admin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// hostile are bytes that a page must never take for its own.
const hostile = "<script>document.title='taken'</script>\"'&\xff\xfe\x00\u202e</pre>"

// chromium starts a browser, which ends with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	bin, err := exec.LookPath("chromium")
	if !*liveFlag || err != nil {
		t.Skip("NOT CHECKED: the page in a browser; go test ./resp/admin -live does, with Debian's chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// tab is the browser's page, with the test that it belongs to.
type tab struct {
	t   *testing.T
	ctx context.Context
	s   *subject
}

// do runs steps that must succeed.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		body, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
		b.t.Fatalf("%s: %v\n%.2000s", what, err, body)
	}
}

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}
func there(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitReady(chromedp.CSS(selector))
}
func typed(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

// ask returns what an action finds out.
func ask[T any](b *tab, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return v
}

func (b *tab) open(path string) {
	b.t.Helper()
	b.do(path, chromedp.Navigate(b.s.at+path), there("main"))
}

func (b *tab) text() string { return ask(b, "the page's text", chromedp.Text(chromedp.CSS("main"))) }

func (b *tab) has(what string, texts ...string) {
	b.t.Helper()
	body := b.text()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.t.Errorf("%s: there is no %q in\n%.3000s", what, text, body)
		}
	}
}

func (b *tab) logIn(password string) {
	b.t.Helper()
	b.open("/")
	b.do("log in", typed("#password", password), click("form.login button"),
		there("#tiles"))
}

// populate makes keys of every type, with bytes that mean something to HTML.
func populate(s *subject) {
	s.do("SET", hostile, hostile)
	s.do("SET", "json:1", `{"user": {"name": "Ada", "tags": ["<b>bold</b>", "x"]}, "n": 12}`)
	s.do("SET", "text:1", "first line\nsecond line <i>not italic</i>", "EX", "86400")
	s.do("SET", "binary:1", "\x00\x01\xff\xfe<script>")
	s.do("SETRANGE", "large:1", "3000000", "the end")
	s.do("HSET", "hash:1", "field", "value", hostile, hostile, "long", strings.Repeat("x", 5000))
	var commands [][]string
	add := func(args ...string) { commands = append(commands, args) }
	for i := range 250 {
		add("RPUSH", "list:1", fmt.Sprintf("element %d", i))
		add("SADD", "set:1", fmt.Sprintf("member %d", i))
		add("ZADD", "zset:1", fmt.Sprint(i), fmt.Sprintf("scored %d", i))
		add("HSET", "hash:2", fmt.Sprintf("field %d", i), fmt.Sprint(i))
		add("XADD", "stream:1", "*", "n", fmt.Sprint(i), hostile, hostile)
	}
	for i := range 3000 {
		add("SET", fmt.Sprintf("session:%d:token", i), strings.Repeat("t", 200), "EX", "7200")
		add("SET", fmt.Sprintf("user:%d:name", i%1000), "somebody")
	}
	replies, err := s.conn.pipeline(commands)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range replies {
		if replies[i].failed() {
			s.t.Fatalf("%q: %s", commands[i], replies[i].text)
		}
	}
	s.do("RPUSH", "list:1", hostile)
	s.do("ZADD", "zset:1", "inf", hostile)
	s.do("SELECT", "3")
	s.do("MSET", "a", "1", "b", "2")
	s.do("SELECT", "0")
}

// TestLiveThePageInABrowser uses the page as people do.
func TestLiveThePageInABrowser(t *testing.T) {
	ctx := chromium(t)
	s := startWith(t, t.TempDir(), func(page *Server) {
		page.history = newHistory(time.Second, 10*time.Second, time.Minute)
		page.walk.again = walkLeast
	},
		"--requirepass", "secret", "--slowlog-log-slower-than", "0", "--enable-debug-command", "yes")
	s.do("PING")
	populate(s)
	b := &tab{t, ctx, s}

	b.open("/keys?db=0")
	b.has("nobody has logged in", "Log in", "Password")
	b.do("a wrong password", typed("#password", "wrong"), click("form.login button"),
		there("p.bad"))
	b.has("a wrong password", "Wrong user name or password")
	b.logIn("secret")
	b.has("the overview", "Commands a second", "Keys", "On disk", "99 of 100 within")
	ask(b, "the plots move", chromedp.Poll[bool](`Number(document.getElementById("plots").dataset.samples) > 2`, chromedp.WithPollingTimeout(time.Minute)))
	b.do("they are drawn", there(".plot canvas"))

	b.open("/caches")
	b.has("the caches", "db0", "db3")
	b.do("a cache is cleared once its name is typed", click("tr:nth-child(2) details summary"),
		typed("tr:nth-child(2) input[name=name]", "db3"),
		click("tr:nth-child(2) button.danger"), there("p.told"))
	b.has("cleared", "The cache db3 is empty.")
	s.do("SELECT", "3")
	if n := s.do("DBSIZE"); n.int() != 0 {
		t.Errorf("db3 has %d keys", n.int())
	}
	s.do("SELECT", "0")

	b.open("/keys?db=0&q=session:")
	rows := ask(b, "a page of keys", chromedp.Evaluate[int](`document.querySelectorAll("#keys tbody tr").length`))
	if rows < 100 {
		t.Errorf("%d keys on the first page", rows)
	}
	b.do("the next page", click(`a[rel="next"]`), there("#keys"))
	b.open("/keys?db=0&q=&as=tree")
	b.has("a tree", "session:", "user:", "zset:")

	for _, c := range []struct{ key, want string }{
		{"json:1", `"name": "Ada"`}, {"text:1", "second line <i>not italic</i>"}, {"binary:1", "00 01 ff fe 3c 73 63 72"},
		{"large:1", "first 64 KB"}, {"hash:1", "of 4.9 KB"}, {"list:1", "element 99"}, {"set:1", "member"}, {"zset:1", "scored 99"},
		{"stream:1", "<script>"}, {hostile, `\xff\xfe\x00`},
	} {
		b.open("/key?db=0&k=" + keyID(c.key))
		b.has(showBytes(c.key), c.want)
		if title := ask(b, "its title", chromedp.Title()); !strings.Contains(title, "Key – Diskette") {
			t.Errorf("%q has made the page's title %q", c.key, title)
		}
	}
	b.open("/key?db=0&k=" + keyID("zset:1"))
	b.do("the last page of a sorted set", click(`a[rel="next"]`), there("#elements"))
	b.has("the second page", "scored 199")

	b.open("/key?db=0&k=" + keyID("text:1"))
	b.do("a value is changed", click(".actions details:nth-child(3) summary"),
		chromedp.SetValue(chromedp.CSS("#edit"), "changed"), click(".actions details:nth-child(3) button"),
		there("p.told"))
	if v := s.do("GET", "text:1"); v.text != "changed" {
		t.Errorf("text:1 is %q", v.text)
	}
	if v := s.do("TTL", "text:1"); v.int() < 80000 {
		t.Errorf("its time to live is %d", v.int())
	}
	b.open("/key?db=0&k=" + keyID("text:1"))
	b.do("it is deleted", click(".actions details:nth-child(1) summary"),
		click(".actions details:nth-child(1) button"), there("p.told"))
	if v := s.do("EXISTS", "text:1"); v.int() != 0 {
		t.Error("text:1 is there still")
	}

	b.do("what fills it is found out", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for {
			if f, whole, _ := s.page.walk.of(0); f != nil && whole && f.Keys > 3000 {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
		}
	}))
	b.open("/fill?db=0")
	b.has("what fills it", "session:", "large:")

	b.open("/slow")
	b.has("slow", "Commands by their time", "Slow log", "Clients", "this page")

	b.open("/live")
	b.do("MONITOR begins", typed("#monitor input[name=filter]", "watch-me"), click("#begin"))
	ask(b, "MONITOR", chromedp.Poll[bool](`document.getElementById("monitor-state").textContent == "Listening …"`))
	// The page may not be a monitor yet.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s.do("SET", "watch-me", hostile)
		if seen := ask(b, "what is seen", chromedp.TextContent(chromedp.CSS("#monitored"))); strings.Contains(seen, "watch-me") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("MONITOR shows nothing")
		}
	}
	s.do("DEL", "watch-me")
	b.open("/backup")
	b.has("backup", "Everything, as an RDB file")

	b.pictures()
}

// pictures of each view at two widths, light and dark, and what axe-core says of them. DISKETTE_PICTURES names a
// directory in which they stay.
func (b *tab) pictures() {
	dir := os.Getenv("DISKETTE_PICTURES")
	if dir == "" {
		dir = b.t.TempDir()
	}
	axe, err := os.ReadFile(os.Getenv("DISKETTE_AXE"))
	if err != nil {
		b.t.Log("NOT CHECKED: accessibility; DISKETTE_AXE names axe-core's axe.min.js")
	}
	for _, scheme := range []string{"light", "dark"} {
		b.do(scheme, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		}))
		for _, width := range []int64{1280, 390} {
			b.do("the size", chromedp.EmulateViewport(width, 800))
			for name, path := range map[string]string{"overview": "/", "caches": "/caches", "keys": "/keys?db=0&q=session:", "tree": "/keys?db=0&as=tree",
				"json": "/key?db=0&k=" + keyID("json:1"), "hash": "/key?db=0&k=" + keyID("hash:1"), "hostile": "/key?db=0&k=" + keyID(hostile),
				"fill": "/fill?db=0", "largest": "/keys/largest", "used": "/keys/used", "expiring": "/keys/expiring", "slow": "/slow", "live": "/live", "backup": "/backup"} {
				b.open(path)
				if name == "overview" {
					b.do("the plots", there(".plot:last-child canvas"))
				}
				if ask(b, "its width", chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`)) {
					b.t.Errorf("%s at %d pixels is wider than the screen", name, width)
				}
				picture := ask(b, "a picture", chromedp.FullScreenshot(100))
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o644); err != nil {
					b.t.Fatal(err)
				}
				if axe != nil && width > 1000 {
					b.judge(string(axe), fmt.Sprintf("%s at %d pixels, %s", name, width, scheme))
				}
			}
		}
	}
}

// judge lets axe-core look at the page.
func (b *tab) judge(axe, what string) {
	b.t.Helper()
	ask(b, "axe", chromedp.Evaluate[int](axe+";0"))
	faults := ask(b, "axe", chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.filter(v => v.impact == "serious" || v.impact == "critical")
		.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")))`, chromedp.EvalAwaitPromise))
	for _, f := range faults {
		b.t.Errorf("%s: %s", what, f)
	}
}
