package compat_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"diskette/compat_test/testport"
)

// An authority signs the certificates of one test, which lie as files in a folder.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	last int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// sign writes name.crt and name.key.
func (a *authority) sign(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key := must[*ecdsa.PrivateKey](a.t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	a.last++
	c.SerialNumber, c.Subject = big.NewInt(a.last), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = c, key
	}
	der := must[[]byte](a.t)(x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey))
	keyDER := must[[]byte](a.t)(x509.MarshalPKCS8PrivateKey(key))
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(a.file(file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return must[*x509.Certificate](a.t)(x509.ParseCertificate(der)), key
}

func (a *authority) signServer(name string) {
	a.sign(name, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
}

// clientConfig is a client's; name is that of its own certificate, "" = it has none.
func (a *authority) clientConfig(name string) *tls.Config {
	c := &tls.Config{RootCAs: a.pool}
	if name != "" {
		c.Certificates = []tls.Certificate{must[tls.Certificate](a.t)(tls.LoadX509KeyPair(a.file(name+".crt"), a.file(name+".key")))}
	}
	return c
}

// startTLS starts a server with a plain port and a tls-port, whose address is returned.
func startTLS(t *testing.T, a *authority, args ...string) (s *server, addr string) {
	t.Helper()
	a.signServer("server")
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	port := testport.Free(t)
	s = startServer(t, subjectBin(t), append([]string{"--tls-port", port, "--tls-cert-file", a.file("server.crt"), "--tls-key-file", a.file("server.key"),
		"--tls-ca-cert-file", a.file("ca.crt")}, args...)...)
	return s, "127.0.0.1:" + port
}

func dialTLS(t *testing.T, addr string, c *tls.Config) *client {
	t.Helper()
	conn := must[*tls.Conn](t)(tls.Dial("tcp", addr, c))
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, r: bufio.NewReader(conn)}
}

func TestGoRedisOverTLS(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a)
	for _, c := range []struct {
		name string
		test func(*testing.T, *redis.Client)
	}{
		{"stores, expires and counts", goRedisBasics},
		{"gets each command's own reply from a pipeline", goRedisPipeline},
		{"runs a transaction as a whole", goRedisTransaction},
		{"serves fifty goroutines from ten connections", goRedisPool},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := redis.NewClient(&redis.Options{Addr: addr, TLSConfig: a.clientConfig("client"), PoolSize: 10, ClientName: "tester"})
			defer client.Close()
			dial(t, s.Addr).Do("FLUSHALL")
			c.test(t, client)
		})
	}
}

func TestLongValuesAndPipelinesGoOverTLS(t *testing.T) {
	a := newAuthority(t)
	_, addr := startTLS(t, a)
	c := dialTLS(t, addr, a.clientConfig("client"))
	long := strings.Repeat("0123456789abcdef", 512<<10) // 8 MiB
	says(t, c, "OK", "SET", "long", long)
	says(t, c, long, "GET", "long")
	var commands [][]any
	for range 2000 {
		commands = append(commands, []any{"APPEND", "k", strings.Repeat("x", 100)})
	}
	replies := c.Pipeline(commands...)
	equal(t, "the last APPEND's reply", replies[len(replies)-1].Int(), 200_000)
}

func TestWhoHangsUpOverTLSSwallowsNoElement(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a)
	plain := dial(t, s.Addr)
	for _, polite := range []bool{true, false} {
		c := dialTLS(t, addr, a.clientConfig("client"))
		c.Send("BLPOP", "l", 0)
		awaitLine(t, plain, "blocked_clients:1\r\n")
		if polite {
			c.conn.Close()
		} else {
			c.conn.(*tls.Conn).NetConn().Close()
		}
		awaitLine(t, plain, "blocked_clients:0\r\n")
		says(t, plain, "1", "RPUSH", "l", "x")
		says(t, plain, "x", "LPOP", "l")
	}
	c := dialTLS(t, addr, a.clientConfig("client"))
	c.Send("BLPOP", "l", 0)
	awaitLine(t, plain, "blocked_clients:1\r\n")
	c.Send("PING") // it is kept until the element is there
	says(t, plain, "1", "RPUSH", "l", "y")
	if v := c.Receive(); len(v.elems) != 2 || v.elems[1].text != "y" {
		t.Errorf("BLPOP: %s", v)
	}
	if v := c.Receive(); v.text != "PONG" {
		t.Errorf("PING: %s", v)
	}
}

