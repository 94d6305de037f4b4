package main

import (
	"github.com/hashicorp/go-hclog"

	"rpcd/rpcd/fdconn"
)

// watchFiles warns when somebody removes or replaces the file of a socket: rpcd
// can't put its socket back there, and nobody finds it any more. stop ends that,
// before rpcd removes the file itself.
func watchFiles(listeners []*fdconn.Listener, log hclog.Logger) (stop func()) {
	var watches []*fdconn.Watch
	for _, l := range listeners {
		w, err := l.Watch()
		if err != nil {
			log.Debug("nobody will be told when the socket's file goes", "why", err)
			continue
		}
		watches = append(watches, w)
		go func() {
			for {
				here, err := w.Next()
				switch {
				case err != nil:
					return
				case here:
					log.Info("the socket's file is back", "socket", l.Path())
				default:
					log.Warn("the socket's file was removed or replaced: no caller finds this rpcd (start it again)", "socket", l.Path())
				}
			}
		}()
	}
	return func() {
		for _, w := range watches {
			_ = w.Close()
		}
	}
}
