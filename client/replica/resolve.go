package replica

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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

// socketsIn gives the sockets in a folder.
func socketsIn(worker, folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, unreachable(worker, folder, err)
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
	return sockets, nil
}
