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

// place is where a worker listens, and under which name.
type place struct {
	name   string
	passed []*fdconn.Listener // by systemd; with any, rpcd makes no socket
	path   string             // of the socket that rpcd makes, absolute
	folder bool               // of replicas: the dead ones' sockets are swept
}

// place finds it by what systemd passed, by --listen, and by the worker's NAME.
func (f *serveFlags) place(args []string) (place, error) {
	passed, err := passedSockets()
	if err != nil {
		return place{}, err
	}
	p := place{passed: passed}
	if len(passed) > 0 {
		p.path = passed[0].Path()
		p.name = nameOfSocket(p.path)
	} else if err := p.ask(f.listen); err != nil {
		return place{}, err
	}
	if len(args) == 1 {
		p.name = args[0]
		return p, nil
	}
	if filepath.Dir(p.path) == defaultDir || filepath.Dir(filepath.Dir(p.path)) == defaultDir {
		if err := workerName(p.name); err != nil {
			return place{}, usageError{err}
		}
	}
	return p, nil
}

// ask takes a socket's path, and the worker's name from it: w for ./w/, where
// the socket is named after the host, else as callers know the socket.
func (p *place) ask(listen string) (err error) {
	if listen == "" {
		return usageError{errors.New("where to listen? give a NAME, or --listen PATH")}
	}
	p.path, err = filepath.Abs(listen)
	if err != nil {
		return err
	}
	p.folder = strings.HasSuffix(listen, "/")
	if p.folder {
		p.name = filepath.Base(p.path)
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("name the socket after the host: %w", err)
		}
		p.path = filepath.Join(p.path, host+".sock")
	}
	if !p.folder || filepath.Dir(p.path) == defaultDir {
		p.name = nameOfSocket(p.path)
	}
	return nil
}

// nameOfSocket gives the name under which callers know a socket: of /run/rpc/w/HOST.sock the folder's, else the file's.
func nameOfSocket(path string) string {
	if dir := filepath.Dir(path); filepath.Dir(dir) == defaultDir {
		return filepath.Base(dir)
	}
	return strings.TrimSuffix(filepath.Base(path), ".sock")
}

// listen gives the sockets to serve; the caller closes them.
func (p *place) listen(mode os.FileMode, gid int) ([]*fdconn.Listener, error) {
	if len(p.passed) > 0 {
		return p.passed, nil
	}
	if p.folder {
		fdconn.Sweep(filepath.Dir(p.path))
	}
	l, err := fdconn.Listen(p.path, mode, gid)
	if err != nil {
		return nil, explain(err, p.path)
	}
	return []*fdconn.Listener{l}, nil
}

// exposed warns of a folder in which everybody could put a socket of theirs in
// our socket's place. It is served all the same: who mounts the volume may.
func (p *place) exposed() []string {
	info, err := os.Stat(filepath.Dir(p.path))
	if len(p.passed) > 0 || err != nil || info.Mode()&0o002 == 0 || info.Mode()&os.ModeSticky != 0 {
		return nil
	}
	dir := filepath.Dir(p.path)
	return []string{fmt.Sprintf("everybody may replace the socket: %q is writable by others (chmod o-w %s; callers are safe with --server-uid %d)", dir, dir, os.Geteuid())}
}

// workerName refuses a name under which no caller could reach the worker: one that
// rpc takes for a verb or an option, and one that it doesn't list.
func workerName(name string) error {
	switch {
	case slices.Contains(version.Verbs, name):
		return fmt.Errorf("cannot serve under the name %q: it is a verb of rpc", name)
	case names.Worker(name) != nil, strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."):
		return fmt.Errorf("cannot serve under the name %q: a name has 1 to %d bytes, no slash, no control bytes, and doesn't begin with a dot or a dash", name, names.MaxWorker)
	}
	return nil
}

// explain adds a cure to a failed listen.
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
