// Command holds asks a server for each view of its page, and for commands that concern all keys, and tells for how long
// each held the keyspace lock, how long it took, and how long others had to wait meanwhile:
//
//	go run ./compat_test/bench/manykeys -keys 50000000 DIR/dump.rdb
//	diskette --dir DIR --admin 127.0.0.1:8379
//	go run ./compat_test/bench/holds -fill 5000000 -clear 1
//
// The server is to have manykeys' keys, no password and nobody else who asks it for anything. What it does by itself is
// measured, too: its holds are told by the functions that had them. The figures are in us: of the longest hold by the
// clock and by a processor's time, of the least and the middle request, and of GET and SET in turns, one every ms: the
// 99th of a hundred and the longest. On a busy machine the clock's figures are the machine's; the first line, without
// any request, says how much so.
package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

func main() {
	var m measurement
	flag.StringVar(&m.redis, "redis", "127.0.0.1:6379", "`address` of the server")
	flag.StringVar(&m.admin, "admin", "127.0.0.1:8379", "`address` of its page")
	flag.IntVar(&m.seconds, "seconds", 3, "ask for each view for so many `seconds`")
	only := flag.String("only", "", "measure those alone whose names match the `expression`")
	fill := flag.Int("fill", 0, "write a hash of so many `elements` before, huge:hash, and the other types with a fifth of it")
	clear := flag.Int("clear", -1, "clear the `database` by the page at the end")
	flag.Parse()
	var err error
	if m.only, err = regexp.Compile(*only); err == nil {
		err = m.run(*fill, *clear)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "holds:", err)
		os.Exit(1)
	}
}

type measurement struct {
	redis, admin string
	seconds      int
	only         *regexp.Regexp

	browser http.Client
	csrf    string
	c       redis.Conn
}

func (m *measurement) run(fill, clear int) (err error) {
	if m.c, err = redis.Dial("tcp", m.redis); err != nil {
		return err
	}
	defer m.c.Close()
	if err := m.logIn(); err != nil {
		return err
	}
	if fill > 0 {
		if err := m.fill(fill); err != nil {
			return err
		}
	}
	fmt.Println("| | hold | of a processor | request, least | middle | GET and SET, 99 % | most | it ended in |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, c := range m.cases(fill) {
		if err := m.measure(c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if clear < 0 {
		return nil
	}
	return m.measure(request{fmt.Sprintf("clear db%d", clear), true, func() error {
		return m.post("/caches/clear", url.Values{"db": {strconv.Itoa(clear)}, "name": {fmt.Sprint("db", clear)}})
	}})
}

// A request is asked again and again, or once.
type request struct {
	name string
	once bool
	ask  func() error
}

func (m *measurement) cases(fill int) []request {
	get := func(name, path string) request { return request{name, false, func() error { return m.get(path) }} }
	do := func(name string, args ...any) request {
		return request{name, false, func() error {
			_, err := m.c.Do(args[0].(string), args[1:]...)
			return err
		}}
	}
	all := []request{
		{"nothing", false, func() error { time.Sleep(10 * time.Millisecond); return nil }},
		get("overview", "/"), get("its plots", "/samples?span=hour"),
		get("caches", "/caches"),
		get("keys", "/keys?db=0"), get("by prefix", "/keys?db=0&q=user:77"),
		get("by a prefix that few have", "/keys?db=0&q=rare:"),
		get("in a database behind another", "/keys?db=1"), get("by pattern", "/keys?db=0&q=*:7777777*"),
		get("as a tree", "/keys?db=0&as=tree"), get("as a tree, by prefix", "/keys?db=0&as=tree&q=item:"),
		get("expiring next", "/keys/expiring?db=0"), get("largest", "/keys/largest?db=0"),
		get("what fills it", "/fill?db=0"), get("by two levels", "/fill?db=0&level=2"),
		get("slow", "/slow"), get("live", "/live"), get("backup", "/backup"),
		get("a slice of few keys", "/backup/slice?db=0&q=rare:"), get("a slice, its first MB", "/backup/slice?db=0&q=user:"),
		get("metrics", "/metrics"),
		get("key: a string", key("site:page:77", 0)),
	}
	for _, t := range []string{"hash", "set", "zset", "list", "stream"} {
		all = append(all, get("key: a "+t+" of 10", key(t+":small:9", 0)), get("key: a "+t+" of 50,000", key(t+":large", 0)))
		if fill > 0 {
			n := elements(t, fill)
			all = append(all, get(fmt.Sprintf("key: a %s of %d", t, n), key("huge:"+t, 0)))
			if t == "list" || t == "zset" {
				all = append(all, get("its middle", key("huge:"+t, n/2)))
			}
		}
	}
	if fill > 0 {
		all = append(all, get("key: a string of 100 MB", key("huge:string", 0)))
	}
	return append(all, do("DBSIZE", "DBSIZE"), do("INFO", "INFO", "everything"), do("CACHE STATS", "CACHE", "STATS"),
		do("SCAN", "SCAN", 0, "COUNT", 1000), do("SCAN of a prefix", "SCAN", 0, "MATCH", "rare:*", "COUNT", 1000),
		do("SCAN of a pattern", "SCAN", 0, "MATCH", "*needle*", "COUNT", 1000),
		do("SCAN COUNT 100000", "SCAN", 0, "COUNT", 100_000),
		do("RANDOMKEY", "RANDOMKEY"),
		request{"MONITOR on the page", false, func() error { return m.get("/live/monitor") }})
}

func key(name string, at int) string {
	path := "/key?db=0&k=" + base64.RawURLEncoding.EncodeToString([]byte(name))
	if at > 0 {
		path += "&at=" + strconv.Itoa(at)
	}
	return path
}

// measure asks for a request while the holds are watched, beside GET and SET, and prints a line.
func (m *measurement) measure(r request) error {
	if !m.only.MatchString(r.name) {
		return nil
	}
	watched := make(chan hold, 1)
	var failed error
	go func() {
		defer close(watched)
		var h hold
		if h, failed = m.watch(); failed == nil {
			watched <- h
		}
	}()
	load, loaded := make(chan struct{}), make(chan []time.Duration, 1)
	go func() {
		took, err := m.load(load)
		if err != nil {
			fmt.Fprintln(os.Stderr, "holds: GET and SET:", err)
		}
		loaded <- took
	}()
	time.Sleep(50 * time.Millisecond) // the watch has begun, or a request of many is not watched
	var took []time.Duration
	var longest hold
	for done := false; !done; {
		began := time.Now()
		if err := r.ask(); err != nil {
			return err
		}
		took = append(took, time.Since(began))
		if r.once {
			longest = <-watched
			break
		}
		select {
		case longest = <-watched:
			done = true
		default:
		}
	}
	close(load)
	others := <-loaded
	if failed != nil {
		return failed
	}
	slices.Sort(took)
	slices.Sort(others)
	fmt.Printf("| %s | %d | %d | %d | %d | %d | %d | %s |\n", r.name, longest.clock, longest.cpu, took[0].Microseconds(),
		took[len(took)/2].Microseconds(), others[len(others)*99/100].Microseconds(), others[len(others)-1].Microseconds(),
		longest.where)
	return nil
}

// hold is the longest by the clock and the longest of a processor's time, in us, with where the latter ended.
type hold struct {
	clock, cpu int
	where      string
}

// watch asks for the holds of some seconds.
func (m *measurement) watch() (h hold, err error) {
	// Without the session, whose requests wait for one another.
	text, err := answer(http.Get(fmt.Sprint("http://", m.admin, "/debug/pprof/holds?seconds=", m.seconds)))
	if err != nil {
		return h, err
	}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var clock, cpu, total, count int
		line := lines.Text()
		if n, _ := fmt.Sscan(line, &clock, &cpu, &total, &count); n < 4 {
			continue
		}
		h.clock = max(h.clock, clock)
		if cpu >= h.cpu {
			h.cpu, h.where = cpu, strings.Join(strings.Fields(line)[4:], " ")
		}
	}
	return h, nil
}

// load asks GET and SET in turns, one every ms, until stop is closed, and returns how long each took.
func (m *measurement) load(stop chan struct{}) (took []time.Duration, err error) {
	c, err := redis.Dial("tcp", m.redis)
	if err != nil {
		return []time.Duration{math.MaxInt64}, err
	}
	defer c.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return took, nil
		case <-tick.C:
		}
		began := time.Now()
		if n%2 == 0 {
			_, err = c.Do("SET", fmt.Sprint("load:", n%1000), "value")
		} else {
			_, err = c.Do("GET", fmt.Sprint("load:", n%1000-1))
		}
		if took = append(took, time.Since(began)); err != nil {
			return took, err
		}
	}
}

