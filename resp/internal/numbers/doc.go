// Package numbers reads and writes numbers as Redis does, to the last digit, and counts times.
//
//	integer.go                integers
//	double.go shortest.go     64-bit floats
//	longdouble.go             those of INCRBYFLOAT, which have 80 bits
//	histogram.go              times in buckets
package numbers
