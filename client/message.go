package client

import (
	"strings"

	"rpcd/client/internal/caller"
	"rpcd/rpcd/wire"
)

// message builds the call's first frame.
func (c *Cmd) message(std *stdio) (*wire.Call, error) {
	env := caller.Environ(c.Env)
	if err := c.checkWords(env); err != nil {
		return nil, err
	}
	mask := c.Umask
	if mask == nil {
		m := caller.Umask()
		mask = &m
	}
	where, err := caller.Directory(c.Dir)
	if err != nil && c.Dir != "" {
		return nil, fail(ErrNoDirectory, c.Worker, false, err, "cannot call %s in %.50q: %v", c.Worker, c.Dir, err)
	}
	flags := uint16(wire.CallConfirm)
	if c.Verbose != nil || c.RetryFor > 0 { // one that may be sent again tells how far it came
		flags |= wire.CallAnnounce
	}
	if c.Connections != nil {
		flags |= wire.CallKeep
	}
	var terminal *wire.Terminal
	if c.terminal != nil {
		terminal = &c.terminal.Terminal
	}
	return &wire.Call{
		Flags:     flags,
		Procedure: c.Procedure,
		Args:      c.Args,
		Env:       env,
		Dir:       where.Dir,
		Logical:   where.Logical,
		Umask:     *mask,
		Label:     c.Label,
		Streams:   std.streams,
		Timeout:   c.Timeout,
		Heartbeat: c.Heartbeat,
		Terminal:  terminal,
	}, nil
}

// checkWords refuses what no worker would take.
func (c *Cmd) checkWords(env []string) error {
	if c.Procedure == "" {
		return fail(ErrUsage, c.Worker, false, nil, "no procedure named")
	}
	if err := wire.CheckProcedure(c.Procedure); err != nil {
		return fail(ErrUnknown, c.Worker, false, err, "%s has no procedure %.50q...: %v", c.Worker, c.Procedure, err)
	}
	if err := wire.CheckWords(len(c.Args) + len(env)); err != nil {
		return fail(ErrTooLong, c.Worker, false, err, "cannot call %s: %v (send more by stdin or by a file)", c.Worker, err)
	}
	size := 0
	for _, list := range [][]string{{c.Procedure, c.Label, c.Dir}, c.Args, env} {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return fail(ErrUsage, c.Worker, false, nil, "cannot send %.50q: a NUL byte ends an argument, a name or a variable", s)
			}
			size += len(s) + 6
		}
	}
	for _, e := range env {
		if strings.HasPrefix(e, "=") {
			return fail(ErrUsage, c.Worker, false, nil, "cannot send the variable %.50q: it has no name", e)
		}
	}
	if size > maxArguments {
		return fail(ErrTooLong, c.Worker, false, nil, "cannot call %s: argument list too long (%d bytes; the kernel's limit is about 2 MiB, and 131071 bytes an argument: send more by stdin or by a file)", c.Worker, size)
	}
	if len(c.Label) > wire.MaxLabel {
		return fail(ErrUsage, c.Worker, false, nil, "cannot send a label of %d bytes (at most %d)", len(c.Label), wire.MaxLabel)
	}
	return nil
}

// maxArguments is above what a kernel takes (execve(2): 6 MiB at most) and
// below what a frame takes.
const maxArguments = 7 << 20
