package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rpcd/internal/testkit"
	"rpcd/rpcd"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

func quick() time.Duration { return 0 }

// fault: 100
func TestAnswers(t *testing.T) {
	server, err := rpcd.New(rpcd.Config{Name: "w", MaxCalls: 1, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	if err := answers(server.ServeConn, quick, testkit.Limit); err != nil {
		t.Errorf("a healthy server: %v", err)
	}
	refuses := func(c *fdconn.Conn) {
		defer c.Close()
		_ = c.WriteFrame((&wire.Refused{Code: wire.Busy, Text: "is busy"}).Append())
	}
	if err := answers(refuses, quick, testkit.Limit); err != nil {
		t.Errorf("a refusal: %v", err)
	}
	if err := answers(refuses, func() time.Duration { return testkit.Limit + 1 }, testkit.Limit); err == nil {
		t.Error("a start that hangs goes unnoticed")
	}
}

func TestNoAnswer(t *testing.T) {
	forEver := make(chan struct{})
	defer close(forEver)
	stuck := func(c *fdconn.Conn) { <-forEver; c.Close() }
	if err := answers(stuck, quick, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a server that is stuck: %v, want os.ErrDeadlineExceeded", err)
	}
	half := func(c *fdconn.Conn) {
		_ = c.WriteFrame(wire.Question(wire.TypePong)[:wire.HeaderLen-1])
		<-forEver
		c.Close()
	}
	if err := answers(half, quick, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half an answer: %v, want os.ErrDeadlineExceeded", err)
	}
	if err := answers(func(c *fdconn.Conn) { c.Close() }, quick, testkit.Limit); err == nil {
		t.Error("a connection that is closed counts as an answer")
	}
	nonsense := func(c *fdconn.Conn) { defer c.Close(); _ = c.WriteFrame(wire.Question(wire.TypePing)) }
	if err := answers(nonsense, quick, testkit.Limit); err == nil {
		t.Error("a frame that is no answer counts as one")
	}
}

func TestNameOfSocket(t *testing.T) {
	for path, want := range map[string]string{
		"/run/rpc/hugin/0f3c.sock": "hugin",
		"/run/rpc/hugin.sock":      "hugin",
		"/srv/w.sock":              "w",
		"/srv/w/x.sock":            "x",
		"w":                        "w",
	} {
		if got := nameOfSocket(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
