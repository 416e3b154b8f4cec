package cli

import (
	"path/filepath"
	"slices"
	"strings"
)

// imageDefaults are what differs inside the container image: other containers must reach the
// server, and the volume is at /data. As in the official redis image, the network that the
// container is published to is the protection, besides requirepass.
var imageDefaults = []string{"--bind", "*", "-::*", "--protected-mode", "no", "--dir", "/data"}

// Personality tells by the name under which the binary was started (argv[0]) which program
// it is, "redis-server" or "redis-cli", and what that program's arguments are.
//
//	redis-cli          the client
//	docker-entrypoint  the program that the first argument names, as in the official image;
//	                   nothing, an option or a conf file is for the server
//	any other name     the server: redis-server, diskette
//
// If the entry point is given another program, sh for example, its name is returned.
//
// In the image, that is with DISKETTE_IN_CONTAINER=1 in the environment, the server's
// arguments are completed by the image's defaults. They give way to the user's own conf file
// and options.
func Personality(argv []string, env func(string) string) (program string, args []string) {
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
	if env("DISKETTE_IN_CONTAINER") == "1" {
		args = withImageDefaults(args)
	}
	return "redis-server", args
}

// withImageDefaults puts the image's defaults before the user's options. A conf file comes
// first of all, so it is included again after them: what it says holds.
func withImageDefaults(args []string) []string {
	if len(args) == 0 {
		return imageDefaults
	}
	switch first := args[0]; {
	case first == "-" || args[len(args)-1] == "-":
		return args // a conf from standard input can not be read again: it has to say it all
	case len(args) == 1 && (first == "-v" || first == "--version" || first == "-h" || first == "--help"):
		return args
	case strings.HasPrefix(first, "-"):
		return slices.Concat(imageDefaults, args)
	default:
		return slices.Concat(args[:1], imageDefaults, []string{"--include", literalPattern(first)}, args[1:])
	}
}

// literalPattern is a file name that include, which takes a pattern, takes for itself.
func literalPattern(name string) string {
	if !strings.ContainsAny(name, "*?[") {
		return name
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
