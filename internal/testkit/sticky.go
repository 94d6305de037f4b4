package testkit

import (
	"testing"

	"rpcd/internal/stubborn"
)

// Sticky makes a descriptor whose last close waits for an hour, or until the test
// ends. The caller owns it.
func Sticky(t testing.TB) int {
	t.Helper()
	fd, other, err := stubborn.Sticky()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return fd
}
