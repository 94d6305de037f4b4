package rpcd

import (
	"errors"
	"os"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// environ gives a procedure's environment for a call, or refuses a variable that
// its caller asked for.
func (s *Server) environ(p *export.Procedure, c *call) ([]string, error) {
	env, err := p.Environ(os.Environ(), &export.Call{
		ID: c.id, Worker: s.Name, Label: c.Label,
		Caller: c.conn.caller, Dir: c.dir, Env: c.Env,
	})
	if refused := (*export.VariableError)(nil); errors.As(err, &refused) {
		return nil, &wire.Refused{Code: wire.Denied, Text: refused.Error()}
	}
	return env, err
}
