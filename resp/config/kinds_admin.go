package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
)

var errConfigAdmin = errors.New("argument must be an address such as 127.0.0.1:8379, or empty")

// adminAddress is host:port; "" = none.
var adminAddress = oneWord(func(word string) (setting, error) {
	if word == "" {
		return setting{}, nil
	}
	_, port, err := net.SplitHostPort(word)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n > 65535 {
		return setting{}, errConfigAdmin
	}
	return setting{text: word}, nil
})

// AdminIsLocal reports whether the address of admin can be reached from this machine alone.
func (c *Config) AdminIsLocal() bool {
	host, _, _ := net.SplitHostPort(c.Text("admin"))
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
