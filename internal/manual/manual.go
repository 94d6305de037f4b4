// Package manual holds the texts that rpc and rpcd show as help, and that are pages
// in docs/, too: `go generate ./internal/docs` writes those. It knows no command.
//
// A text is made to be read as it is. A line at the margin is a heading, lines
// indented by two are paragraphs, and lines indented by four are a table, whose
// first line says where its columns begin. A line of a table that begins in a later
// column goes on with the line above.
package manual

import _ "embed" // for the texts

// Exports is the reference of the exports directory.
//
//go:embed exports.txt
var Exports string
