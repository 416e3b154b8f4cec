package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Bitnami's images are started by scripts of their own, keep their data in /bitnami/redis/data, and take their settings
// from variables, each of which may also name a file with _FILE behind its name. Here they count if the container is
// started by one of these scripts, or if something is mounted below /bitnami/redis (or /bitnami/valkey, whose variables
// begin with VALKEY_).

// bitnamiScript is the family, redis or valkey, whose start script a path names; "" = it is none.
func bitnamiScript(path string) string {
	for _, family := range []string{"redis", "valkey"} {
		switch path {
		case "/opt/bitnami/scripts/" + family + "/run.sh", "/opt/bitnami/scripts/" + family + "/entrypoint.sh":
			return family
		}
	}
	if path == "/run.sh" || path == "/entrypoint.sh" { // of the images before 2020
		return "redis"
	}
	return ""
}

// bitnamiScript starts one of Bitnami's scripts; done is false if there is one of the user's own by that name.
func (e entryPoint) bitnamiScript(family string, args []string) (s start, done bool, err error) {
	if !strings.HasPrefix(args[0], "/opt/bitnami/") {
		if _, _, err := e.look(args[0]); err == nil {
			return start{}, false, nil
		}
	}
	if filepath.Base(args[0]) == "entrypoint.sh" && len(args) > 1 {
		s, err = e.start(args[1:])
		return s, true, err
	}
	s, err = e.bitnami(family, args[1:], true)
	return s, true, err
}

// bitnami is the server with the settings of Bitnami's variables, before args. With mustProtect these have to
// say whether there is a password.
func (e entryPoint) bitnami(family string, args []string, mustProtect bool) (start, error) {
	v := bitnamiVariables{env: e.env, prefix: strings.ToUpper(family) + "_"}
	data := "/bitnami/" + family + "/data"
	s := start{role: roleServer}
	var conf []string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		conf, args = args[:1], args[1:]
	} else if own := "/opt/bitnami/" + family + "/mounted-etc/" + family + ".conf"; exists(own) {
		conf = []string{own}
	}
	var err error
	if conf == nil {
		s.args, err = v.settings(family, data, mustProtect)
	} else {
		s.args, s.defaults = conf, []string{"dir " + data}
	}
	if err == nil {
		err = v.failed
	}
	s.args = append(append(s.args, strings.Fields(v.get("EXTRA_FLAGS"))...), args...)
	return s, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// bitnamiVariables are those of the environment.
type bitnamiVariables struct {
	env    func(string) string
	prefix string
	failed error // a file that could not be read
}

// get is the value of a variable, or what the file holds that the one with _FILE names.
func (v *bitnamiVariables) get(name string) string { return v.value(v.prefix + name) }

func (v *bitnamiVariables) value(name string) string {
	file := v.env(name + "_FILE")
	if file == "" {
		return v.env(name)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		// Bitnami's own scripts warn and go on without: a password would be lost.
		v.failed = errors.Join(v.failed, fmt.Errorf("%s_FILE: %w", name, err))
	}
	return strings.TrimRight(string(content), "\n")
}

func (v *bitnamiVariables) or(name, otherwise string) string {
	if value := v.get(name); value != "" {
		return value
	}
	return otherwise
}

func (v *bitnamiVariables) yes(value string) bool {
	return value == "1" || strings.EqualFold(value, "yes") || strings.EqualFold(value, "true")
}

