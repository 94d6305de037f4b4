package rpcd

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// environOf builds the environment of a call of a procedure.
func environOf(p *export.Procedure, m *wire.Call) ([]string, error) {
	s := &Server{Config: Config{Name: "hugin", Log: hclog.NewNullLogger()}}
	c := newCall(&conn{server: s, fd: &fdconn.Conn{}, caller: export.Caller{UID: 12, GID: 34}}, m, func() {})
	c.leave()
	c.dir = "/where"
	return s.environ(p, c)
}

// The environment has rpcd's variables, those that the caller asked for, and what
// is known of the call.
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

func TestEnvironRefuses(t *testing.T) {
	p := &export.Procedure{Name: "nona", Path: "/exports/nona"}
	if _, err := environOf(p, &wire.Call{Procedure: "nona", Env: []string{"LANG=C"}}); code(err) != wire.Denied || !strings.Contains(err.Error(), "/exports/nona/env") {
		t.Errorf("%v; want denied, and the file that would admit it", err)
	}
}
