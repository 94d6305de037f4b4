// Package limit decides which callers wait and which are turned away, and knows
// nothing of sockets, frames or processes.
//
// Queue bounds the calls that run and wait: it protects the machine, and serves
// callers in the order of their arrival. Connections bounds the connections that
// wait for a call, with the descriptors that they brought: it protects other
// callers from one that takes all descriptors. Slots bounds the look-ups of files
// and Budget the bytes of what is large: they protect the process, whose threads
// and memory one caller could use up.
//
// What is taken is given back: by Give, or by the function that Take gave.
package limit
