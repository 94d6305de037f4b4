//go:build amd64 || arm64

// Package openfiles knows the limit of open files (RLIMIT_NOFILE, getrlimit(2))
// that this process was started with. Package syscall raises the soft limit as it
// is initialised, and tells the old one to nobody.
//
// Go initialises packages in the order of their paths, each after those that it
// imports. So this one, which imports nothing that does anything, comes before
// package syscall.
package openfiles

import "unsafe"

// Limit is struct rlimit64.
type Limit struct{ Soft, Hard uint64 }

var first, known = ask()

// First gives the limit. ok is false where it isn't known.
func First() (l Limit, ok bool) { return first, known }

// number is RLIMIT_NOFILE.
const number = 7

func ask() (l Limit, ok bool) { return l, prlimit(0, number, 0, uintptr(unsafe.Pointer(&l))) == 0 }

// prlimit is prlimit64(2). It gives 0 or a negated errno.
//
//go:noescape
func prlimit(pid, resource, set, get uintptr) (result int)
