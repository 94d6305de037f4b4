package main

import (
	_ "embed"
	"os"
	"path/filepath"

	"rpcd/internal/rig"
)

//go:embed floor/client.c
var floorClient string

//go:embed floor/server.c
var floorServer string

// floorWay is the floor of a call that passes descriptors: two programs in C, built
// here, that do nothing else. What a call costs beyond it is ours.
func floorWay(st *stage) *way {
	cc, err := rig.LookFor("cc", "gcc")
	if err != nil {
		return missing(floorName, err.Error())
	}
	client, server := filepath.Join(st.folder, "floor-client"), filepath.Join(st.folder, "floor-server")
	for binary, source := range map[string]string{client: floorClient, server: floorServer} {
		if err := os.WriteFile(binary+".c", []byte(source), 0o600); err != nil {
			return &way{name: floorName, failed: err.Error()}
		}
		if _, err := output(st, nil, cc, "-O2", "-static", "-s", "-o", binary, binary+".c", "-lpthread"); err != nil {
			return &way{name: floorName, failed: err.Error()}
		}
	}
	socket := filepath.Join(st.folder, "floor.sock")
	if _, err := st.daemon(rig.Accepts("unix", socket), server, socket); err != nil {
		return &way{name: floorName, failed: err.Error()}
	}
	return &way{name: floorName, argv: func(procedure string, args ...string) []string {
		return append([]string{client, socket, procedures[procedure]}, args...)
	}}
}
