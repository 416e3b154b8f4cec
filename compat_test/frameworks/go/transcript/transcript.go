// Package transcript is what the Go programs share: the server they are told to use, lines of a transcript, waiting.
package transcript

import (
	"fmt"
	"os"
	"time"
)

// Addr is host:port of the server to use.
func Addr() string { return os.Getenv("REDIS_HOST") + ":" + os.Getenv("REDIS_PORT") }

// Part names what follows.
func Part(name string) { fmt.Println("--", name) }

// Say writes a line.
func Say(what string, outcome ...any) {
	fmt.Print(what, ":")
	for _, o := range outcome {
		fmt.Printf(" %v", o)
	}
	fmt.Println()
}

// Must ends the program if err is not nil.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Got is its first argument if err is nil; else the program ends.
func Got[T any](v T, err error) T {
	Must(err)
	return v
}

// Until waits until condition is true, and ends the program if that takes too long.
func Until(what string, condition func() bool) {
	deadline := time.Now().Add(40 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			Must(fmt.Errorf("gave up waiting until %s", what))
		}
		time.Sleep(10 * time.Millisecond)
	}
}
