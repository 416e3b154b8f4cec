package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"diskette/resp/config"
)

// A listener is an address that clients come to.
type listener struct {
	net.Listener
	overTLS bool
}

// listen opens the configured addresses.
func listen(cfg *config.Config) (all []listener, err error) {
	defer func() {
		if err != nil {
			for _, ln := range all {
				ln.Close()
			}
		}
	}()
	if all, err = passedListeners(cfg); len(all) > 0 || err != nil {
		return all, err
	}
	for _, name := range []string{"port", "tls-port"} {
		if port := cfg.Int(name); port != 0 {
			more, err := listenOn(cfg.Words("bind"), port)
			for _, ln := range more {
				all = append(all, listener{ln, name == "tls-port"})
			}
			if err != nil {
				return all, err
			}
		}
	}
	if path := cfg.Text("unixsocket"); path != "" {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return all, fmt.Errorf("unix socket %s is in use by another server: stop it, or start with another --unixsocket", path)
		}
		if err := removeSocket(path); err != nil {
			return all, err
		}
		ln, err := net.Listen("unix", path)
		if err != nil {
			return all, fmt.Errorf("%w: the directory of unixsocket must be there, and the server's user (%d) must be allowed "+
				"to write to it", err, os.Getuid())
		}
		all = append(all, listener{ln, false})
		if err := giveSocket(path, cfg.Text("unixsocketgroup")); err != nil {
			return all, err
		}
		if perm := cfg.Int("unixsocketperm"); perm != 0 {
			if err := os.Chmod(path, os.FileMode(perm)); err != nil {
				return all, err
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nothing to listen on: port and tls-port are 0 or no address can be bound, and unixsocket is not set")
	}
	return all, nil
}

// removeSocket removes the socket that a killed server has left, and nothing that is none.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && info.Mode()&os.ModeSocket == 0:
		return fmt.Errorf("unix socket %s: there is a file of that name that is no socket", path)
	case err == nil:
		err = os.Remove(path)
	}
	return err
}

// listenOn opens a port on the addresses of bind. One that begins with '-' may be unavailable,
// as in redis.conf; '*' and '::*' are all of IPv4 and IPv6.
func listenOn(addresses []string, port int64) (all []net.Listener, err error) {
	for _, a := range addresses {
		host := strings.TrimPrefix(a, "-")
		network := "tcp4"
		switch {
		case host == "*":
			host = "0.0.0.0"
		case host == "::*":
			host, network = "::", "tcp6"
		case strings.Contains(host, ":"):
			network = "tcp6"
		}
		ln, err := net.Listen(network, net.JoinHostPort(host, strconv.FormatInt(port, 10)))
		if err != nil {
			if strings.HasPrefix(a, "-") && !errors.Is(err, syscall.EADDRINUSE) {
				continue
			}
			return all, portAdvice(err, port)
		}
		all = append(all, ln)
	}
	return all, nil
}

// portAdvice adds to an error of a port what can be done about it.
func portAdvice(err error, port int64) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program has the port; stop it, or start with another --port", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: no interface of this machine has the address; mend bind, or put a minus before it", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: the server's user (%d) may not have port %d; start with another --port", err, os.Getuid(), port)
	}
	return err
}

// kinds are those of the listeners, in Redis's words and order.
func kinds(all []listener) (found []string) {
	for _, kind := range []string{"tcp", "unix", "tls"} {
		for _, ln := range all {
			if ln.kind() == kind {
				found = append(found, kind)
				break
			}
		}
	}
	return found
}

func (ln listener) kind() string {
	switch {
	case ln.overTLS:
		return "tls"
	case ln.Addr().Network() == "unix":
		return "unix"
	}
	return "tcp"
}

// giveSocket gives a unix socket to unixsocketgroup, a name or a number; "" leaves it.
func giveSocket(path, group string) error {
	if group == "" {
		return nil
	}
	id, err := strconv.Atoi(group)
	if err != nil {
		g, err := user.LookupGroup(group)
		if err != nil {
			return fmt.Errorf("unixsocketgroup %s: %w", group, err)
		}
		if id, err = strconv.Atoi(g.Gid); err != nil {
			return fmt.Errorf("unixsocketgroup %s: its number %s is none here", group, g.Gid)
		}
	}
	if err := os.Chown(path, -1, id); err != nil {
		return fmt.Errorf("unixsocketgroup %s: %w; the server may only give its sockets to groups that its user is in", group, err)
	}
	return nil
}