// logIn begins a session, as the default user without a password.
func (m *measurement) logIn() (err error) {
	m.browser.Jar, err = cookiejar.New(nil)
	if err != nil {
		return err
	}
	if err := m.post("/login", url.Values{}); err != nil {
		return err
	}
	text, err := m.text("/")
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindStringSubmatch(text)
	if found == nil {
		return errors.New("the page lets nobody in: is there a password?")
	}
	m.csrf = found[1]
	return nil
}

func (m *measurement) post(path string, form url.Values) error {
	form.Set("csrf", m.csrf)
	_, err := answer(m.browser.PostForm("http://"+m.admin+path, form))
	return err
}

func (m *measurement) get(path string) error {
	_, err := m.text(path)
	return err
}

func (m *measurement) text(path string) (string, error) {
	return answer(m.browser.Get("http://" + m.admin + path))
}

// mostRead is what is read of an answer. Streams go on for ever.
const mostRead = 1 << 20

func answer(res *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostRead))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status + ": " + string(text))
	}
	return string(text), err
}

// elements is how many a large collection of a type gets.
func elements(typ string, fill int) int {
	if typ == "hash" {
		return fill
	}
	return fill / 5
}

// fill writes large collections, unless they are there.
func (m *measurement) fill(n int) error {
	if there, err := redis.Int(m.c.Do("HLEN", "huge:hash")); err != nil || there == n {
		return err
	}
	write := map[string]func(i int) (string, []any){
		"hash":   func(i int) (string, []any) { return "HSET", []any{fmt.Sprint("field", i), "value"} },
		"set":    func(i int) (string, []any) { return "SADD", []any{fmt.Sprint("member", i)} },
		"zset":   func(i int) (string, []any) { return "ZADD", []any{i, fmt.Sprint("member", i)} },
		"list":   func(i int) (string, []any) { return "RPUSH", []any{fmt.Sprint("element", i)} },
		"stream": func(i int) (string, []any) { return "XADD", []any{"*", "field", i} },
	}
	for typ, of := range write {
		const batch = 500
		for i := 0; i < elements(typ, n); i += batch {
			for j := range batch {
				name, args := of(i + j)
				if err := m.c.Send(name, append([]any{"huge:" + typ}, args...)...); err != nil {
					return err
				}
			}
			if _, err := m.c.Do(""); err != nil {
				return err
			}
		}
	}
	_, err := m.c.Do("SETRANGE", "huge:string", 100<<20-1, "x")
	return err
}
