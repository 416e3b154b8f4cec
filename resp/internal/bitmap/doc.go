// Package bitmap counts, finds and combines the bits of strings.
package bitmap
