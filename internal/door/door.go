// Package door is what cmd/rpc alone asks of package client. None of it is in
// client's face for Go users: a command may give up its own descriptors, and may
// have sent a call before it has a Cmd.
package door

import (
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Cmd is the inner side of a *client.Cmd. Adopt, ReleaseFiles and SetTerminal are for a Cmd
// that isn't started yet.
type Cmd interface {
	// ReleaseFiles makes Start replace the descriptors of Stdin and Stdout (files
	// both) and of ExtraFiles by /dev/null once the procedure has them, and a relayed
	// stdin or stdout at the end of its stream. So others see at once that a pipe has been closed.
	ReleaseFiles()

	// Adopt makes Start go on with a call that has been sent already. The fields of
	// the Cmd still say what the call is made of: its files are those that streams
	// are relayed from and to, and a call that may be tried again is sent anew.
	Adopt(Sent)

	// Instead makes Start ask change, where nothing was started, whether another call
	// is to be made instead: change may set Procedure, Args and Env, and says so by true.
	Instead(change func(refusal error) bool)

	// SetTerminal asks for a terminal for the procedure's Stdin and Stdout (files both).
	SetTerminal(*Terminal)

	// Resize gives that terminal another size.
	Resize(wire.Window) error

	// LostInput gives, after Wait, how many bytes were read from a pipe for a
	// procedure that took none of them.
	LostInput() int64

	// Relays says, after Start, whether bytes of the call go through this process.
	Relays() bool
}

// Terminal is a terminal that a procedure is to have.
type Terminal struct {
	wire.Terminal
	Started func() // called when the procedure runs, before a byte is relayed
	Stopped func() // called when it has stopped there, and all before that is shown
}

// Sent is a call whose first frame is on its way to a worker, or there.
type Sent struct {
	Conn   *fdconn.Conn // the Cmd's from Adopt on
	Socket string       // where Conn is connected to
	Call   *wire.Call   // the first frame
	Read   []byte       // all that was read of the answer

	// When the frame had left, and when STARTED had come (zero: it isn't in Read).
	// Time limits count from then.
	At, Started time.Time

	// Ready is called once signals reach the call, before Start waits for its answer.
	Ready func()
}

// Of gives the inner side of a *client.Cmd. Package client sets it.
var Of func(cmd any) Cmd
