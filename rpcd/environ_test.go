package rpcd

import (
	"slices"
	"strings"
	"testing"

	"rpcd/rpcd/export"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// environOf builds the environment of the call m of the procedure p.
func environOf(p *export.Procedure, m *wire.Call) ([]string, error) {
	h := &host{Config: Config{Name: "hugin"}}
	c := &call{Callee: &talk.Callee{Call: m}, host: h, id: "1", caller: export.Caller{UID: 12, GID: 34}}
	return c.environ(p, "/where")
}

// The environment of a procedure has rpcd's variables, the caller's admitted ones
// and those that describe the call.
func TestEnviron(t *testing.T) {
	t.Setenv("MINE", "own")
	p, err := export.Commands("/usr/bin:/bin").Lookup("true", export.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	env, err := environOf(p, &wire.Call{Procedure: "true", Label: "l", Env: []string{"NEW=a=b\xff"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{
		"MINE=own", "NEW=a=b\xff", "PWD=/where",
		"RPC_CALL_ID=1", "RPC_WORKER=hugin", "RPC_PROCEDURE=true", "RPC_LABEL=l", "RPC_CALLER_UID=12", "RPC_CALLER_GID=34",
	} {
		if !slices.Contains(env, entry) {
			t.Errorf("%q is missing in %q", entry, env)
		}
	}
}

// fault: 67
func TestEnvironRefuses(t *testing.T) {
	p := &export.Procedure{Name: "nona", Path: "/exports/nona"}
	if _, err := environOf(p, &wire.Call{Procedure: "nona", Env: []string{"LANG=C"}}); err == nil || code(refusal.Of(err)) != wire.Denied || !strings.Contains(err.Error(), "/exports/nona/env") {
		t.Errorf("%v; want denied, and the file that would admit it", err)
	}
}
