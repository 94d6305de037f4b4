package rig

import (
	"os"
	"slices"
	"strings"
)

// Environment is this process's without the variables that rpc and rpcd read:
// nothing of the outside changes a call.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "RPC_") || strings.HasPrefix(entry, "RPCD_")
	})
}
