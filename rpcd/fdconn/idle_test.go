package fdconn

import (
	"errors"
	"os"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// A Read that is about to begin doesn't put the time limit of SetIdle, which its
// caller has chosen, in the place of one that was set just now.
// fault: 97
func TestDeadlineAfterIdle(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	for range 2000 {
		a.SetIdle(time.Hour)
		began, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() { // what Read does before it waits
			defer close(stopped)
			close(began)
			for {
				select {
				case <-stop:
					return
				default:
					_ = a.arm()
				}
			}
		}()
		<-began
		a.SetIdle(0)
		_ = a.SetDeadline(time.Unix(1, 0))
		close(stop)
		<-stopped
		testkit.Within(t, "a read that is too late", func() {
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		_ = a.SetDeadline(time.Time{})
	}
}
