package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestACommandFollowsTheRedirectionsOfACluster(t *testing.T) {
	for word, want := range map[string][]string{"MOVED": {"get k"}, "ASK": {"ASKING", "get k"}} {
		answers := []string{"+OK\r\n", "$1\r\nv\r\n"}[2-len(want):]
		there := serveReplies(t, answers...)
		here := serveReplies(t, "-"+word+" 12182 127.0.0.1:"+there.port+"\r\n")
		if status, out, err := run("", "-p", here.port, "-c", "get", "k"); status != 0 || out != "v\n" || err != "" {
			t.Errorf("%s: status %d, output %q, errors %q", word, status, out, err)
		}
		if got := there.received(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the other server received %q, want %q", word, got, want)
		}
	}
}

func TestWithoutMinusCARedirectionIsAnErrorAsAnyOther(t *testing.T) {
	s := serveReplies(t, "-MOVED 12182 127.0.0.1:1\r\n")
	if status, out, err := run("", "-p", s.port, "get", "k"); status != 0 || out != "MOVED 12182 127.0.0.1:1\n\n" || err != "" {
		t.Errorf("status %d, output %q, errors %q", status, out, err)
	}
}

func TestRedirectionsInACircleEnd(t *testing.T) {
	var answers []string
	for range 2 * mostRedirections {
		answers = append(answers, "-MOVED 1 :PORT\r\n") // no host: the same one
	}
	s := serveReplies(t, answers...)
	for i := range answers {
		answers[i] = "-MOVED 1 :" + s.port + "\r\n"
	}
	want := "MOVED 1 :" + s.port + "\n\n"
	if status, out, err := run("", "-p", s.port, "-c", "get", "k"); status != 0 || out != want || err != "" {
		t.Errorf("status %d, output %q, errors %q", status, out, err)
	}
	if got := s.received(); len(got) != mostRedirections+1 {
		t.Errorf("asked %d times", len(got))
	}
}

func TestADumpOfKnownLengthIsWrittenWhole(t *testing.T) {
	for _, test := range []struct {
		name, sync, stderr string
		status             int
		file               string
	}{
		{
			"known length", "\n\n$9\r\nREDIS0011*1\r\n$4\r\nPING\r\n",
			"SYNC sent to master, writing 9 bytes to 'FILE'\nTransfer finished with success.\n", 0, "REDIS0011",
		},
		{
			"up to a mark", "$EOF:" + strings.Repeat("m", 40) + "\r\nREDIS" + strings.Repeat("m", 39) + "0" + strings.Repeat("m", 40),
			"SYNC sent to master, writing bytes of bulk transfer until EOF marker to 'FILE'\nTransfer finished with success after 45 bytes\n",
			0, "REDIS" + strings.Repeat("m", 39) + "0",
		},
		{
			"cut", "$9\r\nREDIS" + hangUp,
			"SYNC sent to master, writing 9 bytes to 'FILE'\nI/O Error reading RDB payload from socket\n", 1, "REDIS",
		},
		{
			"cut before its mark", "$EOF:" + strings.Repeat("m", 40) + "\r\nREDIS" + strings.Repeat("m", 39) + hangUp,
			"SYNC sent to master, writing bytes of bulk transfer until EOF marker to 'FILE'\nI/O Error reading RDB payload from socket\n",
			1, "REDI",
		},
		{"no length", "$x\r\n", "SYNC with master failed: the length is 'x'\n", 1, ""},
		{"hung up", hangUp, "Error reading bulk length while SYNCing\n", 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "dump.rdb")
			port := serveSync(t, test.sync)
			status, out, stderr := run("", "-p", port, "--rdb", file)
			want := "sending REPLCONF capa eof\nsending REPLCONF rdb-only 1\n" + strings.ReplaceAll(test.stderr, "FILE", file)
			if status != test.status || out != "" || stderr != want {
				t.Errorf("status %d, output %q, errors %q, want %q", status, out, stderr, want)
			}
			if b, _ := os.ReadFile(file); string(b) != test.file {
				t.Errorf("the file is %q, want %q", b, test.file)
			}
		})
	}
}

func TestAReplicaShowsWhatItsMasterSends(t *testing.T) {
	commands := "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\"b\r\n" + hangUp
	port := serveSync(t, "$5\r\nREDIS"+commands)
	status, out, stderr := run("", "-p", port, "--replica")
	if status != 1 || out != "\"PING\"\n\"SET\",\"k\",\"a\\\"b\"\n" {
		t.Errorf("status %d, output %q", status, out)
	}
	want := "sending REPLCONF capa eof\nsending REPLCONF rdb-filter-only \nSYNC with master, discarding 5 bytes of bulk transfer...\n" +
		"SYNC done. Logging commands from master.\n" + closed
	if stderr != want {
		t.Errorf("errors %q, want %q", stderr, want)
	}
}

