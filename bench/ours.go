package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"rpcd/internal/rig"
)

// ourWays starts one worker and returns the three ways to call it: passed,
// relayed, and bridged by socat (UNIX, TCP, UNIX). The parts of a call follow.
func ourWays(st *stage) []*way {
	socket, _, err := startWorker(st, "w")
	if err != nil {
		why := err.Error()
		return []*way{missing(passedName, why), missing(relayedName, why), missing(bridgedName, why)}
	}
	ways := []*way{
		rpcWay(st, passedName, socket),
		rpcWay(st, ordinaryName, socket, "--heartbeat", "30s"), // the default, which the entry leaves to Go's runtime
		rpcWay(st, relayedName, socket, "--pass", "none"),
	}
	if bridge, err := startBridge(st, socket); err != nil {
		ways = append(ways, missing(bridgedName, err.Error()))
	} else {
		ways = append(ways, rpcWay(st, bridgedName, bridge))
	}
	return append(ways, partWays(st, socket)...)
}

// rpcWay calls the worker at socket with rpc and its options.
func rpcWay(st *stage, name, socket string, options ...string) *way {
	head := append(append([]string{st.options.RPC}, options...), socket)
	return &way{name: name, argv: func(procedure string, args ...string) []string {
		return append(append(head[:len(head):len(head)], procedure), args...)
	}}
}

// startWorker starts a worker that serves the procedures, and returns the path of
// its socket and the daemon. close ends the daemon.
func startWorker(st *stage, name string) (string, *rig.Process, error) {
	for _, binary := range []string{st.options.RPC, st.options.RPCD} {
		if _, err := os.Stat(binary); err != nil {
			return "", nil, fmt.Errorf("no %s (build it, or say -rpc and -rpcd)", binary)
		}
	}
	exports := filepath.Join(st.folder, name+"-exports")
	if err := rig.Export(exports, slices.Collect(maps.Values(procedures))...); err != nil {
		return "", nil, err
	}
	socket := filepath.Join(st.folder, name+".sock")
	worker, err := st.starter().Serve(st.options.RPCD, socket, "--exports", exports)
	if err != nil {
		return "", nil, err
	}
	st.later(worker.Stop)
	return socket, worker, nil
}

// startBridge starts a bridge to the worker's socket, and returns the path of the
// bridge's own. close ends the bridge.
func startBridge(st *stage, socket string) (string, error) {
	near := filepath.Join(st.folder, "bridge.sock")
	bridge, err := st.starter().Bridge(near, socket)
	if err != nil {
		return "", err
	}
	st.later(bridge.Stop)
	return near, nil
}
