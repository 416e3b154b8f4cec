// Package glob matches names with the patterns of KEYS, PSUBSCRIBE and the like.
package glob
