//go:build amd64 || arm64

package entry

import (
	"rpcd/cmd/rpc/shim"
	"rpcd/internal/version"
)

// kind is one of the options that the entry knows.
type kind uint8

const (
	noOption kind = iota // it is a word
	unknown              // an option that is the ordinary program's affair
	env
	chdir
	label
	timeout
	serverUID
	stdinNull
	interactive
)

// options are what the words and variables say of the call.
type options struct {
	value     [serverUID + 1]text // by kind
	given     [serverUID + 1]bool // on the command line
	stdinNull bool
	worker    int  // which word
	shim      bool // it is the first line of a shim

	dir, env, pwd text // RPC_DIR, RPC_ENV, PWD
}

const (
	maxLabel  = 4096 // wire.MaxLabel
	maxPath   = 4095 // names.MaxPath
	maxName   = 255  // wire.MaxName
	maxUID    = 1<<32 - 1
	maxAmount = 1e6 // of a time limit's unit
)

// option reads the option that word i is. next is the word behind it.
func (p process) option(i int) (k kind, value text, next int) {
	w := p.word(i)
	s := w.str()
	if len(s) == 0 || s[0] != '-' {
		return noOption, text{}, i
	}
	k, length := optionNamed(s)
	switch {
	case k == unknown:
		return unknown, text{}, i
	case k >= stdinNull:
		if length != len(s) {
			return unknown, text{}, i
		}
		return k, text{}, i + 1
	case length < len(s):
		return k, w.after(length + 1), i + 1
	case i+1 >= p.words:
		return unknown, text{}, i
	}
	return k, p.word(i + 1), i + 2
}

// optionNamed gives the option that s is, and the length of its name. Behind that, a
// long option may have = and its value.
func optionNamed(s string) (kind, int) {
	if len(s) == 2 {
		switch s[1] {
		case 'e':
			return env, 2
		case 'C':
			return chdir, 2
		case 'n':
			return stdinNull, 2
		case 'i':
			return interactive, 2
		}
		return unknown, 0
	}
	name := upTo(s, '=')
	n := len(name)
	switch name {
	case "--env":
		return env, n
	case "--chdir":
		return chdir, n
	case "--label":
		return label, n
	case "--timeout":
		return timeout, n
	case "--server-uid":
		return serverUID, n
	case "--stdin-null":
		return stdinNull, n
	}
	return unknown, 0
}

// read takes the words up to the worker. It is false for what isn't a plain call.
func (o *options) read(p process) bool {
	if hasPrefix(p.word(1).str(), shim.Option) {
		o.shim, o.worker = true, 1
		return p.words > 2 && isWorker(o.workerName(p).str()) && isProcedure(o.procedureName(p))
	}
	i := 1
	for i < p.words {
		k, value, next := p.option(i)
		switch k {
		case noOption:
			o.worker = i
			return p.words-i >= 2 && isWorker(p.word(i).str()) && isProcedure(o.procedureName(p))
		case unknown:
			return false
		case env:
			if !isSetting(value.str()) || namesDescriptor(value.str()) {
				return false
			}
		case stdinNull:
			o.stdinNull = true
		case chdir, label, timeout, serverUID:
			o.value[k], o.given[k] = value, true
			if k == chdir && value.n == 0 {
				return false
			}
		}
		i = next
	}
	return false
}

// procedure is the word that names the procedure: one -- before it is skipped. The
// worker isn't the last word. In a shim it is the path of the shim's file.
func (o *options) procedure(p process) int {
	i := o.worker + 1
	if !o.shim && p.word(i).str() == "--" {
		return i + 1
	}
	return i
}

// workerName names the worker.
func (o *options) workerName(p process) text {
	w := p.word(o.worker)
	if o.shim {
		return w.after(len(shim.Option))
	}
	return w
}

// procedureName names the procedure. A shim's is the name of its file.
func (o *options) procedureName(p process) text {
	w := p.word(o.procedure(p))
	if !o.shim {
		return w
	}
	s := w.str()
	for i := len(s); i > 0; i-- {
		if s[i-1] == '/' {
			return w.after(i)
		}
	}
	return w
}

