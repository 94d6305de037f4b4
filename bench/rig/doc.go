// Package rig is what the programs of bench stand on: servers that are started
// and ended, bridges, what the kernel says of a process and a machine, and
// figures in a document. It measures nothing.
package rig
