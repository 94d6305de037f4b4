// Package lint is what `rpcd check` finds in an exports directory. It reports what
// package export refuses, and also what a look-up lets pass though the call will
// fail or surprise: the kernel decides about that only when the program starts,
// and then a caller reads the message instead of the operator.
//
// It reads files and asks the kernel about them, and runs nothing.
package lint

import "rpcd/rpcd/export"

// Check gives the procedures that can be called, in the order of their names, and
// every problem of the directory, each once. With a problem of the directory
// itself there are no procedures.
func Check(dir string, o export.Owner) (procedures []*export.Procedure, problems []export.Problem) {
	entries, problems := export.Survey(dir, o)
	usable := len(problems) == 0
	for _, e := range entries {
		problems = append(problems, e.Problems...)
		if e.Procedure == nil {
			continue
		}
		problems = append(problems, advice(e.Procedure, o)...)
		if usable {
			procedures = append(procedures, e.Procedure)
		}
	}
	return procedures, problems
}
