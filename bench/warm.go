package main

import "fmt"

// Names of the ways to have Python do a little work with NumPy.
const (
	coldName      = "python3, cold"
	warmName      = "rpc, resident"
	forkedName    = "rpc, resident, forked"
	coldRPCName   = "rpc, python3 spawned"
	warmSection   = "warm procedures"
	warmYardstick = "cold"
)

// measureWarm times a small program in Python that imports NumPy, from the spawn of
// its caller until that is reaped: started as a process, and as a procedure that is
// warm in its worker, or forked there for each call.
func measureWarm(st *stage) []row {
	p, err := st.pythonEnds()
	if err != nil {
		return []row{{Section: warmSection, Name: warmName, Trouble: absentPrefix + err.Error()}}
	}
	procedure := func(name, procedure string) *way {
		return &way{name: name, divisor: 1, argv: func(string, ...string) []string { return []string{st.options.RPC, p.socket, procedure} }}
	}
	cold := &way{name: coldName, divisor: 5, argv: func(string, ...string) []string { return p.script("cold") }}
	spawned := procedure(coldRPCName, "cold")
	spawned.divisor = cold.divisor
	ways := []*way{cold, spawned, procedure(warmName, "warm"), procedure(forkedName, "forked")}
	said, err := output(st, nil, cold.argv("")...)
	if err != nil {
		cold.failed = err.Error()
	}
	for _, w := range ways[1:] {
		if got, err := output(st, nil, w.argv("")...); err != nil {
			w.failed = err.Error()
		} else if got != said {
			w.failed = fmt.Sprintf("it says %q, and not %q", got, said)
		}
	}
	all := inTurns(st, ways, st.options.Transfers, st.timeCalls)
	return against(warmYardstick, compare(warmSection, all, coldName, warmName, unitTime))
}
