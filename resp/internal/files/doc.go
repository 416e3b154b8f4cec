// Package files writes small files whole or not at all.
package files
