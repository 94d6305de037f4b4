// Package limit decides which callers wait and which are turned away, and knows
// nothing of sockets, frames or processes.
//
// Queue bounds the calls that run and wait: it protects the machine, and serves
// callers in the order of their arrival.
package limit
