// Package reach says why a worker's socket can't be found or connected to, with
// what to try. It only looks at the file system, and never connects.
package reach

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Reason is why a socket can't be reached.
type Reason uint8

// The reasons. Other is none of them: the error says it itself.
const (
	Other Reason = iota
	NoRoot
	NoFolder
	NoSocket
	EmptyFolder
	Denied
	NotSocket
	NotServed
	QueueFull
	Datagrams
	Symlink
)

// Reasons are all of them.
var Reasons = []Reason{Other, NoRoot, NoFolder, NoSocket, EmptyFolder, Denied, NotSocket, NotServed, QueueFull, Datagrams, Symlink}

// texts say each reason in one line: what it is, what to try or to ask oneself, and
// whether the worker just isn't up, so that a caller may wait for it.
var texts = [...]struct {
	what  func(*Cause) string
	try   string
	notUp bool
}{
	Other:       {what: func(c *Cause) string { return c.Err.Error() }},
	NoRoot:      {what: noFolder, try: "mount the worker's volume there, or set RPC_DIR", notUp: true},
	NoFolder:    {what: noFolder, notUp: true},
	NoSocket:    {what: quoting("%q does not exist"), try: isUp, notUp: true},
	EmptyFolder: {what: quoting("no socket in %q"), try: isUp, notUp: true},
	Denied:      {what: denied},
	NotSocket:   {what: func(c *Cause) string { return fmt.Sprintf("%q is %s, no socket", c.Path, c.Place.Kind()) }},
	NotServed:   {what: quoting("nobody serves %q"), try: isUp, notUp: true},
	QueueFull:   {what: func(*Cause) string { return "its queue of connections is full" }, try: "is it frozen?"},
	Datagrams:   {what: quoting("%q is a socket of another kind (datagrams)")},
	Symlink:     {what: quoting("%q is a symlink"), try: "in a folder of sockets none is followed: name its target"},
}

const isUp = "is the worker up?"

// quoting is a text with the path in it.
func quoting(format string) func(*Cause) string {
	return func(c *Cause) string { return fmt.Sprintf(format, c.Path) }
}

func noFolder(c *Cause) string { return fmt.Sprintf("%q does not exist", filepath.Dir(c.Path)) }

// denied names both sides of a refusal.
func denied(c *Cause) string {
	you := fmt.Sprintf("you are %d:%d", os.Geteuid(), os.Getegid())
	if !c.Place.Found() {
		return "permission denied: " + you
	}
	return fmt.Sprintf("permission denied: %v, %s", c.Place, you)
}

// Cause is a reason with what it is about. As an error it is a text to stand
// behind "cannot reach NAME: ".
type Cause struct {
	Reason Reason
	Path   string // of the socket, or of the folder of sockets
	Place  Place  // of Path, or of the folder on the way to it that refuses
	Err    error  // of stat(2), readdir(3) or connect(2)
}

// ErrEmpty is to be explained where a folder holds no socket.
var ErrEmpty = errors.New("no socket in the folder")

// Explain finds the reason of an error of stat(2), readdir(3) or connect(2) on
// path. worker is what the caller wrote: a name, or a path with a slash in it.
func Explain(worker, path string, err error) *Cause {
	c := &Cause{Path: path, Place: Nearest(path), Err: err}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(err, ErrEmpty):
		c.Reason = EmptyFolder
	case errors.Is(err, fs.ErrNotExist), errors.Is(statErr, fs.ErrNotExist):
		c.Reason = missing(worker, path)
	case errors.Is(err, fs.ErrPermission):
		c.Reason = Denied
	case errors.Is(err, unix.ELOOP) && isLink(path):
		c.Reason = Symlink
	case statErr == nil && info.Mode().Type() != fs.ModeSocket && isRefused(err):
		c.Reason = NotSocket
	case errors.Is(err, unix.ECONNREFUSED):
		c.Reason = NotServed
	case errors.Is(err, unix.EAGAIN):
		c.Reason = QueueFull
	case errors.Is(err, unix.EPROTOTYPE):
		c.Reason = Datagrams
	}
	return c
}

// isRefused says whether err is that of a connection to a file that is no socket,
// and not one of descriptors or of a disk.
func isRefused(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTSOCK)
}

// isLink says whether a symlink is at path, and leads somewhere.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// missing says what is missing: path, its folder, or the folder of all workers.
func missing(worker, path string) Reason {
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		return NoSocket
	}
	if strings.Contains(worker, "/") {
		return NoFolder
	}
	return NoRoot
}

// What says what it is.
func (c *Cause) What() string { return texts[c.Reason].what(c) }

// Try says what to try, or asks what time may answer: such a text ends in a question
// mark. It may be empty.
func (c *Cause) Try() string { return texts[c.Reason].try }

// Error says what it is, and what to try.
func (c *Cause) Error() string {
	if c.Try() == "" {
		return c.What()
	}
	return c.What() + " (" + c.Try() + ")"
}

// Unwrap gives the error that was explained.
func (c *Cause) Unwrap() error { return c.Err }

// NotUp says that nobody serves there: the worker may come up.
func (c *Cause) NotUp() bool { return texts[c.Reason].notUp }

// MayPass says that it is worth trying again.
func (c *Cause) MayPass() bool { return c.NotUp() || c.Reason == QueueFull }
