// Package entry runs before Go's runtime. It keeps what the runtime would overwrite:
// the signals that the caller has ignored.
//
// What start calls may use nothing of the runtime: no memory but its variables and
// the stack, no panic, no string that is put together. TestBeforeTheRuntime looks
// for it in the machine code.
package entry
