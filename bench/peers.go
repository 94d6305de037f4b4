package main

import (
	"path/filepath"

	"rpcd/internal/rig"
)

// s6Way is the peer nearest to us: s6-sudo passes its descriptors to s6-sudod.
// An s6-sudod always spawns the command of its own command line, so each
// procedure has a server of its own.
func s6Way(st *stage) *way {
	programs := map[string]string{}
	for _, program := range []string{"s6-ipcserver", "s6-sudod", "s6-sudo"} {
		path, err := rig.LookFor(program, "s6")
		if err != nil {
			return missing(s6Name, err.Error())
		}
		programs[program] = path
	}
	sockets := map[string]string{}
	for procedure, file := range procedures {
		socket := filepath.Join(st.folder, "s6-"+procedure+".sock")
		// s6-ipcserver takes 40 connections by default, too few for 64 callers.
		_, err := st.daemon(rig.Accepts("unix", socket), programs["s6-ipcserver"], "-a", "0600",
			"-c", "256", "-C", "256", "-b", "256", socket, programs["s6-sudod"], file)
		if err != nil {
			return &way{name: s6Name, failed: err.Error()}
		}
		sockets[procedure] = socket
	}
	return &way{name: s6Name, argv: func(procedure string, args ...string) []string {
		return append([]string{programs["s6-sudo"], sockets[procedure]}, args...)
	}}
}

// socatWay is a server of socat's, which people build by hand. It carries neither
// arguments nor the exit status, so it is a peer only for the latency of `true`.
func socatWay(st *stage) *way {
	socat, err := rig.LookFor("socat", "socat")
	if err != nil {
		return missing(socatName, err.Error())
	}
	socket := filepath.Join(st.folder, "socat.sock")
	_, err = st.daemon(rig.Accepts("unix", socket), socat,
		"UNIX-LISTEN:"+socket+",mode=0600,backlog=128,fork", "EXEC:"+procedures["true"])
	if err != nil {
		return &way{name: socatName, failed: err.Error()}
	}
	return &way{name: socatName, argv: func(string, ...string) []string {
		return []string{socat, "-", "UNIX-CONNECT:" + socket}
	}}
}
