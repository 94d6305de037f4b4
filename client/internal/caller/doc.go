// Package caller is what a call takes from the process that makes it: its umask,
// its directory and its environment. It sends nothing.
package caller
