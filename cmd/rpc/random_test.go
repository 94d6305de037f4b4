package main_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

var (
	randomSeed  = flag.Uint64("random.seed", 1, "seed of TestRandomScripts")
	randomLines = flag.Int("random.lines", 150, "how many lines TestRandomScripts makes")
)

// randomPrelude gives a line its files, and shows what it has done: outputs,
// status, and the files that are left.
const randomPrelude = `
set -o pipefail
# line NUMBER SINK: runs the text on stdin in a folder of its own.
line() {
  local text n=$1 sink=$2
  text=$(cat)
  rm -rf line && mkdir line && cd line
  mkdir -p sub/deep && ln -s sub/deep link
  printf '1 one\n2 two\n3 three\n' >a
  seq 1 200 >b
  echo deep >sub/c
  : >empty >../out 2>../err
  case $sink in
  file) (n=0; eval "$text") >../out 2>../err ;;
  append) (n=0; eval "$text") >>../out 2>>../err ;;
  pipe) (n=0; eval "$text") 2>../err | cat >../out ;;
  both) (n=0; eval "$text") >../out 2>&1 ;;
  pipes) (n=0; eval "$text") 2>&1 | cat >../out ;;
  esac </dev/null
  echo "status $?"
  sed 's/^/out /' ../out
  sed 's/^/err /' ../err
  find . -type f -printf '%P %m\n' | sort
  find . -type f | sort | xargs cksum
  cd ..
  rm -f out err
}
`

// TestRandomScripts compares random lines of shell with what the local shell makes
// of them, over three transports. For other lines:
//
//	go test ./cmd/rpc -run TestRandomScripts -args -random.seed 7 -random.lines 5000
func TestRandomScripts(t *testing.T) {
	testbin.Dir(t)
	testkit.Need(t, "socat")
	g := &grammar{Rand: rand.New(rand.NewPCG(*randomSeed, 0))}
	t.Logf("seed %d", *randomSeed)
	lines := make([]string, *randomLines)
	var script, relayed strings.Builder
	for i := range lines {
		only := g.IntN(20) == 0
		if lines[i] = g.line(); only {
			lines[i] = g.passedOnly()
		}
		call := fmt.Sprintf("echo '#%d'\nline %[1]d %s <<'LINE'\n%s\nLINE\n", i, g.pick("file", "append", "pipe", "both", "pipes"), lines[i])
		script.WriteString(call)
		if !only {
			relayed.WriteString(call)
		}
	}
	local := runLines(t, startWorld(t, "passed"), "null() { \"$@\" </dev/null; }; R=env N='null env'", script.String())
	for _, transport := range []string{"passed", "none", "bridge"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			text := relayed.String()
			if transport == "passed" {
				text = script.String()
			}
			w := startWorld(t, transport)
			before := w.idle(t)
			for n, got := range runLines(t, w, `R="rpc $W" N="rpc -n $W"`, text) {
				if got != local[n] {
					t.Errorf("line %d:\n%s\nlocally:\n%sover %s:\n%s", n, lines[n], shorten(local[n]), transport, shorten(got))
				}
			}
			w.restored(t, before)
			if t.Failed() {
				t.Logf("rpcd says:\n%s", shorten(w.log()))
			}
		})
	}
}

var lineStart = regexp.MustCompile(`(?m)^#(\d+)\n`)

// runLines runs a script of lines after setting, which sets R and N. It gives what each line
// showed, by its number.
func runLines(t *testing.T, w *world, setting, script string) map[int]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute+time.Duration(*randomLines)*time.Second)
	defer cancel()
	file := w.dir + "/script" // longer than an argument may be
	if err := os.WriteFile(file, []byte(randomPrelude+setting+"\n"+script), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := w.bash(ctx, `. "$D/script"`)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if ctx.Err() != nil || err != nil {
		t.Fatalf("the script: %v (%v)\n%s", err, ctx.Err(), shorten(string(out)))
	}
	shown := map[int]string{}
	text := string(out)
	places := lineStart.FindAllStringSubmatchIndex(text, -1)
	for i, p := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		var n int
		_, _ = fmt.Sscan(text[p[2]:p[3]], &n)
		shown[n] = strings.ReplaceAll(text[p[1]:end], w.dir, "$D")
	}
	if len(shown) == 0 {
		t.Fatal("no line has run")
	}
	return shown
}
