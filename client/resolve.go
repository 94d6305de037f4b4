package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultDir is where workers are looked for unless RPC_DIR names another
// folder.
const DefaultDir = "/run/rpc"

// Dir gives the folder of the workers.
func Dir() string {
	if d := os.Getenv("RPC_DIR"); d != "" {
		return d
	}
	return DefaultDir
}

// Workers gives the names of the workers in Dir, up or not, sorted.
func Workers() ([]string, error) {
	entries, err := os.ReadDir(Dir())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(Dir(), name))
		switch {
		case err != nil:
			continue
		case info.IsDir():
		case strings.HasSuffix(name, ".sock") && info.Mode()&os.ModeSocket != 0:
			name = strings.TrimSuffix(name, ".sock")
		default:
			continue
		}
		if checkName(name) == nil { // else nobody could call it
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// maxName is the longest worker's name, in bytes.
const maxName = 200

// resolve gives the sockets of a worker: of a path, of a folder of sockets, of
// RPC_DIR/NAME/, or of RPC_DIR/NAME.sock, in this order.
func resolve(worker string) ([]string, error) {
	if err := checkName(worker); err != nil {
		return nil, err
	}
	path := worker
	if !strings.Contains(worker, "/") {
		path = filepath.Join(Dir(), worker)
		if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			path += ".sock"
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreachable(worker, path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, unreachable(worker, path, err)
	}
	var sockets []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".sock") && !strings.HasPrefix(name, ".") {
			sockets = append(sockets, filepath.Join(path, name))
		}
	}
	if len(sockets) == 0 {
		return nil, fail(ErrUnreachable, worker, false, errNotUp, "cannot reach %s: no socket in %q (is the worker up? try --wait)", worker, path)
	}
	return sockets, nil
}

// checkName refuses what can't be a worker.
func checkName(worker string) error {
	bad := func(why string) error {
		name := worker
		if len(name) > 50 {
			name = name[:50] + "..."
		}
		return fail(ErrUsage, worker, false, nil, "cannot call the worker %q: %s", name, why)
	}
	switch {
	case worker == "":
		return bad("its name is empty")
	case strings.ContainsFunc(worker, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }):
		return bad("its name holds control bytes")
	case strings.Contains(worker, "/"):
		if len(worker) >= unix.PathMax {
			return bad("its path is too long")
		}
		return nil
	case worker == ".", worker == "..":
		return bad("that is a folder (put a slash behind it)")
	case len(worker) > maxName:
		return bad(fmt.Sprintf("its name is too long (at most %d bytes)", maxName))
	}
	return nil
}

// unreachable explains a failed look or connect.
func unreachable(worker, path string, err error) error {
	say := func(cause error, format string, args ...any) error {
		return fail(ErrUnreachable, worker, false, cause, "cannot reach %s: %s", worker, fmt.Sprintf(format, args...))
	}
	info, serr := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || serr != nil && errors.Is(serr, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			if !strings.Contains(worker, "/") {
				return say(errNotUp, "%q does not exist (mount the worker's volume there, or set RPC_DIR)", dir)
			}
			return say(errNotUp, "%q does not exist", dir)
		}
		return say(errNotUp, "%q does not exist (is the worker up? try --wait)", path)
	case errors.Is(err, fs.ErrPermission):
		return say(err, "%s", permission(path))
	case serr == nil && info.Mode().Type() != fs.ModeSocket:
		return say(err, "%q is %s, no socket", path, Kind(info.Mode()))
	case errors.Is(err, unix.ECONNREFUSED):
		return say(errNotUp, "nobody serves %q (is the worker up? try --wait)", path)
	case errors.Is(err, unix.EAGAIN):
		return say(err, "its queue of connections is full (is it frozen? try --wait)")
	case errors.Is(err, unix.EPROTOTYPE):
		return say(err, "%q is a socket of another kind (datagrams)", path)
	}
	return say(err, "%v", err)
}

// Kind gives the words for what is no socket.
func Kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m.IsRegular():
		return "a file"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	}
	return "a device"
}

// permission prints both sides of a refused connect: of the socket, or of the
// first folder on the way to it that can't be passed.
func permission(path string) string {
	you := fmt.Sprintf("you are %d:%d", os.Geteuid(), os.Getegid())
	var st unix.Stat_t
	for p, what := path, "the socket"; ; p, what = filepath.Dir(p), "the folder" {
		if unix.Stat(p, &st) == nil {
			if what == "the folder" {
				what = fmt.Sprintf("the folder %q", p)
			}
			return fmt.Sprintf("permission denied: %s is %d:%d %04o, %s", what, st.Uid, st.Gid, st.Mode&0o7777, you)
		}
		if p == filepath.Dir(p) {
			return "permission denied: " + you
		}
	}
}
