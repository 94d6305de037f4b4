package main_test

import (
	"os"
	"testing"

	"rpcd/internal/testbin"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main(m)) }

func TestScripts(t *testing.T) { testbin.Scripts(t) }
