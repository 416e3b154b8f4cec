// Package machine asks the operating system and Go's runtime for figures of this machine and this process.
package machine
