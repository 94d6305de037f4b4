package rpcd

import (
	"slices"
	"time"

	"rpcd/internal/printable"
	"rpcd/rpcd/cause"
	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/journal"
	"rpcd/rpcd/wire"
)

// logStart writes a call's first line.
func (c *call) logStart(p *export.Procedure) {
	mode := "direct"
	if c.IsBridged() {
		mode = "bridged"
	}
	words := []any{"call", c.id, "uid", c.caller.UID, "gid", c.caller.GID, "procedure", printable.Escaped(p.Name), "args", len(c.Args), "mode", mode}
	if c.Label != "" {
		words = append(words, "label", printable.Escaped(c.Label))
	}
	if p.LogArgs || c.host.Log.IsDebug() {
		words = append(words, "argv", printable.Words(c.Args))
	}
	c.host.Log.Info("start", words...)
}

// logRefusal writes the one line of a call that doesn't start. Callers that wait
// come again and again, and aren't told of each time.
func (c *call) logRefusal(r *wire.Refused) {
	words := []any{"call", c.id, "uid", c.caller.UID, "gid", c.caller.GID, "procedure", printable.Escaped(c.Procedure), "why", printable.Escaped(r.Text)}
	if r.Code == wire.Busy || r.Code == wire.Draining {
		unsaid, say := c.host.repeats.Say([3]any{c.caller.UID, c.Procedure, r.Code})
		if !say {
			c.host.Log.Debug("refused", words...)
			return
		}
		if unsaid > 0 {
			words = append(words, "again", unsaid)
		}
	}
	c.host.Log.Info("refused", words...)
}

// leftLogger gives a function that tells what a call left and rpcd has ended. The
// call may be over by then, and forgotten.
func (c *call) leftLogger() func(child.Left) {
	log, words := c.host.Log, []any{"call", c.id, "procedure", printable.Escaped(c.Procedure)}
	return func(left child.Left) {
		tell, what := log.Info, "ended what a call left"
		if left.Stuck {
			tell, what = log.Warn, "cannot end what a call left: it is stuck in the kernel"
		}
		tell(what, append(words, "processes", len(left.Names), "names", journal.Names(left.Names))...)
	}
}

// logEnd writes a call's last line.
func (c *call) logEnd(p *export.Procedure, e *closing, took time.Duration) {
	words := slices.Concat([]any{"call", c.id, "procedure", printable.Escaped(p.Name)}, journal.End(e.exit, took, e.streams.Relayed), cause.Words(e.exit.End))
	if e.lost {
		words = append(words, "lost", true)
	}
	c.host.Log.Info("end", words...)
}
