package config

import "diskette/resp/internal/ciphers"

// tlsCiphers are OpenSSL's names of suites of TLS 1.2 and before.
var tlsCiphers = oneWord(func(word string) (setting, error) {
	_, err := ciphers.Parse(word)
	return setting{text: word}, err
})

// tlsCiphersuites are all suites of TLS 1.3, or none is named.
var tlsCiphersuites = oneWord(func(word string) (setting, error) {
	return setting{text: word}, ciphers.CheckAll13(word)
})
