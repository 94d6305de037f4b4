package rpcd

import (
	"testing"
	"time"

	"rpcd/rpcd/wire"
)

// A first frame may take 5 s, as on a slow machine that starts everything at the
// same time.
// fault: 25
func TestSlowFirstFrame(t *testing.T) {
	t.Parallel()
	d := converse(t, "any")
	ping := wire.Question(wire.TypePing)
	half := len(ping) / 2
	d.send(ping[:half])
	time.Sleep(5 * time.Second)
	d.send(ping[half:])
	d.want(wire.TypePong)
}
