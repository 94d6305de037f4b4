package fdconn

import (
	"fmt"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Adopt makes a Conn of a connected socket that somebody else has made. Like a
// Conn of Dial, it receives no descriptors before Receive. Adopt owns fd, and closes it when it
// fails. The socket becomes non-blocking for every process that holds it.
func Adopt(fd int) (*Conn, error) {
	s, err := socket.New(fd, "rpc")
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("take descriptor %d as a connection: %w", fd, err)
	}
	takeRights(s, 0)
	return newConn(s, false), nil
}
