package cli

import (
	"path/filepath"
	"strings"
)

// ImageDefaults are the settings, as lines of a conf file, whose defaults are others inside the container
// image, that is with DISKETTE_IN_CONTAINER=1 in the environment: other containers must reach the server, and
// the volume is at /data. As in the official redis image, the network that the container is published to is
// the protection, besides requirepass.
func ImageDefaults(env func(string) string) []string {
	if env("DISKETTE_IN_CONTAINER") != "1" {
		return nil
	}
	return []string{"bind * -::*", "protected-mode no", "dir /data"}
}

// Personality tells by the name under which the binary was started (argv[0]) which program
// it is, "redis-server" or "redis-cli", and what that program's arguments are.
//
//	redis-cli          the client
//	docker-entrypoint  the program that the first argument names, as in the official image;
//	                   nothing, an option or a conf file is for the server
//	any other name     the server: redis-server, diskette; the latter with the word import first is "import"
//
// If the entry point is given another program, sh for example, its name is returned.
func Personality(argv []string) (program string, args []string) {
	name := "redis-server"
	if len(argv) > 0 {
		name, args = filepath.Base(argv[0]), argv[1:]
	}
	if name == "docker-entrypoint" {
		name = "redis-server"
		if len(args) > 0 && !strings.HasPrefix(args[0], "-") && !strings.HasSuffix(args[0], ".conf") {
			name, args = filepath.Base(args[0]), args[1:]
			if name != "redis-server" && name != "redis-cli" && name != "diskette" {
				return name, args
			}
		}
	}
	if name == "redis-cli" {
		return name, args
	}
	if name != "redis-server" && len(args) > 0 && args[0] == "import" {
		return "import", args[1:]
	}
	return "redis-server", args
}