// awaitLine waits for a line of INFO clients.
func awaitLine(t *testing.T, c *client, line string) {
	t.Helper()
	for deadline := time.Now().Add(replyTimeout); !strings.Contains(c.Do("INFO", "clients").Text(), line); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q does not come", line)
		}
	}
}

func TestMessagesArePushedOverTLS(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a)
	c := dialTLS(t, addr, a.clientConfig("client"))
	c.Do("SUBSCRIBE", "news")
	says(t, dial(t, s.Addr), "1", "PUBLISH", "news", "hello")
	if v := c.Receive(); len(v.elems) != 3 || v.elems[2].text != "hello" {
		t.Errorf("got %s", v)
	}
}

func TestTimeoutEndsIdleClientsOverTLS(t *testing.T) {
	a := newAuthority(t)
	_, addr := startTLS(t, a, "--timeout", "2")
	for {
		c := dialTLS(t, addr, a.clientConfig("client"))
		asked := time.Now()
		says(t, c, "PONG", "PING")
		time.Sleep(600 * time.Millisecond)
		start := time.Now()
		v, err := c.Try("PING")
		if err != nil && time.Since(asked) >= 2*time.Second {
			continue // the machine has let it be idle
		}
		if err != nil || v.text != "PONG" {
			t.Fatalf("%s, %v after %v", v, err, time.Since(asked))
		}
		if v, err := c.read(replyTimeout); !isHangUp(err) {
			t.Errorf("got %s, %v", v, err)
		}
		if took := time.Since(start); took < 2*time.Second {
			t.Errorf("the end came after %v", took)
		}
		return
	}
}

