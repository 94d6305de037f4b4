// Package entry makes a plain call before Go's runtime starts: its start is nine
// tenths of what a call costs a client. The kernel begins the program at start, which
// calls run. A call is plain when descriptors can be passed and few options stand
// there; package client and cmd/rpc say what a call is, and the entry does the same.
// Whatever it doesn't know it leaves to the ordinary program, before anything is sent,
// or in the middle of a call with the connection in hand. Of errors it says none but
// that a limit of the caller's doesn't let the ordinary program start. It also keeps
// what the runtime would overwrite: the signals that the caller has ignored.
//
// What start calls may use nothing of the runtime: no memory but its variables and
// the stack, no panic, no string that is put together. TestBeforeTheRuntime looks
// for it in the machine code.
package entry
