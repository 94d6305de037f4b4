// Package limit decides which callers wait and which are turned away, and knows
// nothing of sockets, frames or processes.
//
// Queue bounds the calls that run and wait: it protects the machine, and serves
// callers in the order of their arrival. Connections bounds the connections that
// wait for a call, with the descriptors that they brought: it protects the
// callers from one that takes all descriptors.
package limit
