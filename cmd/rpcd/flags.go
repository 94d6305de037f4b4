package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// visit goes over the flags of c.
func visit(c *cobra.Command, each func(name string, given bool, set func(string) error)) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		each(f.Name, f.Changed, func(v string) error { return c.Flags().Set(f.Name, v) })
	})
}
