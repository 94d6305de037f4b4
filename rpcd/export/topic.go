package export

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rpcd/rpcd/export/internal/display"
)

// maxDepth is how many records may wait for one subscriber.
const maxDepth = 65536

// ofTopics are the files that a topic's folder may have.
var ofTopics = []string{"allow", "publish", "summary", "topic"}

// parse reads the file topic: block, drop-oldest N or drop-newest N on a line, and
// retain on another. An empty file is block.
func (t *Topic) parse(text string) (faults []fault) {
	policies := 0
	for n, line := range lines(text) {
		if comment(line) {
			continue
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 1 && words[0] == "retain":
			t.Retain = true
			continue
		case len(words) == 1 && words[0] == "block":
		case len(words) == 2 && (words[0] == "drop-oldest" || words[0] == "drop-newest"):
			depth, err := strconv.ParseUint(words[1], 10, 32)
			if err != nil || depth < 1 || depth > maxDepth {
				faults = append(faults, fault{at(n) + "needs a number from 1 to " + strconv.Itoa(maxDepth) + ": " + display.Quote(words[1]), "write one"})
			}
			if words[0] == "drop-oldest" {
				t.DropOldest = int(depth)
			} else {
				t.DropNewest = int(depth)
			}
		default:
			faults = append(faults, fault{at(n) + "is no policy: " + display.Quote(line), "write block, drop-oldest N or drop-newest N, and retain on another line"})
			continue
		}
		if policies++; policies > 1 {
			faults = append(faults, fault{at(n) + "is a second policy", "let one line say it"})
		}
	}
	return faults
}

// Topic finds a topic that the caller may subscribe to, or publish to.
func (d *Dir) Topic(name string, c Caller, publish bool) (*Procedure, error) {
	p, err := d.entry(name, c, true)
	if err != nil {
		return nil, err
	}
	if publish && p.Topic.HasPublish && !p.Topic.Publish.Admit(c) {
		e := denied(p, c)
		e.File, e.Topic = filepath.Join(p.folder, "publish"), true
		return nil, e
	}
	return p, nil
}

// otherKind refuses a topic that is to be called, or a procedure that is to be used as
// a topic.
func otherKind(p *Procedure) *Error {
	if p.Topic != nil {
		return &Error{Reason: Denied, Name: p.Name, What: "it is a topic", Cure: "rpc sub WORKER " + display.ShellWord(p.Name) + ", or rpc pub"}
	}
	return &Error{Reason: Denied, Name: p.Name, Topic: true, What: "it is a procedure", Cure: "rpc WORKER " + display.ShellWord(p.Name)}
}

// checkTopic gives what a topic's folder has and no topic can have, or lacks.
func checkTopic(dir string, names []string) (problems problemList) {
	if !slices.Contains(names, "topic") {
		if slices.Contains(names, "publish") {
			problems.note(&Problem{NotExecutable, dir, "has no file named topic",
				"put it there, or remove publish: echo block >" + display.ShellWord(filepath.Join(dir, "topic"))})
		}
		return problems
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch {
		case name == "run":
			problems.note(&Problem{NotExecutable, path, "stands beside a file topic", "remove one of them: a procedure runs, and a topic doesn't"})
		case !slices.Contains(ofTopics, name) && ruleFiles[name] != nil:
			problems.note(&Problem{Denied, path, "is no file that a topic's folder has", "remove it; known are " + strings.Join(ofTopics, ", ")})
		}
	}
	return problems
}
