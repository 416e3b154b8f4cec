package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

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
