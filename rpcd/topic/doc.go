// Package topic takes records from publishers and gives each of a topic's subscribers
// all of them, at its own speed (PROTOCOL.md, section 8). It opens no socket, and
// knows nothing of who may publish or subscribe.
//
// A publisher's goroutine reads its records and puts them into every subscriber's
// queue. Where nobody writes to a subscriber, and its socket takes a short record at
// once, the same goroutine writes it. What a slow subscriber suffers is the topic's
// policy. A subscriber has two goroutines: one writes what waits in its queue, one reads
// what it has taken. One lock for each topic guards all of it, and no goroutine holds it
// while it reads or writes.
package topic

import "strconv"

// Kind says what happens to the records of a subscriber that is too slow.
type Kind uint8

// The kinds of a policy.
const (
	Block      Kind = iota // publishers wait
	DropOldest             // of those that wait the first go
	DropNewest             // those that come go
)

// Policy is how a topic treats its records.
type Policy struct {
	Kind   Kind
	Depth  int  // how many records wait for one subscriber; not of Block
	Retain bool // who comes gets the last record at once
}

// String is the policy as the file `topic` has it, in one line.
func (p Policy) String() string {
	text := "block"
	switch p.Kind {
	case DropOldest:
		text = "drop-oldest " + strconv.Itoa(p.Depth)
	case DropNewest:
		text = "drop-newest " + strconv.Itoa(p.Depth)
	}
	if p.Retain {
		text += ", retain"
	}
	return text
}