// settings are the server's options that the variables ask for.
func (v *bitnamiVariables) settings(family, data string, mustProtect bool) (args []string, err error) {
	add := func(option string, values ...string) { args = append(append(args, "--"+option), values...) }
	password := v.get("PASSWORD")
	if password == "" && v.failed == nil && mustProtect && !v.yes(v.value("ALLOW_EMPTY_PASSWORD")) {
		return nil, fmt.Errorf("%[1]sPASSWORD is not set, or empty: set it, or %[1]sPASSWORD_FILE, or ALLOW_EMPTY_PASSWORD=yes to serve "+
			"everybody who can reach this port", v.prefix)
	}
	add("dir", v.or("DATA_DIR", data))
	if v.yes(v.or("ALLOW_REMOTE_CONNECTIONS", "yes")) {
		add("bind", "*", "-::*")
	} else {
		add("bind", "127.0.0.1", "-::1")
	}
	add("appendonly", v.or("AOF_ENABLED", "yes"))
	if policy := strings.Fields(v.get("RDB_POLICY")); len(policy) > 0 {
		add("save", strings.Fields(strings.ReplaceAll(strings.Join(policy, " "), "#", " "))...)
	} else if v.yes(v.get("RDB_POLICY_DISABLED")) {
		add("save", "")
	}
	v.ports(add)
	if name := v.get("USER"); name == "" || v.get("REQUIREPASS") != "" {
		password = v.or("REQUIREPASS", password)
	} else if name != "default" && v.get("ACLFILE") == "" && password != "" {
		return nil, fmt.Errorf("%sUSER is %s, but without %[1]sACLFILE nothing says what he may do: set it, or leave out the user", v.prefix, name)
	}
	if password != "" {
		add("requirepass", password)
	}
	for _, option := range []string{"aclfile", "io-threads", "io-threads-do-reads"} {
		if value := v.get(strings.ToUpper(strings.ReplaceAll(option, "-", "_"))); value != "" {
			add(option, value)
		}
	}
	for name := range strings.FieldsFuncSeq(v.get("DISABLE_COMMANDS"), func(r rune) bool { return r == ',' || r == ' ' }) {
		add("rename-command", name, "")
	}
	if err := v.replication(add, password); err != nil {
		return nil, err
	}
	overrides := v.or("OVERRIDES_FILE", "/opt/bitnami/"+family+"/mounted-etc/overrides.conf")
	if exists(overrides) {
		add("include", overrides)
	}
	return args, v.failed
}

// ports adds the ports, and what TLS needs.
func (v *bitnamiVariables) ports(add func(option string, values ...string)) {
	const usual = "6379"
	port := v.or("PORT_NUMBER", usual)
	if !v.yes(v.get("TLS_ENABLED")) {
		add("port", port)
		return
	}
	secure := v.or("TLS_PORT_NUMBER", v.or("TLS_PORT", usual))
	if port == usual && secure == usual {
		port = "0"
	}
	add("port", port)
	add("tls-port", secure)
	add("tls-auth-clients", v.or("TLS_AUTH_CLIENTS", "yes"))
	for option, name := range map[string]string{"tls-cert-file": "TLS_CERT_FILE", "tls-key-file": "TLS_KEY_FILE",
		"tls-ca-cert-file": "TLS_CA_FILE", "tls-ca-cert-dir": "TLS_CA_DIR", "tls-key-file-pass": "TLS_KEY_FILE_PASS"} {
		if value := v.get(name); value != "" {
			add(option, value)
		}
	}
}

// replication adds the master that a replica follows.
func (v *bitnamiVariables) replication(add func(option string, values ...string), password string) error {
	switch mode := v.get("REPLICATION_MODE"); mode {
	case "", "master":
		return nil
	case "slave", "replica":
	default:
		return fmt.Errorf("%sREPLICATION_MODE is %s, and must be master or replica", v.prefix, mode)
	}
	host := v.get("MASTER_HOST")
	if host == "" {
		return fmt.Errorf("%sREPLICATION_MODE is replica, but %[1]sMASTER_HOST is not set", v.prefix)
	}
	if secret := v.or("MASTER_PASSWORD", password); secret != "" {
		add("masterauth", secret)
	}
	add("replicaof", host, v.or("MASTER_PORT_NUMBER", "6379"))
	return nil
}

// bitnamiMounted reports whether something is mounted at a directory or below it.
func bitnamiMounted(dir string) bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	return mountedBelow(f, dir)
}

// mountedBelow reads proc(5)'s mountinfo, whose fifth word is where something is mounted. What holds the directory
// counts too: volumes are mounted at /bitnami as well.
func mountedBelow(mountinfo io.Reader, dir string) bool {
	for lines := bufio.NewScanner(mountinfo); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) > 4 && (words[4] == dir || strings.HasPrefix(words[4], dir+"/") || words[4] == filepath.Dir(dir)) {
			return true
		}
	}
	return false
}
