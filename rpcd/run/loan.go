package run

import (
	"context"
	"time"

	"rpcd/rpcd/wire"
)

// Loan is a caller's connection that a resident worker may serve by itself for a
// while, beginning with a job whose CALL came on it.
type Loan struct {
	Conn    int             // the connection's descriptor, which stays the lender's
	Frame   []byte          // the CALL, whole: the worker serves those that are the same but for their arguments
	Next    uint64          // the id of the second call; those of the next ones follow
	Most    int             // calls that it may serve
	Started []byte          // what STARTED says besides the id (wire.Started)
	Time    time.Duration   // after which it is recalled
	Recall  context.Context // recalled when it ends
}

// Returned is what became of a loan.
type Returned struct {
	// Process is a call that goes on, or whose answer is the lender's to give. nil:
	// there is none.
	Process Process
	ID      string    // of that call, or the last one
	Args    []string  // its arguments, as its caller gave them
	Began   time.Time // when it did

	Sums   *wire.Sums // of the others; with a Process they are complete after its Wait
	Broken bool       // the connection is to be closed: nobody knows what its caller got
}

// Lender is a runner whose processes can serve a connection.
type Lender interface {
	// Lend is Start with a loan. nil says that nothing was begun, and that Start has to
	// do it: no worker is free, or none takes loans. Without a Process the
	// loan is over.
	Lend(ctx context.Context, j Job, l Loan) *Returned
}
