package main_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rpcd/internal/testkit"
)

// TestProceduresTerminal checks that a procedure's own terminal (-t) is as the caller's
// own would be to a local command.
// fault: 83 moby-terminal
func TestProceduresTerminal(t *testing.T) {
	testkit.Need(t, "vi", "less", "top", "stty")
	for _, transport := range []string{"passed", "bridge"} {
		t.Run(transport, func(t *testing.T) {
			for name, test := range map[string]func(*terminal){
				"bash":   ptyShell,
				"vi":     ptyEditor,
				"top":    ptyTop,
				"less":   ptyPager,
				"keys":   ptyKeys,
				"stops":  ptyStops,
				"script": ptyStopsScript,
				"bare":   ptyStopsBare,
				"size":   ptySize,
				"flood":  ptyFlood,
				"modes":  ptyModes,
				"ends":   ptyEnds,
				"lost":   ptyLost,
				"frozen": ptyFrozen,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(openTerminal(t, transport))
				})
			}
		})
	}
}

// compares defines same NAME COMMAND..., which runs a command and says same NAME and the
// status where the terminal's modes are as they were. It is one line, since bash repairs
// the modes when it prompts. Perl goes on where a shell would end its list, too.
func (x *terminal) compares() {
	x.types(`same() { stty -a >before; perl -e 'system { $ARGV[0] } @ARGV; exit($? & 127 ? 128 + ($? & 127) : $? >> 8)' "${@:2}"; s=$?; `+
		`stty -a >after; cmp before after && echo "same $1, $s"; }`, "Enter")
	x.clear()
}

func ptyShell(x *terminal) {
	x.types("rpc -t $W bash --norc --noprofile; echo status $?", "Enter")
	x.has("bash-")
	x.types(`PS1="far> "; clear`, "Enter")
	x.shows("far>")
	x.types("stty size; tty >tty; echo $TERM $(tty | cut -c-8)", "Enter")
	x.shows("50 100")
	x.shows("tmux-256color /dev/pts")
	x.types("sh -c ': >asleep; exec sleep 100'", "Enter")
	x.exists("asleep")
	x.types("C-z")
	x.has("Stopped")
	x.types("fg; echo back $?", "Enter")
	x.until("sleep goes on", func() bool { return strings.Count(x.screen(), "exec sleep 100") == 3 })
	x.types("C-c")
	x.has("^C")
	x.types(`read -s word; echo; echo got $word`, "Enter")
	x.hasModes(x.content("tty"), "-echo", "icanon") // keys that come sooner are lost, as locally
	x.types("secret", "Enter")
	x.shows("got secret")
	if strings.Count(x.screen(), "secret") != 1 {
		x.t.Errorf("read -s isn't silent:\n%s", x.screen())
	}
	x.types("sh -c ': >reads; exec cat'", "Enter")
	x.exists("reads")
	x.types("a line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\na line") == 2 })
	x.types("C-d", "exit 7", "Enter")
	x.shows("status 7")
	x.prompted()
}

func ptyEditor(x *terminal) {
	x.compares()
	x.types(`same vi rpc -t $W sh -c 'exec vi -u NONE text'`, "Enter")
	x.has("\n~")
	x.types("i", "one", "Enter", "two", "Escape")
	x.shows("two")
	x.types("C-z")
	x.has("Stopped")
	x.has("same vi, 148")
	x.prompted()
	x.lacks("\n~")
	x.types("fg", "Enter")
	x.has("\n~")
	x.types("o", "three", "Escape", ":wq", "Enter")
	x.prompted()
	if got := x.content("text"); got != "one\ntwo\nthree" {
		x.t.Errorf("vi wrote %q", got)
	}
}

func ptyTop(x *terminal) {
	x.compares()
	x.types(`same top rpc -t $W sh -c 'exec top -d 100'`, "Enter")
	x.has("load average")
	x.types("C-z")
	x.has("Stopped")
	x.has("same top, 148")
	x.prompted()
	x.types("clear", "Enter")
	x.lacks("load average")
	x.types("fg", "Enter")
	x.has("load average")
	x.types("q")
	x.prompted()
}

func ptyPager(x *terminal) {
	x.types("seq 1000 >list; clear", "Enter")
	x.prompted()
	x.compares()
	x.types(`same less rpc -t $W sh -c 'exec less list'`, "Enter")
	x.shows("49") // the screen has 50 lines
	x.types("G")
	x.shows("1000")
	x.types("C-z")
	x.has("Stopped")
	x.has("same less, 148")
	x.prompted()
	x.types("fg", "Enter")
	x.shows("1000")
	x.types("g")
	x.shows("1")
	x.types("q")
	x.prompted()
}

