//go:build !linux

package main

func leaveRoot(string, func(string) string) (string, error) { return "", nil } // containers are Linux
