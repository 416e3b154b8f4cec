package target

// withValue are the options that take the word after them.
var withValue = map[string]func(t *Target, value string) error{
	"-h":     func(t *Target, v string) error { t.Host = v; return nil },
	"-p":     func(t *Target, v string) error { t.Port = v; return CheckPort(v) },
	"-s":     func(t *Target, v string) error { t.Socket = v; return nil },
	"-a":     func(t *Target, v string) error { t.Password, t.PasswordShown = &v, true; return nil },
	"-u":     func(t *Target, v string) error { return t.ParseURI(v) },
	"--user": func(t *Target, v string) error { t.User = v; return nil },

	"--sni":              func(t *Target, v string) error { t.TLS.ServerName = v; return nil },
	"--cacert":           func(t *Target, v string) error { t.TLS.Authorities = v; return nil },
	"--cacertdir":        func(t *Target, v string) error { t.TLS.AuthoritiesDir = v; return nil },
	"--cert":             func(t *Target, v string) error { t.TLS.Certificate = v; return nil },
	"--key":              func(t *Target, v string) error { t.TLS.Key = v; return nil },
	"--tls-ciphers":      func(t *Target, v string) error { t.TLS.Ciphers = v; return nil },
	"--tls-ciphersuites": func(t *Target, v string) error { t.TLS.Suites = v; return nil },
}

// alone are the options without a value.
var alone = map[string]func(t *Target){
	"--tls":      func(t *Target) { t.TLS.On = true },
	"--insecure": func(t *Target) { t.TLS.Insecure = true },
}

// Option takes the first of the arguments, with its value, if it is an option of the target's, and returns how many
// words that were: 0 = it is none, or its value is missing.
func (t *Target) Option(args []string) (taken int, err error) {
	if set, known := alone[args[0]]; known {
		set(t)
		return 1, nil
	}
	if set, known := withValue[args[0]]; known && len(args) > 1 {
		return 2, set(t, args[1])
	}
	return 0, nil
}
