package main

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd"
	"rpcd/rpcd/child"
)

// statusPause is the least time between two status texts.
const statusPause = time.Second

// manager tells the service manager how rpcd is (sd_notify(3)). Without one
// (NOTIFY_SOCKET) it says nothing. It is the only goroutine that speaks, so a
// manager that doesn't listen never holds up a call.
type manager struct {
	server   *rpcd.Server
	log      hclog.Logger
	watchdog time.Duration // how often it wants to hear from us; 0: never
	stop     chan string   // what to say at the drain
	stopping chan struct{} // closed: said
	draining bool
	status   string // the last one said
}

// speakTo begins: calls are accepted now.
func speakTo(server *rpcd.Server, log hclog.Logger) *manager {
	m := &manager{server: server, log: log, stop: make(chan string, 1), stopping: make(chan struct{})}
	var err error
	if m.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("no watchdog", "error", err)
	}
	if m.say(daemon.SdNotifyReady + "\n" + m.news()) {
		go m.speak()
	} else {
		close(m.stopping)
	}
	return m
}

// say reports whether there is a manager.
func (m *manager) say(what string) bool {
	sent, err := daemon.SdNotify(false, what)
	if err != nil {
		m.log.Warn("cannot tell the service manager", "what", what, "error", err)
		return true
	}
	return sent
}

func (m *manager) speak() {
	status := time.NewTicker(statusPause)
	defer status.Stop()
	var watchdog <-chan time.Time
	if m.watchdog > 0 {
		t := time.NewTicker(m.watchdog / 2)
		defer t.Stop()
		watchdog = t.C
	}
	for {
		select {
		case <-status.C:
			if news := m.news(); news != "" {
				m.say(news)
			}
		case <-watchdog:
			// Too late is as good as never: the manager bites.
			if err := answers(m.server.ServeConn, child.Starting, m.watchdog/2); err != nil {
				m.log.Error("no answer from myself, nothing for the watchdog", "error", err)
				continue
			}
			m.say(daemon.SdNotifyWatchdog)
		case last := <-m.stop:
			m.draining = true
			m.say(last + "\n" + m.news())
			close(m.stopping)
		}
	}
}

// news gives, if it has changed, what `systemctl status` shows.
func (m *manager) news() string {
	load := m.server.Load()
	state := "serving"
	if m.draining {
		state = "draining"
	}
	text := fmt.Sprintf("STATUS=%s %s: %d of %d calls running, %d of %d waiting",
		state, m.server.Name, load.Running, load.MaxCalls, load.Waiting, load.MaxQueue)
	if text == m.status {
		return ""
	}
	m.status = text
	return text
}

// drains says that rpcd stops, and how long that may take: so TimeoutStopSec
// needs no raising for a long --drain (EXTEND_TIMEOUT_USEC). It returns when
// that is said, or can't be.
func (m *manager) drains(atMost time.Duration) {
	m.stop <- fmt.Sprintf("%s\nEXTEND_TIMEOUT_USEC=%d", daemon.SdNotifyStopping, atMost.Microseconds())
	select {
	case <-m.stopping:
	case <-time.After(statusPause):
	}
}
