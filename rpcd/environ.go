package rpcd

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// own are rpcd's variables that are about rpcd itself, or about where it was
// started, and don't reach a procedure.
func own(name string) bool {
	switch name {
	case "PWD", "OLDPWD", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "SYSTEMD_EXEC_PID":
		return true
	}
	return strings.HasPrefix(name, "RPC_") || strings.HasPrefix(name, "RPCD_")
}

// environ builds a procedure's environment: rpcd's own, what its env file
// sets, what the caller asked for and the file admits, and what the call is.
// The last of a name counts.
func (s *Server) environ(p *export.Procedure, c *call) ([]string, error) {
	var env []string
	at := map[string]int{}
	set := func(entry string) {
		name, _, _ := strings.Cut(entry, "=")
		if i, ok := at[name]; ok {
			env[i] = entry
			return
		}
		at[name] = len(env)
		env = append(env, entry)
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !own(name) {
			set(entry)
		}
	}
	for _, entry := range p.Set {
		set(entry)
	}
	for _, entry := range c.Env {
		name, _, _ := strings.Cut(entry, "=")
		if !p.AdmitEnv(name) {
			return nil, &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("doesn't admit the variable %q for %q: what would admit it is %s", name, p.Name, p.EnvFile())}
		}
		set(entry)
	}
	set("RPC_CALL_ID=" + c.id)
	set("RPC_WORKER=" + s.Name)
	set("RPC_PROCEDURE=" + p.Name)
	set("RPC_LABEL=" + c.Label)
	set(fmt.Sprintf("RPC_CALLER_UID=%d", c.conn.caller.UID))
	set(fmt.Sprintf("RPC_CALLER_GID=%d", c.conn.caller.GID))
	if !slices.ContainsFunc(c.Env, func(e string) bool { return strings.HasPrefix(e, "PWD=") }) {
		set("PWD=" + c.dir)
	}
	return env, nil
}
