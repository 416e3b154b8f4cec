package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// daemonize yes starts the same program once more, in a session of its own and with nothing to read or to write to,
// and waits until that serves clients. Its standard error is a pipe to the first one until then: the first prints what
// the second says, and ends with status 1 if the second ends. A Go program can not fork.
//
//	first    the configuration is read > the second is started > words > its status
//	second   everything as in the foreground > backgroundReady > SIGPIPE is ignored, and the pipe has no reader

// backgroundVariable tells the second one what it is.
const backgroundVariable = "DISKETTE_IN_BACKGROUND"

// backgroundReady is the second one's last word to the first.
const backgroundReady = "diskette: serves in the background"

// takeBackground reports whether this process is the second one.
func takeBackground() bool {
	in := os.Getenv(backgroundVariable) == "1"
	os.Unsetenv(backgroundVariable)
	return in
}

// keepInput makes standard input one that two processes can read: a configuration that comes by it.
func keepInput(args []string) (input []byte, err error) {
	if len(args) == 0 || args[0] != "-" && args[len(args)-1] != "-" {
		return nil, nil
	}
	if input, err = io.ReadAll(os.Stdin); err != nil {
		return nil, fmt.Errorf("read the configuration from standard input: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("read the configuration from standard input: %w", err)
	}
	go func() {
		_, _ = w.Write(input) // to this process itself
		w.Close()
	}()
	os.Stdin = r
	return input, nil
}

// startInBackground is the first one from where it knows what to do. It returns the exit status.
func startInBackground(input []byte, stderr io.Writer) int {
	if err := background(input, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func background(input []byte, stderr io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	defer r.Close()
	cmd := &exec.Cmd{Path: program, Args: os.Args, Env: append(os.Environ(), backgroundVariable+"=1"), Stderr: w}
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	ownSession(cmd)
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("daemonize: start in the background: %w", err)
	}
	said := false
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if strings.TrimSpace(line) == backgroundReady {
			return nil
		}
		if line != "" {
			said = true
			fmt.Fprint(stderr, line)
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // its state says it
	if said {
		return errors.New("the server has not started in the background")
	}
	return fmt.Errorf("the server in the background has ended before it was ready: %v", cmd.ProcessState)
}