// isProcedure reports whether a word can be a procedure. There is none if n is 0. Of
// longer words the ordinary program judges.
func isProcedure(w text) bool { return w.n > 0 && w.n <= maxName }

// isWorker reports whether a word can be a worker and nothing else. Of other bytes
// than ASCII the ordinary program judges.
func isWorker(s string) bool {
	if len(s) == 0 || len(s) > maxPath || s[0] == '_' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	for _, verb := range version.Verbs {
		if s == verb {
			return false
		}
	}
	return true
}

// isSetting reports whether s can be a value of --env.
func isSetting(s string) bool { return len(s) > 0 && s[0] != '=' }

// namesDescriptor reports whether a word may name a descriptor of ours, which the
// ordinary program makes cross.
func namesDescriptor(s string) bool { return contains(s, "/dev/fd/") || contains(s, "/proc/self/fd/") }

// variableNames are the variables that count, in the order that variable knows. If
// one behind RPC_SERVER_UID has a value, the ordinary program makes the call.
// RPC_TEST_ENTRY is for tests.
var variableNames = [...]string{"PWD", "RPC_DIR", "RPC_ENV", "RPC_CHDIR", "RPC_LABEL", "RPC_TIMEOUT", "RPC_SERVER_UID",
	"RPC_PASS", "RPC_WAIT", "RPC_HEARTBEAT", "RPC_TEST_ENTRY"}

// variables takes those of the options that weren't given. An empty one is an unset
// one. It is false where the ordinary program is needed.
func (o *options) variables(p process) bool {
	seen := uint32(0)
	for i := 0; ; i++ {
		e := p.entry(i)
		if e.at == 0 {
			return true
		}
		s := e.str()
		if !hasPrefix(s, "RPC_") && !hasPrefix(s, "PWD=") {
			continue
		}
		for n, name := range variableNames {
			value, ok := valueOf(e, name)
			if !ok || seen>>n&1 != 0 {
				continue
			}
			seen |= 1 << n
			if value.n > 0 && !o.variable(n, value) {
				return false
			}
		}
	}
}

// variable takes the value of a variable, by its place in the list of variables.
func (o *options) variable(n int, value text) bool {
	switch n {
	case 0:
		o.pwd = value
	case 1:
		o.dir = value
	case 2:
		o.env = value
	case 3:
		o.unlessGiven(chdir, value)
	case 4:
		o.unlessGiven(label, value)
	case 5:
		o.unlessGiven(timeout, value)
	case 6:
		o.unlessGiven(serverUID, value)
	default:
		return false
	}
	return true
}

func (o *options) unlessGiven(k kind, value text) {
	if k <= serverUID && !o.given[k] {
		o.value[k] = value
	}
}

// check judges the values, and keeps the time limit.
func (o *options) check() bool {
	dir := o.value[chdir].str()
	if len(dir) > 0 && (dir[0] != '/' || len(dir) > maxPath) || o.value[label].n > maxLabel {
		return false
	}
	if limit := o.value[timeout]; limit.n > 0 {
		ns, ok := duration(limit.str())
		if !ok {
			return false
		}
		state.timeout = ns
	} else if o.given[timeout] {
		return false
	}
	if uid := o.value[serverUID]; uid.n > 0 {
		if _, ok := number(uid.str(), maxUID); !ok {
			return false
		}
	}
	return true
}

// duration reads whole numbers of at most six digits, with a unit or without.
// Whatever else package duration knows is the ordinary program's.
func duration(s string) (ns uint64, ok bool) {
	digits, unit := s, ""
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			digits, unit = s[:i], s[i:]
			break
		}
	}
	amount, ok := number(digits, maxAmount)
	if !ok {
		return 0, false
	}
	const ms = 1e6
	switch unit {
	case "ms":
		return amount * ms, true
	case "s", "":
		return amount * 1000 * ms, true
	case "m":
		return amount * 60 * 1000 * ms, true
	case "h":
		return amount * 3600 * 1000 * ms, true
	}
	return 0, false
}
