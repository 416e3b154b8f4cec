package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"diskette/resp/config"
)

// firstPassed is the first descriptor that a service manager passes (sd_listen_fds).
const firstPassed = 3

// passedListeners are the sockets that a service manager has opened for the server and passed to it: LISTEN_FDS of
// them, for the process LISTEN_PID. They stand for port, tls-port, bind and unixsocket. One is TLS if its name in
// LISTEN_FDNAMES is tls or begins with tls, or if its port is tls-port.
func passedListeners(cfg *config.Config) (all []listener, err error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil // they are another's, or nobody's
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1024 {
		return nil, fmt.Errorf("LISTEN_FDS=%s is no number of sockets: the service manager's socket unit is at fault", count)
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name) // other programs are not to take them
	}
	defer func() {
		if err != nil {
			for _, ln := range all {
				ln.Close()
			}
		}
	}()
	for i := range n {
		f := os.NewFile(uintptr(firstPassed+i), "passed socket")
		ln, err := net.FileListener(f)
		f.Close() // the listener has a copy
		if err != nil {
			return all, fmt.Errorf("socket %d of %d that the service manager has passed can not be listened on: %w; it must be of "+
				"ListenStream, with Accept=no", i+1, n, err)
		}
		named := i < len(names) && strings.HasPrefix(names[i], "tls")
		addr, isTCP := ln.Addr().(*net.TCPAddr)
		tlsPort := cfg.Int("tls-port")
		all = append(all, listener{ln, named || isTCP && tlsPort != 0 && int64(addr.Port) == tlsPort})
		if named && tlsPort == 0 {
			return all, errors.New("a socket that the service manager has passed is for TLS: it takes tls-port, tls-cert-file and tls-key-file")
		}
	}
	return all, nil
}