// serveSync answers REPLCONF with OK and SYNC with what it is given, on one connection.
func serveSync(t *testing.T, sync string) (port string) {
	t.Helper()
	lines := []string{"connect"}
	s := replay(t, append(lines, syncLines(sync)...), false)
	t.Cleanup(func() { s.close(); <-s.stopped })
	return s.port
}

func syncLines(sync string) []string {
	sync, last := strings.CutSuffix(sync, hangUp)
	lines := []string{"> any", `< "+OK\r\n"`, "> any", `< "+OK\r\n"`, `> "SYNC\r\n"`, "< " + quoted(sync)}
	if last {
		lines = append(lines, "hangup")
	}
	return lines
}

func quoted(text string) string { return quoteCommand([]string{text}) }

// A testAuthority signs certificates, and itself.
type testAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newTestAuthority(t *testing.T, dir, name string) *testAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &testAuthority{certificate, key, filepath.Join(dir, name+".crt")}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// sign makes a certificate for a host, and returns its file and its key's.
func (a *testAuthority) sign(t *testing.T, dir, host string) (certificate, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, keyFile = filepath.Join(dir, host+".crt"), filepath.Join(dir, host+".key")
	writePEM(t, certificate, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", keyBytes)
	return certificate, keyFile
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLSTrustsWhomItIsToldTo(t *testing.T) {
	dir, roots, empty := t.TempDir(), t.TempDir(), t.TempDir()
	ours, other := newTestAuthority(t, roots, "ours"), newTestAuthority(t, dir, "other")
	certificate, key := ours.sign(t, dir, "cache.example")
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.certificate)
	open := &tls.Config{Certificates: []tls.Certificate{pair}}
	strict := &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	old := &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: tls.VersionTLS12}
	const failed = "Could not connect to Redis at 127.0.0.1:PORT: Could not negotiate a TLS connection: "
	for _, test := range []struct {
		name   string
		server *tls.Config // nil = it speaks no TLS
		args   string
		stderr string // its start, "" = PONG
	}{
		{"an authority", open, "--tls --cacert " + ours.file, ""},
		{"a directory of authorities", open, "--tls --cacertdir " + roots, ""},
		{"another authority", open, "--tls --cacert " + other.file, failed + "x509: certificate signed by unknown authority"},
		{"the system's authorities", open, "--tls", failed + "x509:"},
		{"anybody", open, "--tls --insecure", ""},
		{"a name that the certificate has", open, "--tls --sni cache.example --cacert " + ours.file, ""},
		{"a name that it has not", open, "--tls --sni other.example --cacert " + ours.file, failed + "x509: certificate is valid for cache.example"},
		{"rediss://", open, "--insecure -u rediss://127.0.0.1:PORT", ""},
		{"a certificate to show", strict, "--tls --cacert " + ours.file + " --cert " + certificate + " --key " + key, ""},
		{"none to show", strict, "--tls --cacert " + ours.file, "Error: "},
		{"no TLS there", nil, "--tls --insecure", failed + "the server does not speak TLS at this port"},
		{"no such file", open, "--tls --cacert " + dir + "/absent", "Could not connect to Redis at 127.0.0.1:PORT: Failed to load CA Certificate"},
		{"a file without certificates", open, "--tls --cacert " + key, "Could not connect to Redis at 127.0.0.1:PORT: Failed to load CA Certificate"},
		{"an empty directory", open, "--tls --cacertdir " + empty, "Could not connect to Redis at 127.0.0.1:PORT: Failed to load CA Certificates"},
		{"a key that is none", open, "--tls --insecure --cert " + certificate + " --key " + certificate, "Could not connect to Redis at 127.0.0.1:PORT: Failed to load client"},
		{"a certificate without its key", open, "--tls --cert " + certificate, "--cert needs --key"},
		{"a key without its certificate", open, "--tls --key " + key, "--key needs --cert"},
		{"a cipher", old, "--tls --insecure --tls-ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384", ""},
		{"a cipher that is none", old, "--tls --insecure --tls-ciphers HIGH", "Could not connect to Redis at 127.0.0.1:PORT: Failed to configure ciphers"},
		{"a cipher that the server has not", old, "--tls --insecure --tls-ciphers AES256-GCM-SHA384", failed},
		{"all suites", open, "--tls --insecure --tls-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", ""},
		{"a suite that is none", open, "--tls --insecure --tls-ciphersuites TLS_X", "Could not connect to Redis at 127.0.0.1:PORT: Failed to configure ciphersuites"},
	} {
		t.Run(test.name, func(t *testing.T) {
			port := servePong(t, test.server)
			args := append([]string{"-p", port}, strings.Fields(strings.ReplaceAll(test.args, "PORT", port))...)
			status, out, stderr := run("", append(args, "ping")...)
			if test.stderr == "" {
				if status != 0 || out != "PONG\n" || stderr != "" {
					t.Errorf("status %d, output %q, errors %q", status, out, stderr)
				}
				return
			}
			want := strings.ReplaceAll(test.stderr, "PORT", port)
			if status != 1 || out != "" || !strings.HasPrefix(stderr, want) {
				t.Errorf("status %d, output %q, errors %q, want %q", status, out, stderr, want)
			}
		})
	}
}

