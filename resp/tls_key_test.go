package resp

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// encryptedKeys are one key, written by openssl in its ways; the password of all is secret.
var encryptedKeys = map[string]string{
	"PBES2 with AES-256 and SHA-256": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjDQHYyjfgJcgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEED0ApA9bVwBvnPW0OcZUafEEgZAp
jEWWVRpdqDV9k6DB4AD+KVEVpIcFticR44Hh306FXXB11mQWJ3JVixVcd+L3IVMP
ImOzUKXQeFLzHWBVq0DbNi/WCQVRyV3lgmSev0NTxTSHLGlT/9chOphOKkbP56cd
nNavqKAZvgqT9CuKNn8CDrGOKLS9SXmucrdYd4BDGaHVvFcjA8uT8DZtu5RoJPA=
-----END ENCRYPTED PRIVATE KEY-----
`,
	"PBES2 with triple DES and SHA-1": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHVMEAGCSqGSIb3DQEFDTAzMBsGCSqGSIb3DQEFDDAOBAjv7nEbkZGSlwICCAAw
FAYIKoZIhvcNAwcECFQa187j5M8fBIGQwT6gM3FD14sAJ4Hbj+1YjBl+OD0w6t6z
as6kXOmDJDmekhRaURXWpJg/ETVcwQ/zLXlKmXoFAP5oHGPl2Zx5L+XVWHO89Gwj
MHHbYvPS5bnCcNR7b/lgqx3f+f0w2pfDG7YCyOHLcyq673tlKeIPA0QJY76zrd3d
6sR/zpMXveAYQRvri1fLFFpfKl/q+KhG
-----END ENCRYPTED PRIVATE KEY-----
`,
	"the older form": `-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,55706460E325AAE0E1DD1AFFDF8A0AD1

kggsvuR41KqpSokU2saKSOwuFv6xtEx0z4E/QurCloFnWe+xhL9NnCmeighRZmBe
ZdNGNHgRHUcg4PqHaAOwegosbgQYOpQkuv1pFidiwlhHME2sBriPE9rzMRUUpOsX
mNcrD8Zb4HsaMu6nSF9yhMlLPFe+jvP11m0CeaeI+eU=
-----END EC PRIVATE KEY-----
`,
}

func TestEncryptedKeysOpenWithTheirPassword(t *testing.T) {
	for name, content := range encryptedKeys {
		key, err := decryptKey([]byte(content), "secret")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b, _ := pem.Decode(key); b == nil || isEncryptedKey(b) || b.Type != "PRIVATE KEY" && b.Type != "EC PRIVATE KEY" {
			t.Errorf("%s: %s", name, key)
		}
		for _, wrong := range []string{"", "Secret"} {
			if _, err := decryptKey([]byte(content), wrong); !errors.Is(err, errKeyPassword) {
				t.Errorf("%s with %q: %v", name, wrong, err)
			}
		}
	}
}

func TestAKeyWithoutAPasswordStaysAsItIs(t *testing.T) {
	for _, content := range []string{"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if key, err := decryptKey([]byte(content), "secret"); err != nil || string(key) != content {
			t.Errorf("%q: %q %v", content, key, err)
		}
	}
}

func FuzzEncryptedKey(f *testing.F) {
	for _, content := range encryptedKeys {
		b, _ := pem.Decode([]byte(content))
		f.Add(b.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, err := decryptPKCS8(der, "wrong"); err == nil {
			t.Error("it opened with a wrong password")
		}
	})
}

func TestWhatIsWrongWithTLSFilesIsSaid(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "No tls-cert-file configured!"},
		{[]string{"--tls-cert-file", empty}, "No tls-key-file configured!"},
		{[]string{"--tls-cert-file", dir + "/none", "--tls-key-file", empty}, "Failed to load certificate: open " + dir + "/none: no such file or directory"},
		{[]string{"--tls-cert-file", empty, "--tls-key-file", dir + "/none"}, "Failed to load private key: open " + dir + "/none: no such file or directory"},
		{[]string{"--tls-cert-file", empty, "--tls-key-file", empty}, "Failed to load certificate: " + empty + " with the key " + empty + ": tls: failed to find any PEM data in certificate input"},
	} {
		cfg, _, err := LoadConfig(append([]string{"--tls-port", "7000"}, test.args...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loadTLS(cfg); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v", test.args, err)
		}
	}
}
