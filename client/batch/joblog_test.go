package batch

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// fault: 173
func TestJoblog(t *testing.T) {
	w, _ := newWorld(t, "a")
	log := w.dir + "/log"
	fresh := func() *Map {
		m := sh(`echo $1; echo $1 >>ran; [ -e go ] || [ $1 != 3 ]`)
		m.Joblog, m.Jobs, m.Dir = log, 1, w.dir
		return m
	}
	m := fresh()
	m.Halt = HaltSoon
	o := do(t, m, lines(5))
	if o.err == nil || o.sum.Failed != 1 {
		t.Errorf("%+v", o)
	}
	lines3 := regexp.MustCompile(`^` + regexp.QuoteMeta(joblogHeader) +
		`1\ta\t\d+\.\d{3}\t +\d+\.\d{3}\t0\t2\t0\t0\tsh -c '.*' sh 1\n` + `2\ta\t.*\n3\ta\t.*\t0\t2\t1\t0\tsh .* 3\n$`)
	if got := w.read("log"); !lines3.MatchString(got) {
		t.Errorf("%q", got)
	}
	// A line that was cut off when its run was killed isn't one.
	if err := os.WriteFile(log, []byte(w.read("log")+"4\ta\t17"), 0o644); err != nil {
		t.Fatal(err)
	}
	m = fresh()
	m.Resume = true
	do(t, m, lines(5)).want(t, "4\n5\n", 2, 0, "")
	if w.read("ran") != lines(5) || strings.Count(w.read("log"), "\n") != 6 {
		t.Errorf("%q, %q", w.read("ran"), w.read("log"))
	}
	// All is done.
	m = fresh()
	m.Resume = true
	do(t, m, lines(5)).want(t, "", 0, 0, "")
	// Another run's log, and a file that is none.
	m = fresh()
	m.Resume = true
	do(t, m, "x\n").want(t, "", 0, 0, "its job 1 isn't")
	for _, bad := range []string{"hello\n", joblogHeader + "x\n", joblogHeader + "1\t2\n"} {
		if err := os.WriteFile(log, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		m = fresh()
		m.Resume = true
		do(t, m, lines(5)).want(t, "", 0, 0, "none of a log of jobs")
	}
	// Without Resume the log begins anew, and records on stdin are counted.
	m = &Map{Procedure: "cat", Joblog: log}
	do(t, m, "ab\nc").want(t, "ab\nc", 2, 0, "")
	if got := w.read("log"); !regexp.MustCompile(`\n1\ta\t.*\t3\t3\t0\t0\tcat\n2\ta\t.*\t1\t1\t0\t0\tcat\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
}

func TestCommandOfJob(t *testing.T) {
	r := &run{Map: &Map{Procedure: "p"}}
	for word, want := range map[string]string{"a": "p a", "": "p ''", "a b": "p 'a b'", "it's": `p 'it'\''s'`, "a\nb": "p 'a\x00b'", "$x": "p '$x'"} {
		if got := r.command(&job{args: []string{word}}); got != want {
			t.Errorf("%q: %q", word, got)
		}
	}
}
