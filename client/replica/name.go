package replica

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/internal/names"
)

// maxShown is how many bytes of a refused name an error shows.
const maxShown = 50

// checkName refuses what can't be a worker: neither a name, nor a path with a
// slash in it.
func checkName(worker string) error {
	why := names.Worker(worker)
	if strings.Contains(worker, "/") && !names.HasControl(worker) {
		why = checkPath(worker)
	}
	if why == nil {
		return nil
	}
	shown := worker
	if len(shown) > maxShown {
		shown = shown[:maxShown] + "..."
	}
	return newError(Usage, worker, nil, "cannot call the worker %q: %v", shown, why)
}

func checkPath(path string) error {
	if len(path) >= unix.PathMax {
		return errors.New("its path is too long")
	}
	return nil
}
