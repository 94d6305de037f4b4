package export

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rpcd/rpcd/export/internal/display"
)

// Call is what a procedure's environment says of one call.
type Call struct {
	ID     string
	Worker string // its name
	Label  string
	Caller Caller
	PWD    string   // the name of the directory in which the procedure runs
	Env    []string // NAME=VALUE: what the caller asked for

	// Terminal says that the procedure has a terminal, of that type: TERM, which the
	// call has then whether it is admitted or not. "": none is named.
	Terminal bool
	Type     string
}

// VariableError says that a caller asked for a variable that the procedure's env
// file doesn't admit. Its text follows the worker's name.
type VariableError struct {
	Variable  string
	Procedure string
	EnvFile   string // what would admit it: see Procedure.EnvFile
}

func (e *VariableError) Error() string {
	return fmt.Sprintf("doesn't admit the variable %s for %q: what would admit it is %s", display.Quote(e.Variable), e.Procedure, e.EnvFile)
}

// callVariables are the variables that rpcd sets for each call, over what its own
// environment, the env file and the caller say. But a caller that asks for PWD,
// and may, gets it.
var callVariables = []struct {
	name  string
	value func(*Procedure, *Call) string
}{
	{"RPC_CALL_ID", func(_ *Procedure, c *Call) string { return c.ID }},
	{"RPC_WORKER", func(_ *Procedure, c *Call) string { return c.Worker }},
	{"RPC_PROCEDURE", func(p *Procedure, _ *Call) string { return p.Name }},
	{"RPC_LABEL", func(_ *Procedure, c *Call) string { return c.Label }},
	{"RPC_CALLER_UID", func(_ *Procedure, c *Call) string { return strconv.FormatUint(uint64(c.Caller.UID), 10) }},
	{"RPC_CALLER_GID", func(_ *Procedure, c *Call) string { return strconv.FormatUint(uint64(c.Caller.GID), 10) }},
	{pwd, func(_ *Procedure, c *Call) string { return c.PWD }},
}

const (
	pwd  = "PWD"
	term = "TERM"
)

// SetForEachCall says whether rpcd sets a variable for each call, so that setting
// it in an env file has no effect.
func SetForEachCall(name string) bool {
	for _, v := range callVariables {
		if v.name == name {
			return true
		}
	}
	return false
}

// Environ gives a procedure's environment for one call: BaseEnv, and over it
// CallEnv. For a resident procedure it is CallEnv alone, since its workers have
// BaseEnv.
func (p *Procedure) Environ(own []string, c *Call) ([]string, error) {
	call, err := p.CallEnv(c)
	if err != nil || p.Workers > 0 {
		return call, err
	}
	e := p.base(own)
	for _, entry := range call {
		e.set(entry)
	}
	return e.entries, nil
}

// BaseEnv gives the part of a procedure's environment that is the same for all
// its calls: own, which is rpcd's environment, without what is about rpcd itself,
// and over it the settings of the env file. Each name stands once.
func (p *Procedure) BaseEnv(own []string) []string { return p.base(own).entries }

func (p *Procedure) base(own []string) *environment {
	e := &environment{at: map[string]int{}}
	for _, entry := range own {
		if !aboutDaemon(nameOf(entry)) {
			e.set(entry)
		}
	}
	for _, entry := range p.Set {
		e.set(entry)
	}
	return e
}

// CallEnv gives the part of a procedure's environment that each call has for
// itself: the admitted ones of the variables that the caller asked for, and what
// rpcd sets. Each name stands once. The error is a *VariableError.
func (p *Procedure) CallEnv(c *Call) ([]string, error) {
	e := &environment{at: map[string]int{}}
	if c.Type != "" {
		e.set(term + "=" + c.Type)
	}
	for _, entry := range c.Env {
		name := nameOf(entry)
		if !p.AdmitEnv(name) && !(c.Terminal && name == term) {
			return nil, &VariableError{name, p.Name, p.EnvFile()}
		}
		e.set(entry)
	}
	for _, v := range callVariables {
		if _, asked := e.at[pwd]; v.name == pwd && asked {
			continue
		}
		e.set(v.name + "=" + v.value(p, c))
	}
	return e.entries, nil
}

// environment is a list of NAME=VALUE in which the last setting of a name counts.
type environment struct {
	entries []string
	at      map[string]int // a name's place in entries
}

func (e *environment) set(entry string) {
	name := nameOf(entry)
	if i, ok := e.at[name]; ok {
		e.entries[i] = entry
		return
	}
	e.at[name] = len(e.entries)
	e.entries = append(e.entries, entry)
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}

// daemonVariables are about rpcd's own process: where it was started, and what a
// service manager passed to it (sd_notify(3), sd_listen_fds(3), systemd.exec(5)).
var daemonVariables = []string{
	"PWD", "OLDPWD", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
	"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "SYSTEMD_EXEC_PID",
}

// aboutDaemon says whether a variable of rpcd's reaches no procedure.
func aboutDaemon(name string) bool {
	return strings.HasPrefix(name, "RPC_") || strings.HasPrefix(name, "RPCD_") || slices.Contains(daemonVariables, name)
}
