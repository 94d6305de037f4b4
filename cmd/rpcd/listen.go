package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/internal/names"
	"rpcd/internal/version"
	"rpcd/rpcd/fdconn"
)

const (
	defaultDir     = names.DefaultDir
	defaultExports = "/etc/rpcd/exports"
)

// address is where a worker listens, and under which name.
type address struct {
	name   string
	passed []*fdconn.Listener // by systemd; with any, rpcd makes no socket
	path   string             // of the socket that rpcd makes, absolute
	folder bool               // the socket stands in a folder of replicas, whose dead sockets are removed
}

// findAddress finds it by the sockets that systemd passed, else by --listen.
// A NAME names the worker, wherever it listens.
func (f *serveFlags) findAddress(args []string) (address, error) {
	passed, err := passedSockets()
	if err != nil {
		return address{}, err
	}
	a := address{passed: passed}
	if len(passed) > 0 {
		a.path = passed[0].Path()
		a.name = nameOfSocket(a.path)
	} else if err := a.take(f.listen); err != nil {
		return address{}, err
	}
	if len(args) == 1 {
		a.name = args[0]
		return a, nil
	}
	if filepath.Dir(a.path) == defaultDir || filepath.Dir(filepath.Dir(a.path)) == defaultDir {
		if err := workerName(a.name); err != nil {
			return address{}, usageError{err}
		}
	}
	return a, nil
}

// take takes a socket's path from --listen, and the worker's name from the path.
// A path like ./w/ is a folder: the worker is w, and its socket in there is named
// after the host.
func (a *address) take(listen string) (err error) {
	if listen == "" {
		return usageError{errors.New("where to listen? give a NAME, or --listen PATH")}
	}
	a.path, err = filepath.Abs(listen)
	if err != nil {
		return err
	}
	a.folder = strings.HasSuffix(listen, "/")
	if a.folder {
		a.name = filepath.Base(a.path)
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("name the socket after the host: %w", err)
		}
		a.path = filepath.Join(a.path, host+".sock")
	}
	if !a.folder || filepath.Dir(a.path) == defaultDir {
		a.name = nameOfSocket(a.path)
	}
	return nil
}

// nameOfSocket gives the name under which callers know a socket: the folder's of
// /run/rpc/w/HOST.sock, else the file's.
func nameOfSocket(path string) string {
	if dir := filepath.Dir(path); filepath.Dir(dir) == defaultDir {
		return filepath.Base(dir)
	}
	return strings.TrimSuffix(filepath.Base(path), ".sock")
}

// listen gives the sockets to serve; the caller closes them.
func (a *address) listen(mode os.FileMode, gid int) ([]*fdconn.Listener, error) {
	if len(a.passed) > 0 {
		return a.passed, nil
	}
	if a.folder {
		fdconn.Sweep(filepath.Dir(a.path))
	}
	l, err := fdconn.Listen(a.path, mode, gid)
	if err != nil {
		return nil, explain(err, a.path)
	}
	return []*fdconn.Listener{l}, nil
}

// exposed warns of a folder in which every user may replace the socket. That is no
// error, since the operator decides which containers mount the volume.
func (a *address) exposed() []string {
	info, err := os.Stat(filepath.Dir(a.path))
	if len(a.passed) > 0 || err != nil || info.Mode()&0o002 == 0 || info.Mode()&os.ModeSticky != 0 {
		return nil
	}
	dir := filepath.Dir(a.path)
	return []string{fmt.Sprintf("everybody may replace the socket: %q is writable by others (chmod o-w %s; callers are safe with --server-uid %d)", dir, dir, os.Geteuid())}
}

// workerName refuses a name under which no caller could reach the worker: rpc would
// take it for a verb or an option, or doesn't list it.
func workerName(name string) error {
	switch {
	case slices.Contains(version.Verbs, name):
		return fmt.Errorf("cannot serve under the name %q: it is a verb of rpc", name)
	case names.Worker(name) != nil, strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."):
		return fmt.Errorf("cannot serve under the name %q: a name has 1 to %d bytes, no slash, no control bytes, and doesn't begin with a dot or a dash", name, names.MaxWorker)
	}
	return nil
}

// explain adds to the error of a listen what to try.
func explain(err error, path string) error {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (make the folder %q, or mount the volume there)", err, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (rpcd runs as %d:%d: let it write the folder %q)", err, os.Geteuid(), os.Getegid(), dir)
	}
	return err
}
