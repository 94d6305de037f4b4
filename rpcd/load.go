package rpcd

import "rpcd/rpcd/wire"

// Load gives how many calls run and wait now, and how many may.
func (s *Server) Load() wire.Load { return s.places.load() }
