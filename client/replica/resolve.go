package replica

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/internal/reach"
	"rpcd/rpcd/fdconn"
)

// Sockets gives the sockets of a worker, in the order of their names: those of a
// path, of a folder of sockets, of RPC_DIR/NAME/, or of RPC_DIR/NAME.sock, in
// this order. They needn't be served.
func Sockets(worker string) ([]string, error) {
	if err := checkName(worker); err != nil {
		return nil, err
	}
	path := worker
	if !strings.Contains(worker, "/") {
		path = filepath.Join(Dir(), worker)
		if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			path += socketSuffix
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreachable(worker, path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	return socketsIn(worker, path)
}

// isListed says whether a socket of a worker's is one that Sockets found in a
// folder. Who serves there can write it, so what lies there mustn't lead elsewhere.
func isListed(worker, socket string) bool {
	if strings.Contains(worker, "/") {
		return socket != worker
	}
	return socket != filepath.Join(Dir(), worker)+socketSuffix
}

// dial connects to a socket of a worker's.
func dial(ctx context.Context, worker, socket string) (*fdconn.Conn, error) {
	if isListed(worker, socket) {
		return fdconn.DialEntry(ctx, socket)
	}
	return fdconn.Dial(ctx, socket)
}

// maxEntries is how many entries a folder of sockets may have: a worker that writes to
// its own would else have its callers keep any number.
const maxEntries = 1000

// socketsIn gives the sockets in a folder, by name.
func socketsIn(worker, folder string) ([]string, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, unreachable(worker, folder, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(maxEntries + 1)
	switch {
	case err != nil && err != io.EOF:
		return nil, unreachable(worker, folder, err)
	case len(entries) > maxEntries:
		return nil, newError(Unreachable, worker, nil, "cannot reach %s: %q has more than %d entries (name one of its sockets)", worker, folder, maxEntries)
	}
	var sockets []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, socketSuffix) && !strings.HasPrefix(name, ".") {
			sockets = append(sockets, filepath.Join(folder, name))
		}
	}
	if len(sockets) == 0 {
		return nil, unreachable(worker, folder, reach.ErrEmpty)
	}
	slices.Sort(sockets)
	return sockets, nil
}
