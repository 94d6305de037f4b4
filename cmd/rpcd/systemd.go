package main

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd"
)

// statusPause is the least time between two status texts. It also bounds how
// long a drain waits for the manager to take that rpcd stops.
const statusPause = time.Second

// notifier tells the service manager how rpcd is (sd_notify(3)). Without a
// manager (NOTIFY_SOCKET) it sends nothing. One goroutine sends everything, so
// that a manager that doesn't read never holds up a call.
type notifier struct {
	server   *rpcd.Server
	log      hclog.Logger
	watchdog time.Duration // the manager's bound on silence; 0: none
	stop     chan string   // what to send at the drain
	stopped  chan struct{} // closed: that was sent, or there is no manager
	draining bool
	status   string // the last one sent
}

// notifySystemd says that rpcd is ready, and goes on to send its status. Calls
// must be accepted by now.
func notifySystemd(server *rpcd.Server, log hclog.Logger) *notifier {
	n := &notifier{server: server, log: log, stop: make(chan string, 1), stopped: make(chan struct{})}
	var err error
	if n.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("no watchdog", "error", err)
	}
	if n.send(daemon.SdNotifyReady + "\n" + n.newStatus()) {
		go n.run()
	} else {
		close(n.stopped)
	}
	return n
}

// send says whether there is a manager.
func (n *notifier) send(state string) bool {
	sent, err := daemon.SdNotify(false, state)
	if err != nil {
		n.log.Warn("cannot tell the service manager", "what", state, "error", err)
		return true
	}
	return sent
}

func (n *notifier) run() {
	status := time.NewTicker(statusPause)
	defer status.Stop()
	var watchdog <-chan time.Time
	if n.watchdog > 0 {
		t := time.NewTicker(n.watchdog / 2) // as sd_watchdog_enabled(3) advises
		defer t.Stop()
		watchdog = t.C
	}
	for {
		select {
		case <-status.C:
			if s := n.newStatus(); s != "" {
				n.send(s)
			}
		case <-watchdog:
			// A slower answer would come after the manager has ended us.
			if err := answers(n.server.ServeConn, n.watchdog/2); err != nil {
				n.log.Error("no answer from myself, nothing for the watchdog", "error", err)
				continue
			}
			n.send(daemon.SdNotifyWatchdog)
		case state := <-n.stop:
			n.draining = true
			n.send(state + "\n" + n.newStatus())
			close(n.stopped)
		}
	}
}

// newStatus gives what `systemctl status` shows, or "" where it hasn't changed.
func (n *notifier) newStatus() string {
	load := n.server.Load()
	state := "serving"
	if n.draining {
		state = "draining"
	}
	text := fmt.Sprintf("STATUS=%s %s: %d of %d calls running, %d of %d waiting",
		state, n.server.Name, load.Running, load.MaxCalls, load.Waiting, load.MaxQueue)
	if text == n.status {
		return ""
	}
	n.status = text
	return text
}

// stopping says that rpcd stops, and for how long that may go on: by
// EXTEND_TIMEOUT_USEC a long --drain needs no longer TimeoutStopSec. It returns
// when that is sent, or after statusPause.
func (n *notifier) stopping(atMost time.Duration) {
	n.stop <- fmt.Sprintf("%s\nEXTEND_TIMEOUT_USEC=%d", daemon.SdNotifyStopping, atMost.Microseconds())
	select {
	case <-n.stopped:
	case <-time.After(statusPause):
	}
}