// servePong answers anything with PONG.
func servePong(t *testing.T, config *tls.Config) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(longEnough))
			if config != nil {
				conn = tls.Server(conn, config)
			}
			buf := make([]byte, 1024)
			if n, err := conn.Read(buf); n > 0 && err == nil {
				_, _ = conn.Write([]byte("+PONG\r\n"))
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func TestWhatIsNotThereIsRefusedWithTheReason(t *testing.T) {
	script := filepath.Join(t.TempDir(), "a.lua")
	if err := os.WriteFile(script, []byte("return 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--cluster info 127.0.0.1:1":       string(errCluster),
		"--cluster":                        string(errCluster),
		"--cluster-yes":                    string(errCluster),
		"--lru-test 1000":                  string(errLRUTest),
		"--ldb --eval " + script:           string(errDebugger),
		"--eval " + script + " --ldb":      string(errDebugger),
		"--ldb-sync-mode --eval " + script: string(errDebugger),
	} {
		if status, out, err := run("", strings.Fields(args)...); status != 1 || out != "" || err != want+"\n" {
			t.Errorf("%s: status %d, output %q, errors %q, want %q", args, status, out, err, want)
		}
	}
}

func TestTheAskedPasswordComesFromAPipeToo(t *testing.T) {
	s := serveReplies(t, "+OK\r\n", "+OK\r\n")
	t.Setenv("REDISCLI_AUTH", "other")
	if status, out, err := run("secret\nvalue", "-p", s.port, "--askpass", "-x", "set", "k"); status != 0 || out != "OK\n" || err != "" {
		t.Errorf("status %d, output %q, errors %q", status, out, err)
	}
	if got := s.received(); !reflect.DeepEqual(got, []string{"AUTH secret", "set k value"}) {
		t.Errorf("sent %q", got)
	}
}

func TestAHintHasTheArgumentsThatAreMissing(t *testing.T) {
	d := &documents{commands: []document{
		{name: "CONFIG", words: []string{"CONFIG"}},
		{name: "CONFIG SET", words: []string{"CONFIG", "SET"}, params: "parameter value [parameter value ...]"},
		{name: "SET", words: []string{"SET"}, params: "key value [NX|XX] [GET]"},
	}}
	for line, want := range map[string]string{
		"":                "",
		"se":              "",
		"set":             " key value [NX|XX] [GET]",
		"SET ":            "key value [NX|XX] [GET]",
		"set 'a b'":       " value [NX|XX] [GET]",
		"set 'a b":        "",
		"set k v ":        "[NX|XX] [GET]",
		"set k v nx":      " [NX|XX] [GET]",
		"5 set k":         " value [NX|XX] [GET]",
		"config":          "",
		"config set":      " parameter value [parameter value ...]",
		"Config sEt a b ": "[parameter value ...]",
		"nonesuch":        "",
	} {
		if got := d.hint(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestALongHistoryKeepsItsLastLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	t.Setenv("REDISCLI_HISTFILE", file)
	var text strings.Builder
	for range mostHistory + 10 {
		text.WriteString("ping\n")
	}
	if err := os.WriteFile(file, []byte(text.String()+"last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := loadHistory()
	h.add("newer")
	h.add("newer")
	b, err := os.ReadFile(file)
	if err != nil || strings.Count(string(b), "\n") != mostHistory+1 || !strings.HasSuffix(string(b), "ping\nlast\nnewer\n") {
		t.Errorf("%d lines, %v", strings.Count(string(b), "\n"), err)
	}
	if h.Len() != mostHistory || h.lines[mostHistory-1] != "newer" || h.lines[mostHistory-2] != "last" {
		t.Errorf("%d lines in memory", h.Len())
	}
	t.Setenv("REDISCLI_HISTFILE", os.DevNull)
	if h := loadHistory(); h.file != "" {
		t.Errorf("/dev/null is written to as %q", h.file)
	}
}
