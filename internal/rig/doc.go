// Package rig starts and ends workers, bridges and other servers, for the tests
// of the real binaries and for the programs of bench. It also holds what those
// programs share: their command line, statistics, tables and the machine's
// description. It measures nothing itself.
package rig
