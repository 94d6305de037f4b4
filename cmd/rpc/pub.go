package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcd/client"
	"rpcd/client/record"
	"rpcd/internal/commandline"
	"rpcd/rpcd/duration"
)

// topicOptions are the options of pub and sub as they were written.
type topicOptions struct {
	framing, label  string
	null            bool
	wait, heartbeat duration.Value
}

func (o *topicOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.framing, "framing", "lines", "how records end: `FORM` is lines, nul, u32 or npy")
	f.BoolVarP(&o.null, "null", "0", false, "the same as --framing nul")
	f.Var(&o.wait, "wait", "how long to try a worker that is down or draining [RPC_WAIT]")
	f.StringVar(&o.label, "label", "", "`TEXT` shown in the worker's log")
	f.Var(&o.heartbeat, "heartbeat", "bridged: how soon a dead other side is noticed")
	f.Lookup("heartbeat").DefValue = "30s"
	f.Lookup("wait").DefValue = ""
	_ = c.RegisterFlagCompletionFunc("framing", framingWords)
	_ = c.RegisterFlagCompletionFunc("label", commandline.Nothing)
}

var framingWords = commandline.Words("lines", "nul", "u32\tlength first", "npy\tNumPy arrays")

// read gives the framing, and the options for package client.
func (o *topicOptions) read(f *pflag.FlagSet) (record.Framing, client.TopicOptions, error) {
	framing, err := record.ParseFraming(o.framing)
	switch {
	case err != nil:
		return 0, client.TopicOptions{}, fmt.Errorf("cannot use --framing %q: %w", o.framing, err)
	case o.null && f.Changed("framing") && framing != record.NUL:
		return 0, client.TopicOptions{}, fmt.Errorf("cannot use -0 with --framing %s: say one", o.framing)
	case o.null:
		framing = record.NUL
	}
	if wait := os.Getenv("RPC_WAIT"); wait != "" && !f.Changed("wait") {
		if err := o.wait.Set(wait); err != nil {
			return 0, client.TopicOptions{}, fmt.Errorf("cannot use RPC_WAIT=%q: %w", wait, err)
		}
	}
	return framing, client.TopicOptions{Label: o.label, RetryFor: time.Duration(o.wait), Heartbeat: time.Duration(o.heartbeat)}, nil
}

// topicWords gives the worker and the topic.
func topicWords(c *cobra.Command, args []string) (worker, topic string, err error) {
	if len(args) != 2 {
		what := "no topic named"
		switch {
		case len(args) == 0:
			what = "no worker named"
		case len(args) > 2:
			what = fmt.Sprintf("too many words: %q", args[2])
		}
		return "", "", &exitError{statusOwnFailure, fmt.Errorf("%s: rpc %s (see rpc %s --help)", what, c.Use, c.Name())}
	}
	return args[0], args[1], nil
}

// topicError gives an error the status that a call with it has.
func topicError(err error, wait duration.Value) error {
	p := mayWait
	if wait > 0 {
		p = waited
	}
	var failed *client.Error
	if err = adviseWorker(err, nil, p); errors.As(err, &failed) && statuses[failed.Outcome] != 0 {
		return &exitError{statuses[failed.Outcome], err}
	}
	return &exitError{statusOwnFailure, err}
}

func pubCommand() *cobra.Command {
	o := &topicOptions{}
	var subscribers int
	c := &cobra.Command{
		Use:   "pub [OPTION...] WORKER TOPIC",
		Short: "publish the records of stdin to a topic",
		Long: `Publish the records of stdin to a topic of a worker. Each of its subscribers
gets all of them, in order; what a slow one suffers is the topic's policy (rpcd
help exports). Records are lines, NUL-ended (-0), behind a length of 4
big-endian bytes (u32), or NumPy arrays as np.save writes them (npy). Those of
64 KiB and more lie in memory that is shared with the subscribers of this host.

rpc pub ends when the worker has all records. Half a record at the end is an
error.`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTopic,
		RunE: func(c *cobra.Command, args []string) error {
			worker, topic, err := topicWords(c, args)
			if err != nil {
				return err
			}
			framing, options, err := o.read(c.Flags())
			if err == nil && subscribers < 0 {
				err = fmt.Errorf("cannot use --subscribers %d: it is 0 or more", subscribers)
			}
			if err != nil {
				return &exitError{statusOwnFailure, err}
			}
			options.Subscribers = subscribers
			return topicErrorOrNil(publish(worker, topic, framing, options), o.wait)
		},
	}
	o.flags(c)
	c.Flags().IntVar(&subscribers, "subscribers", 0, "begin when `N` subscribers are there")
	_ = c.RegisterFlagCompletionFunc("subscribers", commandline.Nothing)
	return c
}

func topicErrorOrNil(err error, wait duration.Value) error {
	if err == nil {
		return nil
	}
	return topicError(err, wait)
}

// publish sends the records of stdin. It ends with them, or when the worker ends the
// topic.
func publish(worker, topic string, framing record.Framing, o client.TopicOptions) error {
	p, err := client.Publish(context.Background(), worker, topic, o)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() { sent <- publishAll(p, framing) }()
	select {
	case err := <-sent:
		return err
	case <-p.Done(): // with the worker, while stdin may say nothing for a long time
		if err := p.Flush(); err != nil {
			return err
		}
		return <-sent
	}
}

// publishAll sends the records of stdin, and ends.
func publishAll(p *client.Publisher, framing record.Framing) error {
	records := record.NewReader(os.Stdin, framing)
	for {
		r, err := records.Next()
		if err == io.EOF {
			return p.Close()
		}
		if err == nil {
			err = publishOne(p, r)
		} else {
			err = errors.Join(p.Close(), err)
		}
		if err != nil {
			return err
		}
	}
}

// publishOne sends a record. A large one is read straight into the memory that is
// shared.
func publishOne(p *client.Publisher, r *record.Record) error {
	defer r.Close()
	if !r.Large() {
		return p.Send(r.Data)
	}
	f, err := r.File("")
	if err != nil {
		return err
	}
	defer f.Close()
	if r.Size > math.MaxInt {
		return fmt.Errorf("cannot publish %d bytes: no memory is as large", r.Size)
	}
	place, err := p.Next(int(r.Size))
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(f, place.Bytes); err != nil {
		place.Drop()
		return err
	}
	return place.Send(int(r.Size))
}
