package rpcd

import (
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

func itoa(n int) string { return strconv.Itoa(n) }

// environOf builds a procedure's environment as a map; a name that stands
// twice fails the test.
func environOf(t *testing.T, p *export.Procedure, m *wire.Call) (map[string]string, error) {
	t.Helper()
	s := &Server{Config: Config{Name: "hugin", Log: hclog.NewNullLogger()}}
	c := newCall(&conn{server: s, fd: &fdconn.Conn{}, caller: export.Caller{UID: 12, GID: 34}}, m, func() {})
	c.leave()
	c.dir = "/where"
	env, err := s.environ(p, c)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for _, e := range env {
		name, value, ok := strings.Cut(e, "=")
		if _, twice := got[name]; twice || !ok {
			t.Errorf("%q stands twice, or is none", e)
		}
		got[name] = value
	}
	return got, nil
}

// everything is a procedure that admits what --all-commands does.
func everything(t *testing.T, path string) *export.Procedure {
	t.Helper()
	p, err := export.Commands("/usr/bin:/bin").Lookup(path, export.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEnviron(t *testing.T) {
	for name, value := range map[string]string{
		"MINE": "own", "OVER": "own", "PWD": "/elsewhere", "OLDPWD": "/old",
		"RPC_DIR": "/run", "RPCD_MODE": "0660", "RPC_LABEL": "ours",
		"NOTIFY_SOCKET": "/n", "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_PIDFDID": "1",
		"WATCHDOG_USEC": "1", "SYSTEMD_EXEC_PID": "1",
	} {
		t.Setenv(name, value)
	}
	p := everything(t, "true")
	p.Set = []string{"SET=1", "OVER=set", "SET=2", "EMPTY="}
	got, err := environOf(t, p, &wire.Call{Procedure: "true", Label: "l", Env: []string{"OVER=caller", "NEW=a=b\xff", "NEW=last"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"MINE": "own", "OVER": "caller", "SET": "2", "EMPTY": "", "NEW": "last", "PWD": "/where",
		"RPC_CALL_ID": "1", "RPC_WORKER": "hugin", "RPC_PROCEDURE": "true", "RPC_LABEL": "l",
		"RPC_CALLER_UID": "12", "RPC_CALLER_GID": "34",
	}
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s=%q (%v), want %q", name, v, ok, value)
		}
	}
	for _, name := range []string{"OLDPWD", "RPC_DIR", "RPCD_MODE", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "WATCHDOG_USEC", "SYSTEMD_EXEC_PID"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s=%q reaches the procedure", name, v)
		}
	}
	if got["PATH"] == "" {
		t.Error("rpcd's own PATH is missing")
	}
}

// fault: 67
func TestEnvironRefuses(t *testing.T) {
	for _, entry := range []string{"PATH=/tmp", "LD_PRELOAD=x", "RPC_CALLER_UID=0", "BASH_ENV=x", "IFS=x", "BASH_FUNC_ls%%=x"} {
		_, err := environOf(t, everything(t, "true"), &wire.Call{Procedure: "true", Env: []string{entry}})
		name, _, _ := strings.Cut(entry, "=")
		if code(err) != wire.Denied || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v; want denied, by its name", entry, err)
		}
	}
	// A procedure without an env file admits nothing, and says which file would.
	p := &export.Procedure{Name: "nona", Path: "/exports/nona"}
	if _, err := environOf(t, p, &wire.Call{Procedure: "nona", Env: []string{"LANG=C"}}); code(err) != wire.Denied || !strings.Contains(err.Error(), "/exports/nona/env") {
		t.Errorf("%v", err)
	}
}
