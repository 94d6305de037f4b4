package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rpcd/client"
	"rpcd/client/record"
	"rpcd/internal/commandline"
)

func subCommand() *cobra.Command {
	o := &topicOptions{}
	var count uint64
	var untilEnd bool
	c := &cobra.Command{
		Use:   "sub [OPTION...] WORKER TOPIC",
		Short: "write the records of a topic to stdout",
		Long: `Write the records of a topic of a worker to stdout, from now on: what is
published after rpc sub has reached the worker is missed by the topic's policy
alone (rpcd help exports). With retain the last record comes at once. --framing
says how they are written, as for rpc pub: lines and -0 put a newline or a NUL
behind each, u32 its length before it.

Without --count and --until-end it waits for ever. How many records the policy
has dropped is said on stderr at the end.`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTopic,
		RunE: func(c *cobra.Command, args []string) error {
			worker, topic, err := topicWords(c, args)
			if err != nil {
				return err
			}
			framing, options, err := o.read(c.Flags())
			if err == nil && c.Flags().Changed("count") && count == 0 {
				err = errors.New("cannot use --count 0: it is 1 or more")
			}
			if err != nil {
				return &exitError{statusOwnFailure, err}
			}
			s, err := client.Subscribe(context.Background(), worker, topic, options)
			if err == nil {
				err = subscribe(s, framing, count, untilEnd)
				if missed := s.Missed(); missed > 0 {
					fmt.Fprintf(os.Stderr, "rpc: %d records of %q were dropped (its policy is %s)\n", missed, topic, s.Policy())
				}
			}
			return topicErrorOrNil(err, o.wait)
		},
	}
	o.flags(c)
	c.Flags().Uint64Var(&count, "count", 0, "end after `N` records")
	c.Flags().BoolVar(&untilEnd, "until-end", false, "end when the last publisher has")
	_ = c.RegisterFlagCompletionFunc("count", commandline.Nothing)
	return c
}

// subRoom is the room of the output's buffer in bytes. It is written when no record
// waits.
const subRoom = 64 << 10

// subscribe writes records until there were so many (0: any number), or the last
// publisher has ended.
func subscribe(s *client.Subscription, framing record.Framing, count uint64, untilEnd bool) error {
	out := bufio.NewWriterSize(os.Stdout, subRoom)
	for count == 0 || s.Got() < count {
		if !s.Waiting() {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("cannot write the records: %w", err)
			}
		}
		b, err := s.Next()
		switch {
		case errors.Is(err, client.ErrEnded) && untilEnd:
			return flush(out)
		case errors.Is(err, client.ErrEnded):
			continue
		case err != nil:
			return errors.Join(flush(out), err)
		}
		if err := writeRecord(out, framing, b); err != nil {
			return fmt.Errorf("cannot write the records: %w", err)
		}
	}
	return flush(out)
}

func flush(out *bufio.Writer) error {
	if err := out.Flush(); err != nil {
		return fmt.Errorf("cannot write the records: %w", err)
	}
	return nil
}

func writeRecord(out *bufio.Writer, framing record.Framing, b []byte) error {
	if framing == record.U32 {
		if _, err := out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
			return err
		}
	}
	_, err := out.Write(b)
	switch framing {
	case record.Lines:
		err = errors.Join(err, out.WriteByte('\n'))
	case record.NUL:
		err = errors.Join(err, out.WriteByte(0))
	}
	return err
}
