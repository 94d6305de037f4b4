// Package pool keeps the resident workers of procedures, and runs calls on them: it
// starts and replaces processes, gives each one call at a time, and notices what
// fails (PROTOCOL.md, section 7). It decides nothing about who may call or how many
// calls wait. The worker's side, in Go, is rpcd/resident.
//
// pools.go has all procedures, pool.go the workers of one. worker.go is the life of
// a process, call.go that of a call on it.
package pool
