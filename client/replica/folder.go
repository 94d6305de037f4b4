package replica

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/internal/names"
)

// DefaultDir is the folder of the workers unless RPC_DIR names another.
const DefaultDir = names.DefaultDir

// Dir gives the folder of the workers.
func Dir() string {
	if d := os.Getenv("RPC_DIR"); d != "" {
		return d
	}
	return DefaultDir
}

// socketSuffix ends the name of a worker's socket.
const socketSuffix = ".sock"

// Workers gives the names of the workers in Dir, up or not, sorted.
func Workers() ([]string, error) {
	entries, err := os.ReadDir(Dir())
	if err != nil {
		return nil, err
	}
	var workers []string
	for _, e := range entries {
		if name := workerAt(filepath.Join(Dir(), e.Name())); name != "" {
			workers = append(workers, name)
		}
	}
	slices.Sort(workers)
	return slices.Compact(workers), nil
}

// workerAt gives the name of the worker whose socket or folder of sockets path
// is, or "". A worker that nobody could call has none.
func workerAt(path string) string {
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") {
		return ""
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
	case strings.HasSuffix(name, socketSuffix) && info.Mode()&os.ModeSocket != 0:
		name = strings.TrimSuffix(name, socketSuffix)
	default:
		return ""
	}
	if checkName(name) != nil {
		return ""
	}
	return name
}
