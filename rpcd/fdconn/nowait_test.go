package fdconn

import (
	"bytes"
	"io"
	"testing"
	"time"

	"rpcd/internal/testkit"
)

// TrySend sends whole or not at all, and doesn't wait for a reader.
func TestTrySend(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	word := []byte("123456789")
	sent := 0
	testkit.Within(t, "a full socket", func() {
		for a.TrySend(word) {
			sent++
		}
	})
	got := make([]byte, sent*len(word))
	if _, err := io.ReadFull(b, got); err != nil || sent == 0 {
		t.Fatalf("%d words, %v", sent, err)
	}
	if !a.TrySend(word) {
		t.Error("there is room again, and nothing is sent")
	}
	a.Close()
	if a.TrySend(word) {
		t.Error("a closed connection sends")
	}
}

// What TrySend can't write whole comes whole nevertheless, ahead of what follows.
func TestTrySendOfMuch(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	if err := b.SetDeadline(time.Now().Add(testkit.Limit)); err != nil {
		t.Fatal(err)
	}
	much := bytes.Repeat([]byte("12345678"), 1<<20)
	if !a.TrySend(much) {
		t.Fatal("an empty socket takes nothing")
	}
	if a.TrySend([]byte("x")) {
		t.Error("something was written into the middle")
	}
	behind := make(chan error, 1)
	go func() { behind <- a.WriteFrame([]byte("behind")) }()
	got := make([]byte, len(much)+len("behind"))
	if _, err := io.ReadFull(b, got); err != nil || <-behind != nil || !bytes.Equal(got, append(much, "behind"...)) {
		t.Errorf("something else came: %v", err)
	}
}

// EndInput ends reads behind what has come, though the other end is open in another
// process, and that end's writes fail.
func TestEndInput(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	if err := b.WriteFrame([]byte("last")); err != nil {
		t.Fatal(err)
	}
	a.EndInput()
	testkit.Within(t, "the end", func() {
		if got, err := io.ReadAll(a); string(got) != "last" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	if err := b.WriteFrame([]byte("x")); err == nil {
		t.Error("the other end still writes")
	}
}
