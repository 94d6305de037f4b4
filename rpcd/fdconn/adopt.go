package fdconn

import (
	"fmt"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Adopt makes a Conn of a connected socket that somebody else has made. It wants
// no descriptors, as one of Dial. fd is the Conn's from then on, also when Adopt
// fails; it becomes non-blocking for all who hold it.
func Adopt(fd int) (*Conn, error) {
	s, err := socket.New(fd, "rpc")
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("take descriptor %d as a connection: %w", fd, err)
	}
	return newConn(s, false), nil
}
