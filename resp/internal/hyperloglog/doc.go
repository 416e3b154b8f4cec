// Package hyperloglog estimates how many different elements a string of Redis's encoding has
// seen. A value that is damaged is told from one that is sound, and never read beyond its end.
package hyperloglog
