//go:build !linux

package compat_test

func enterBox() {} // boxes are Linux's
