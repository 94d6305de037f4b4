// Package batch turns records into calls, over all replicas of a worker: `rpc map`,
// for Go programs too.
//
//	m := &batch.Map{Worker: "fft", Procedure: "fft2d", Args: []string{"{}"}, Stdin: os.Stdin, Stdout: os.Stdout}
//	sum, err := m.Run(ctx)
//
// It stands on package client, of which each call is a Cmd: so client can't hold it.
// One record is one call. A result counts when its status came; what is lost before
// that may run once more. How much is held at once doesn't depend on how many records
// there are, nor on how slow one is.
package batch
