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

// fault: 100
func TestAnswers(t *testing.T) {
	server, err := rpcd.New(rpcd.Config{Name: "w", MaxCalls: 1, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	if err := answers(server.ServeConn, testkit.Limit); err != nil {
		t.Errorf("a healthy server: %v", err)
	}
	refuses := func(c *fdconn.Conn) {
		defer c.Close()
		_ = c.WriteFrame((&wire.Refused{Code: wire.Busy, Text: "is busy"}).Append())
	}
	if err := answers(refuses, testkit.Limit); err != nil {
		t.Errorf("a refusal: %v", err)
	}
}

func TestNoAnswer(t *testing.T) {
	forEver := make(chan struct{})
	defer close(forEver)
	stuck := func(c *fdconn.Conn) { <-forEver; c.Close() }
	if err := answers(stuck, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a server that is stuck: %v, want os.ErrDeadlineExceeded", err)
	}
	half := func(c *fdconn.Conn) {
		_ = c.WriteFrame(wire.Question(wire.TypePong)[:wire.HeaderLen-1])
		<-forEver
		c.Close()
	}
	if err := answers(half, 20*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("half an answer: %v, want os.ErrDeadlineExceeded", err)
	}
	if err := answers(func(c *fdconn.Conn) { c.Close() }, testkit.Limit); err == nil {
		t.Error("a connection that is closed counts as an answer")
	}
	nonsense := func(c *fdconn.Conn) { defer c.Close(); _ = c.WriteFrame(wire.Question(wire.TypePing)) }
	if err := answers(nonsense, testkit.Limit); err == nil {
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
