package resp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"hash"
)

var (
	errKeyPassword = errors.New("the key is encrypted: tls-key-file-pass is missing or wrong")
	errKeyCipher   = errors.New("the key is encrypted in a way that is not supported: use PBES2 with PBKDF2 and AES, as openssl does")
)

// decryptKey gives a PEM file's key without its password; a file that needs none stays as it is.
func decryptKey(content []byte, password string) ([]byte, error) {
	for rest := content; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return content, nil
		}
		switch {
		case !isEncryptedKey(b):
		case b.Type == "ENCRYPTED PRIVATE KEY":
			key, err := decryptPKCS8(b.Bytes, password)
			if err != nil {
				return nil, err
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), nil
		default:
			//lint:ignore SA1019 an old form, but openssl still writes it
			key, err := x509.DecryptPEMBlock(b, []byte(password))
			if err != nil {
				return nil, errKeyPassword
			}
			return pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: key}), nil
		}
	}
}

// The ASN.1 of an encrypted key, RFC 5958 and RFC 8018: PBES2 with a key derivation and a cipher.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct{ Derivation, Cipher pkix.AlgorithmIdentifier }

	derivation struct {
		Salt   []byte
		Rounds int
		Length int                      `asn1:"optional"`
		Hash   pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	derivationHashes = map[string]func() hash.Hash{
		"":                   sha1.New, // the default
		"1.2.840.113549.2.7": sha1.New,
		"1.2.840.113549.2.9": sha256.New,
	}
	keyCiphers = map[string]struct {
		length int // of the key, in bytes
		block  func([]byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}
)

// maxKeyRounds bounds the time that a broken file can cost.
const maxKeyRounds = 10_000_000

func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var e encryptedKey
	var p pbes2
	var d derivation
	var iv []byte
	if _, err := asn1.Unmarshal(der, &e); err != nil {
		return nil, err
	}
	if !e.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errKeyCipher
	}
	if _, err := asn1.Unmarshal(e.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	if !p.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, errKeyCipher
	}
	if _, err := asn1.Unmarshal(p.Derivation.Parameters.FullBytes, &d); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	name := ""
	if d.Hash.Algorithm != nil {
		name = d.Hash.Algorithm.String()
	}
	newHash, known := derivationHashes[name]
	c, knownCipher := keyCiphers[p.Cipher.Algorithm.String()]
	if !known || !knownCipher || d.Rounds < 1 || d.Rounds > maxKeyRounds {
		return nil, errKeyCipher
	}
	derived, err := pbkdf2.Key(newHash, password, d.Salt, d.Rounds, c.length)
	if err != nil {
		return nil, err
	}
	block, err := c.block(derived)
	if err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(e.Data) == 0 || len(e.Data)%block.BlockSize() != 0 {
		return nil, errKeyCipher
	}
	plain := make([]byte, len(e.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, e.Data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > block.BlockSize() {
		return nil, errKeyPassword
	}
	plain = plain[:len(plain)-padding]
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errKeyPassword
	}
	return plain, nil
}