// ptyKeys checks the keys that make signals in a procedure which minds none of them.
func ptyKeys(x *terminal) {
	x.compares()
	for key, status := range map[string]string{"C-c": "130", `C-\`: "131"} {
		x.types(`same `+status+` rpc -t $W sh -c 'echo up; ulimit -c 0; exec sleep 99'`, "Enter")
		x.shows("up")
		x.types(key)
		x.has("same " + status + ", " + status)
		x.prompted()
		x.clear()
	}
	x.types(`same trap rpc -t $W sh -c 'trap "echo cleaned; exit 40" INT; echo up; while :; do sleep 0.05; done'`, "Enter")
	x.shows("up")
	x.types("C-c")
	x.has("cleaned")
	x.shows("same trap, 40")
	x.types(`same cat rpc -t $W sh -c ': >cats; exec cat'`, "Enter")
	x.exists("cats")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-d")
	x.shows("same cat, 0")
}

// ptyStops checks that Ctrl-Z stops a procedure, and rpc here.
func ptyStops(x *terminal) {
	x.types(`rpc -t $W sh -c 'echo $$ >pid; echo up; read a; echo got $a'; echo status $?`, "Enter")
	x.shows("up")
	x.stops()
	x.types("echo shell is back", "Enter")
	x.shows("shell is back")
	x.until("the procedure is stopped", func() bool { return x.stateOf("pid") == "T" })
	x.types("fg", "Enter")
	x.raw()
	x.types("again", "Enter")
	x.shows("got again")
	x.prompted()
	x.clear()
	// A procedure that runs in the background goes on, and reads when it is fetched.
	x.types(`rpc -t $W sh -c 'echo up; while [ ! -e go ]; do sleep 0.05; done; read a; echo got $a'`, "Enter")
	x.shows("up")
	x.stops()
	x.types("bg; touch go", "Enter")
	x.prompted()
	x.types("fg", "Enter")
	x.raw()
	x.types("word", "Enter")
	x.shows("got word")
	x.prompted()
	x.clear()
	// So does one that was in the background from the start.
	x.types(`rpc -t $W sh -c ': >up; read a; echo got $a' &`, "Enter")
	x.exists("up")
	x.prompted()
	x.types("fg", "Enter")
	x.raw()
	x.types("first", "Enter")
	x.shows("got first")
	x.prompted()
}

// job is a shell's job control, but that it doesn't give the terminal its modes back when
// a job stops, as bash does: it says whether they are as before, and has the job go on.
const job = `use POSIX; $SIG{TTOU} = "IGNORE"; system "stty -a >before";
if (!($job = fork)) { setpgid 0, 0; tcsetpgrp 0, $$; $SIG{TTOU} = "DEFAULT"; exec @ARGV }
setpgid $job, $job; tcsetpgrp 0, $job;
waitpid $job, WUNTRACED; tcsetpgrp 0, getpgrp;
print system("stty -a >stopped; cmp before stopped") ? "other modes\n" : "as before\n";
tcsetpgrp 0, $job; kill CONT => -$job; waitpid $job, 0; tcsetpgrp 0, getpgrp;
`

// ptyStopsBare checks that rpc itself gives the terminal its modes back when it stops,
// and makes it raw when it goes on.
func ptyStopsBare(x *terminal) {
	if err := os.WriteFile(filepath.Join(x.world.dir, "cwd", "job.pl"), []byte(job), 0o644); err != nil {
		x.t.Fatal(err)
	}
	x.types(`perl job.pl rpc -t $W sh -c 'echo up; read a; echo got $a; stty raw; echo ready; head -c 1 | od -An -tx1'`, "Enter")
	x.shows("up")
	x.types("C-z")
	x.has("as before")
	x.raw()
	x.types("again", "Enter")
	x.shows("got again")
	x.shows("ready")
	x.types("C-c")
	x.has(" 03")
}

// stateOf gives the state of the process whose number is in a file.
func (x *terminal) stateOf(file string) string {
	return stateOf(x.content(file))
}

func stateOf(pid string) string {
	b, _ := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}

// ptyStopsScript checks that Ctrl-Z stops a script that calls, too: its shell has no job
// control, and would wait for rpc for ever.
func ptyStopsScript(x *terminal) {
	x.types(`sh -c 'rpc -t $W sh -c "echo up; read a; echo got \$a"; echo end'`, "Enter")
	x.shows("up")
	x.stops()
	x.types("fg", "Enter")
	x.calling()
	x.types("again", "Enter")
	x.shows("got again")
	x.shows("end")
}

// ptySize checks that a procedure learns of each size, also of one that changed while it
// was stopped.
func ptySize(x *terminal) {
	// A shell's loop won't do: one that waits for vfork's child can't be stopped, also without rpc.
	x.types(`rpc -t $W sh -c 'exec perl -e "$0"' 'sub size { system "stty size" } $SIG{WINCH} = \&size; size; sleep 1 while 1'`, "Enter")
	x.shows("50 100")
	x.resize(90, 40)
	x.shows("40 90")
	x.stops()
	x.resize(80, 30)
	x.types("until stty size | grep '30 80'; do :; done", "Enter") // tmux resizes a little later
	x.shows("30 80")
	x.clear()
	x.types("fg", "Enter")
	x.shows("30 80")
	x.types("C-c")
	x.prompted()
}

// ptyFlood checks that Ctrl-C comes through while the procedure writes without end.
func ptyFlood(x *terminal) {
	x.compares()
	x.types("same flood rpc -t $W yes", "Enter")
	x.shows("y")
	x.types("C-c")
	x.has("same flood, 130")
}

// ptyModes checks that the procedure's terminal has the modes of the caller's, and that
// those come back.
func ptyModes(x *terminal) {
	x.compares()
	x.types(`stty intr ^X -echoctl; stty -g >mine; same modes rpc -t $W true; rpc -t $W sh -c 'stty -g' >theirs`, "Enter")
	x.shows("same modes, 0")
	x.prompted()
	// The parts are c_iflag, c_oflag, c_cflag, c_lflag and the characters.
	mine, theirs := strings.Split(x.content("mine"), ":"), strings.Split(x.content("theirs"), ":")
	if len(mine) < 5 || len(mine) != len(theirs) || mine[0] != theirs[0] || mine[1] != theirs[1] || strings.Join(mine[3:], ":") != strings.Join(theirs[3:], ":") {
		x.t.Errorf("the modes are %v, not %v", theirs, mine)
	}
}

// ptyEnds checks that the terminal's modes come back, whatever signal ends rpc.
func ptyEnds(x *terminal) {
	x.compares()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGXCPU, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGPIPE, 32, 33, 34, 40} {
		name := strconv.Itoa(int(sig))
		x.types("clear; same "+name+` rpc -t $W sh -c 'stty raw; echo $PPID >up`+name+`; exec sleep 99'; echo`, "Enter")
		x.exists("up" + name)
		x.killCaller(sig)
		x.has("same " + name + ", " + strconv.Itoa(128+int(sig)))
		x.prompted()
	}
	x.types(`clear; same third rpc -t $W sh -c 'trap "echo >>told" TERM; : >up; while :; do sleep 0.05; done'; echo`, "Enter")
	x.exists("up")
	for n := range 3 { // the last one ends rpc, since the procedure doesn't end
		x.killCaller(syscall.SIGTERM)
		x.until("it is told", func() bool {
			b, _ := os.ReadFile(filepath.Join(x.world.dir, "cwd", "told"))
			return len(b) > n || n == 2
		})
	}
	x.has("same third, 143")
}

// killCaller sends a signal to the rpc of same.
func (x *terminal) killCaller(sig syscall.Signal) {
	x.t.Helper()
	children, _ := os.ReadFile("/proc/" + x.foreground() + "/task/" + x.foreground() + "/children") // perl's
	rpc, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil || syscall.Kill(rpc, sig) != nil {
		x.t.Fatalf("cannot kill rpc %q: %v", children, err)
	}
}

// ptyLost checks that they come back when the bridge or the daemon is killed.
func ptyLost(x *terminal) {
	x.compares()
	x.types(`same daemon rpc -t $W sh -c 'trap "" TERM; trap "echo hup >hup; exit" HUP; stty raw -echo; : >up; while :; do sleep 0.05; done'`, "Enter")
	x.exists("up")
	if x.world.bridge != nil {
		x.world.bridge.Cut()
	} else {
		x.world.daemon.Kill()
	}
	x.has("same daemon, 125")
	x.has("rpc: lost the connection")
	x.exists("hup")
}

// ptyFrozen checks that Ctrl-C ends a call whose worker is frozen, though it is a byte
// like others.
func ptyFrozen(x *terminal) {
	if x.world.bridge != nil {
		return // heartbeats tell there
	}
	x.compares()
	x.types(`same frozen rpc -t $W sh -c 'stty raw; : >up; exec sleep 99'`, "Enter")
	x.exists("up")
	x.raw() // before that Ctrl-C is a signal
	if err := syscall.Kill(x.world.daemon.PID(), syscall.SIGSTOP); err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(x.world.daemon.PID(), syscall.SIGCONT) }()
	x.until("rpcd is frozen", func() bool { return stateOf(strconv.Itoa(x.world.daemon.PID())) == "T" })
	x.types("C-c")
	x.has("(is it frozen?)")
	x.has("same frozen, 125")
}
