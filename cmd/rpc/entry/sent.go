package entry

// Sent is a call that the entry has sent, for the ordinary program to go on with. The
// signals of job control, USR1 and USR2 are blocked until it has handlers for them.
type Sent struct {
	FD     int    // the connected socket, which the receiver closes
	Socket string // its path
	Frame  []byte // the first frame, as it was sent
	Read   []byte // all that was read of the answer

	Signals []int // that came for it, and weren't forwarded

	// When the frame had left, and when STARTED had come, in nanoseconds of
	// CLOCK_MONOTONIC; 0: it hasn't come.
	At, Started int64
}