func TestStrangersAreLimitedOverTLS(t *testing.T) {
	a := newAuthority(t)
	_, addr := startTLS(t, a, "--requirepass", "x")
	c := dialTLS(t, addr, a.clientConfig("client"))
	c.SendRaw([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20480\r\n"))
	equal(t, "the reply to a long argument", c.Receive().text, "ERR Protocol error: unauthenticated bulk length")
}

func TestTLSAuthClientsAsksForCertificates(t *testing.T) {
	a, others := newAuthority(t), newAuthority(t)
	others.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	s, addr := startTLS(t, a)
	strange := a.clientConfig("")
	strange.Certificates = others.clientConfig("client").Certificates
	for _, test := range []struct {
		setting             string
		own, none, stranger bool
	}{
		{"yes", true, false, false},
		{"optional", true, true, false},
		{"no", true, true, true},
	} {
		says(t, dial(t, s.Addr), "OK", "CONFIG", "SET", "tls-auth-clients", test.setting)
		for _, c := range []struct {
			who  string
			tls  *tls.Config
			good bool
		}{{"a client", a.clientConfig("client"), test.own}, {"a client without a certificate", a.clientConfig(""), test.none}, {"a stranger", strange, test.stranger}} {
			conn, err := tls.Dial("tcp", addr, c.tls)
			if err == nil {
				_, err = (&client{conn: conn, r: bufio.NewReader(conn)}).Try("PING")
				conn.Close()
			}
			if c.good != (err == nil) {
				t.Errorf("tls-auth-clients %s, %s: %v", test.setting, c.who, err)
			}
		}
	}
}

func TestConfigSetReadsNewCertificates(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a)
	plain := dial(t, s.Addr)
	serial := func() int64 {
		conn := must[*tls.Conn](t)(tls.Dial("tcp", addr, a.clientConfig("client")))
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	first := serial()
	there := dialTLS(t, addr, a.clientConfig("client"))
	a.signServer("other")
	says(t, plain, "OK", "CONFIG", "SET", "tls-cert-file", a.file("other.crt"), "tls-key-file", a.file("other.key"))
	second := serial()
	if second == first {
		t.Error("the certificate is still the first one")
	}
	a.signServer("other") // renewed in place
	says(t, plain, "OK", "CONFIG", "SET", "tls-cert-file", a.file("other.crt"))
	if third := serial(); third == second {
		t.Error("the renewed certificate is not there")
	}
	last := serial()
	mentions(t, plain.Do("CONFIG", "SET", "tls-cert-file", a.file("nosuch.crt")).text, "ERR CONFIG SET failed", "tls-cert-file", "nosuch.crt")
	mentions(t, plain.Do("CONFIG", "SET", "tls-key-file", a.file("server.key")).text, "ERR CONFIG SET failed", "tls-key-file", "private key does not match")
	says(t, plain, "ERR CONFIG SET failed (possibly related to argument 'tls-port') - can't set immutable config", "CONFIG", "SET", "tls-port", "1")
	equal(t, "the serial number after refused changes", serial(), last)
	equal(t, "tls-cert-file", plain.Do("CONFIG", "GET", "tls-cert-file").elems[1].text, a.file("other.crt"))
	says(t, there, "PONG", "PING")
}

// What can not be used is refused even where no tls-port needs it yet, as it ends up: several
// names in one CONFIG SET go together.
func TestConfigSetRefusesCertificatesThatCanNotBeUsedWithoutTLSToo(t *testing.T) {
	a := newAuthority(t)
	a.signServer("server")
	a.signServer("other")
	s := startServer(t, subjectBin(t))
	c := dial(t, s.Addr)
	refused := func(words ...string) {
		t.Helper()
		args := []any{"CONFIG", "SET"}
		for _, w := range words {
			args = append(args, w)
		}
		mentions(t, c.Do(args...).text, "ERR CONFIG SET failed (possibly related to argument '", "') - Failed to ")
	}
	for _, name := range []string{"tls-cert-file", "tls-key-file", "tls-ca-cert-file"} {
		refused(name, "/etc/passwd")
		refused(name, a.file("nosuch"))
	}
	refused("tls-ca-cert-dir", a.file("nosuch"))
	refused("hz", "50", "tls-cert-file", a.file("server.crt"), "tls-key-file", a.file("other.key"))
	equal(t, "hz after a refused CONFIG SET", c.Do("CONFIG", "GET", "hz").elems[1].text, "10")
	equal(t, "tls-cert-file after it", c.Do("CONFIG", "GET", "tls-cert-file").elems[1].text, "")
	says(t, c, "OK", "CONFIG", "SET", "tls-cert-file", a.file("server.crt"))
	refused("tls-key-file", a.file("other.key"))
	says(t, c, "OK", "CONFIG", "SET", "tls-key-file", a.file("server.key"))
	says(t, c, "OK", "CONFIG", "SET", "tls-cert-file", a.file("other.crt"), "tls-key-file", a.file("other.key"))
	says(t, c, "OK", "CONFIG", "SET", "tls-cert-file", "")
}

func TestTLSProtocolsBoundsTheVersions(t *testing.T) {
	a := newAuthority(t)
	_, addr := startTLS(t, a, "--tls-protocols", "TLSv1.2")
	c := a.clientConfig("client")
	conn := must[*tls.Conn](t)(tls.Dial("tcp", addr, c))
	equal(t, "the version", conn.ConnectionState().Version, tls.VersionTLS12)
	conn.Close()
	c.MinVersion = tls.VersionTLS13
	if conn, err := tls.Dial("tcp", addr, c); err == nil {
		conn.Close()
		t.Error("TLS 1.3 is spoken")
	}
}

func TestTLSCiphersBoundWhatTLS12IsSpokenWith(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a, "--tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384")
	spoken := func(wanted uint16) (got uint16) {
		c := a.clientConfig("client")
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{wanted}
		conn, err := tls.Dial("tcp", addr, c)
		if err != nil {
			return 0
		}
		defer conn.Close()
		return conn.ConnectionState().CipherSuite
	}
	const strong, other, old = tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
	equal(t, "the suite in the list", spoken(strong), strong)
	equal(t, "one that is not in it", spoken(other), 0)

	c := dial(t, s.Addr)
	says(t, c, "OK", "CONFIG", "SET", "tls-ciphers", "ECDHE-ECDSA-AES128-SHA256")
	equal(t, "one that Go alone would not speak", spoken(old), old)
	equal(t, "the suite that was in the list", spoken(strong), 0)
	for option, list := range map[string]string{"tls-ciphers": "HIGH:!aNULL", "tls-ciphersuites": "TLS_AES_256_GCM_SHA384"} {
		mentions(t, c.Do("CONFIG", "SET", option, list).text, "ERR CONFIG SET failed (possibly related to argument '"+option+"') - ")
	}
	equal(t, "the suite after a list that is refused", spoken(old), old)
	says(t, c, "OK", "CONFIG", "SET", "tls-ciphers", "DEFAULT")
	equal(t, "a suite of Go's choice", spoken(other), other)
	equal(t, "one that is not", spoken(old), 0)
}

func TestPort0LeavesTLSAlone(t *testing.T) {
	a := newAuthority(t)
	a.signServer("server")
	port := testport.Free(t)
	s := newServer(t, subjectBin(t), "--port", "0", "--tls-port", port, "--tls-cert-file", a.file("server.crt"), "--tls-key-file", a.file("server.key"), "--tls-auth-clients", "no")
	s.launch(nil)
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(5 * time.Millisecond) {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+port, a.clientConfig(""))
		if err == nil {
			c := &client{t: t, conn: conn, r: bufio.NewReader(conn)}
			says(t, c, "PONG", "PING")
			conn.Close()
			break
		}
		if s.died() || time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, s.Log)
		}
	}
	if c, err := open(s.Addr); err == nil {
		c.Close()
		t.Error("the plain port answers")
	}
}

