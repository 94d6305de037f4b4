package export

import "strconv"

// Kind is how a procedure is used. Callers get its word (PROTOCOL.md, LISTING).
type Kind uint8

// The kinds. The entry's files decide: see Procedure.Kind.
const (
	Spawned  Kind = iota // each call starts a process of its own
	Resident             // a `workers` file: processes that stay take one call after the other
	Topic                // a `topic` file: subscribed and published to, not run
)

// String gives the word that `rpcd check` and `rpc ls` print.
func (k Kind) String() string {
	switch k {
	case Spawned:
		return "spawned"
	case Resident:
		return "resident"
	case Topic:
		return "topic"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Kind says how the procedure is used.
func (p *Procedure) Kind() Kind {
	switch {
	case p.Topic:
		return Topic
	case p.Workers > 0:
		return Resident
	}
	return Spawned
}
