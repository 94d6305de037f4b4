package main_test

import (
	"testing"

	"rpcd/internal/testbin"
)

func TestScripts(t *testing.T) { testbin.Scripts(t) }
