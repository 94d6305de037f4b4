package export

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// variables gives an environment as a map. A name that stands twice fails the
// test.
func variables(t *testing.T, env []string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, entry := range env {
		name, value, ok := strings.Cut(entry, "=")
		if _, twice := got[name]; twice || !ok {
			t.Errorf("%q stands twice, or is none", entry)
		}
		got[name] = value
	}
	return got
}

// What comes later counts: rpcd's own, the env file's, the caller's, the call's.
func TestEnviron(t *testing.T) {
	own := []string{
		"PATH=/bin", "MINE=own", "OVER=own", "PWD=/elsewhere", "OLDPWD=/old", "RPC_DIR=/run", "RPCD_MODE=0660", "RPC_LABEL=ours",
		"NOTIFY_SOCKET=/n", "LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_PIDFDID=1", "WATCHDOG_USEC=1", "SYSTEMD_EXEC_PID=1",
	}
	p := &Procedure{Name: "true", all: true, Set: []string{"SET=1", "OVER=set", "SET=2", "EMPTY=", "RPC_LABEL=set"}}
	call := &Call{
		ID: "1", Worker: "hugin", Label: "l", Caller: Caller{UID: 12, GID: 34}, PWD: "/where",
		Env: []string{"OVER=caller", "NEW=a=b\xff", "NEW=last"},
	}
	base := map[string]string{"PATH": "/bin", "MINE": "own", "OVER": "set", "SET": "2", "EMPTY": "", "RPC_LABEL": "set"}
	ofCall := map[string]string{
		"OVER": "caller", "NEW": "last", "PWD": "/where", "RPC_CALL_ID": "1", "RPC_WORKER": "hugin",
		"RPC_PROCEDURE": "true", "RPC_LABEL": "l", "RPC_CALLER_UID": "12", "RPC_CALLER_GID": "34",
	}
	both := map[string]string{}
	for _, part := range []map[string]string{base, ofCall} {
		for name, value := range part {
			both[name] = value
		}
	}
	callEnv, err := p.CallEnv(call)
	must(t, err)
	whole, err := p.Environ(own, call)
	must(t, err)
	for _, part := range []struct {
		name string
		got  []string
		want map[string]string
	}{{"base", p.BaseEnv(own), base}, {"call", callEnv, ofCall}, {"both", whole, both}} {
		got := variables(t, part.got)
		for name, value := range part.want {
			if v, ok := got[name]; !ok || v != value {
				t.Errorf("%s: %s=%q (%v), want %q", part.name, name, v, ok, value)
			}
		}
		for name, value := range got {
			if _, ok := part.want[name]; !ok {
				t.Errorf("%s: %s=%q reaches the procedure", part.name, name, value)
			}
		}
	}
}

// A caller that asks for PWD gets it; what else is known of a call it can't set.
func TestCallersPWD(t *testing.T) {
	p := &Procedure{Name: "p", env: admitted{names: []string{"PWD", "RPC_WORKER"}}}
	env, err := p.CallEnv(&Call{Worker: "hugin", PWD: "/physical", Env: []string{"PWD=/logical", "RPC_WORKER=munin"}})
	must(t, err)
	if got := variables(t, env); got["PWD"] != "/logical" || got["RPC_WORKER"] != "hugin" {
		t.Errorf("%q", env)
	}
}

func TestRefusedVariables(t *testing.T) {
	all := &Procedure{Name: "true", all: true}
	for _, entry := range []string{"PATH=/tmp", "LD_PRELOAD=x", "RPC_CALLER_UID=0", "BASH_ENV=x", "IFS=x", "BASH_FUNC_ls%%=x"} {
		_, err := all.CallEnv(&Call{Env: []string{"TZ=x", entry}})
		var refused *VariableError
		if !errors.As(err, &refused) || refused.Variable != nameOf(entry) {
			t.Errorf("%s: %v; want it refused by its name", entry, err)
		}
	}
	// A procedure without an env file admits nothing, and says which file would.
	p := &Procedure{Name: "nona", Path: "/exports/nona"}
	_, err := p.Environ(nil, &Call{Env: []string{"LANG=C"}})
	if want := `doesn't admit the variable "LANG" for "nona": what would admit it is /exports/nona/env (nona has to become a folder with run and env)`; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// The names that lint warns of are those that a call gets.
func TestSetForEachCall(t *testing.T) {
	env, err := (&Procedure{}).CallEnv(&Call{})
	must(t, err)
	for _, entry := range env {
		if !SetForEachCall(nameOf(entry)) {
			t.Errorf("%s is set for each call", entry)
		}
	}
	if slices.ContainsFunc([]string{"PATH", "RPC_DIR", ""}, SetForEachCall) {
		t.Error("a variable counts as set for each call, and isn't")
	}
}
