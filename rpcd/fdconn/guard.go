package fdconn

import "github.com/mdlayher/socket"

// Guard is told of each socket, and each locked file, that others must see the end of
// when this process has ended, even where another process still holds its descriptors.
// leave is called before the descriptor is closed, maybe twice. A daemon that shares its
// descriptors sets a function here, before it listens.
var Guard = func(_ int, lock bool) (leave func()) { return func() {} }

// guard calls Guard for a socket.
func guard(s *socket.Conn) (leave func()) {
	leave = func() {}
	if rc, err := s.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { leave = Guard(int(fd), false) })
	}
	return leave
}
