//go:build amd64 || arm64

package entry

import "golang.org/x/sys/unix"

// frameSize bounds the first frame in bytes: a longer list of arguments is the
// ordinary program's. A socket takes as much in one sendmsg(2).
const frameSize = 64 << 10

// answerSize is the room for all that is read of the answer, and for a folder's
// entries before.
const answerSize = 8 << 10

// state is all that the entry keeps. It is one variable, so that few pages of memory
// are touched, and holds no pointer: the ordinary program's garbage collector has no
// business there. The assembly of start knows the first three fields.
var state struct {
	sp  uintptr     // the stack pointer that the kernel gave
	tls uintptr     // holds the address of g, where Go's code on amd64 looks for it
	g   [16]uintptr // what Go's code takes for the runtime's g: its stack has no bound

	// What the kernel fills in, or reads.
	action  [4]uintptr // struct sigaction
	set     uint64     // sigset_t
	time    [2]int64   // struct timespec
	polled  [2]uint64  // struct pollfd
	vector  [2]uintptr // struct iovec
	message [7]uintptr // struct msghdr
	control [4]uint64  // struct cmsghdr, with the descriptors behind it
	peer    [3]uint32  // struct ucred
	length  uint32     // socklen_t
	stat    unix.Stat_t
	statfs  unix.Statfs_t
	path    [addressSize]byte // struct sockaddr_un: the socket's, or its folder's
	entry   [40]byte          // struct sockaddr_un: of a socket in that folder

	limit [2]uint64            // struct rlimit
	gate  uint32               // for canThread: threads may end
	gone  [leastThreads]uint32 // the same: 0: this one has ended

	recorded         bool   // the two below are known
	ignored, blocked uint64 // bit N-1: the caller had signal N so
	held             bool   // the forwarded signals are blocked

	// The call.
	streams    [3]stream
	fds        [3]uint32 // that ride on the first frame
	passed     int       // how many
	socket     int32     // connected, if connected
	connected  bool
	pathLen    int       // bytes of the path in path
	name       [256]byte // the socket's in that folder
	nameLen    int
	timeout    uint64   // ns; 0: none
	patience   int64    // ns: how long the worker may take to answer
	started    int64    // CLOCK_MONOTONIC, ns: when STARTED had come; 0: it hasn't
	deadline   int64    // the same: a worker that hasn't ended the call by then is frozen; 0: none
	grace      uint64   // ns, of STARTED
	watched    uint64   // the signals that are held back
	caught     uint64   // those that the ordinary program has to forward
	signal     [9]byte  // a SIGNAL, STOPPED or CONTINUED frame
	interrupts [2]int64 // CLOCK_MONOTONIC, ns: the last but one INT or TERM, and the last
	sent       int64    // the same, roughly: when the frame had left
	handed     bool     // the ordinary program goes on with the call, which was sent then

	frameLen int
	overflow bool // frame was too small
	frame    [frameSize]byte
	at       int // where the first frame of answer begins that isn't understood yet
	have     int // bytes in answer
	answer   [answerSize]byte
}
