package journal

import (
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

// End gives what a log's line says of a call's end: how it ended, what it took, and
// how many bytes of its streams were relayed, by relayed.
func End(e *wire.Exit, took time.Duration, relayed func() (in, out int64)) (words []any) {
	switch status := unix.WaitStatus(e.Status); {
	case e.Text != "":
		words = append(words, "why", printable.Escaped(e.Text))
	case status.Signaled():
		words = append(words, "signal", unix.SignalName(status.Signal()))
	default:
		words = append(words, "status", status.ExitStatus())
	}
	words = append(words, "seconds", Seconds(took), "user", Seconds(e.User), "system", Seconds(e.System))
	if e.MaxRSS > 0 {
		words = append(words, "max_rss_kb", e.MaxRSS)
	}
	if in, out := relayed(); in+out > 0 {
		words = append(words, "in", in, "out", out)
	}
	return words
}
