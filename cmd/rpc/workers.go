package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"rpcd/client"
)

// answerTime is how long the verbs wait for each worker. They ask all workers
// side by side.
const answerTime = time.Second

// namedOrAll gives the named workers, or all in RPC_DIR when none is named.
func namedOrAll(workers []string) ([]string, error) {
	if len(workers) > 0 {
		return workers, nil
	}
	workers, err := client.Workers()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list workers: %q does not exist (mount the workers' volumes there, or set RPC_DIR)", client.Dir())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list workers: %w", err)
	}
	return workers, nil
}

// upWorkers are the workers that answer, for completion.
func upWorkers() []string {
	rows, err := askRows(nil)
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range rows {
		if r.State == "up" {
			names = append(names, r.Worker)
		}
	}
	return names
}