// A client that does not speak TLS, or not at once, holds nobody up.
func TestAClientThatDoesNotSpeakTLSHoldsNobodyUp(t *testing.T) {
	a := newAuthority(t)
	_, addr := startTLS(t, a, "--maxclients", "20")
	silent := must[net.Conn](t)(net.Dial("tcp", addr))
	defer silent.Close()
	plain := dial(t, addr)
	if v, err := plain.Try("PING"); err == nil {
		t.Errorf("without TLS: %s", v)
	}
	says(t, dialTLS(t, addr, a.clientConfig("client")), "PONG", "PING")
}

func TestWrongTLSFilesEndTheStart(t *testing.T) {
	a := newAuthority(t)
	a.signServer("server")
	port := testport.Free(t)
	for _, test := range []struct {
		args string
		want string
	}{
		{"", "No tls-cert-file configured!"},
		{"--tls-cert-file CRT", "No tls-key-file configured!"},
		{"--tls-cert-file CRT --tls-key-file KEY", "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"},
		{"--tls-cert-file CRT --tls-key-file /nosuch/key --tls-auth-clients no", "/nosuch/key"},
		{"--tls-cert-file CRT --tls-key-file CAKEY --tls-auth-clients no", "private key does not match"},
		{"--tls-cert-file CRT --tls-key-file KEY --tls-ca-cert-file /nosuch/ca", "/nosuch/ca"},
		{"--tls-cert-file CRT --tls-key-file KEY --tls-ca-cert-dir /nosuch", "/nosuch"},
		{"--tls-cert-file CRT --tls-key-file KEY --tls-ca-cert-file KEY", "holds no certificate"},
	} {
		args := strings.NewReplacer("CRT", a.file("server.crt"), "CAKEY", a.file("ca.key"), "KEY", a.file("server.key")).Replace(test.args)
		mentions(t, refuses(t, newServer(t, subjectBin(t), append([]string{"--tls-port", port}, strings.Fields(args)...)...)), test.want)
	}
}

func TestRedisCLISpeaksTLS(t *testing.T) {
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("NOT CHECKED: that redis-cli speaks TLS with this server; install Debian's redis-tools")
	}
	a := newAuthority(t)
	_, addr := startTLS(t, a)
	host, port, _ := net.SplitHostPort(addr)
	ctx, cancel := context.WithTimeout(t.Context(), replyTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, cli, "-h", host, "-p", port, "--tls", "--cacert", a.file("ca.crt"), "--cert", a.file("client.crt"), "--key", a.file("client.key"),
		"SET", "k", "over TLS").CombinedOutput()
	if err != nil || string(out) != "OK\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTheLoadGeneratorSpeaksTLS(t *testing.T) {
	a := newAuthority(t)
	s, addr := startTLS(t, a)
	host, port, _ := net.SplitHostPort(addr)
	load := []string{"bench", "-h", host, "-p", port, "-n", "200", "-c", "5", "-t", "set,get", "-q",
		"--tls", "--cacert", a.file("ca.crt")}
	out := succeeds(t, append(load, "--cert", a.file("client.crt"), "--key", a.file("client.key"))...)
	mentions(t, out, "SET: ", "GET: ")
	stats := fmt.Sprint(dial(t, s.Addr).Do("INFO", "commandstats"))
	mentions(t, stats, "cmdstat_set:calls=200,", "cmdstat_get:calls=200,")

	if out, said, status := runProgram(t, load...); status == 0 {
		t.Errorf("a server that asks for a certificate let in who has none: %s%s", out, said)
	}
}
