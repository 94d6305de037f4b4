package batch

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"strconv"
	"strings"
)

// joblogHeader is GNU parallel's, whose log this is. Seq is the record's number, Host
// the replica, Send the bytes of stdin and Receive those of stdout.
const joblogHeader = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

// joblog is the file of --joblog. nil is none. A line is written once the result is.
type joblog struct {
	name string
	f    *os.File
	out  *bufio.Writer
	seed maphash.Seed
	had  map[uint64]uint64 // the hash of the command of each record that is done
}

// openJoblog opens the file, and reads what is done if the run resumes another.
func openJoblog(name string, resume bool) (*joblog, error) {
	if name == "" {
		return nil, nil
	}
	flags := os.O_RDWR | os.O_CREATE
	if !resume {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot open the log of jobs: %w", err)
	}
	l := &joblog{name: name, f: f, out: bufio.NewWriterSize(f, outRoom), seed: maphash.MakeSeed(), had: map[uint64]uint64{}}
	if err := l.resume(); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// resume reads the lines that are there. What is behind the last newline was cut off
// when a run ended: it is overwritten.
func (l *joblog) resume() error {
	in := bufio.NewReaderSize(l.f, 4<<20) // a command is as long as an argument list
	whole, lines := int64(0), 0
	for {
		line, err := in.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("cannot read the log of jobs %q: %w", l.name, err)
		}
		if lines++; lines == 1 && string(line) != joblogHeader {
			return l.strange(1)
		}
		whole += int64(len(line))
		if lines > 1 && !l.note(line[:len(line)-1]) {
			return l.strange(lines)
		}
	}
	if err := l.f.Truncate(whole); err != nil && whole > 0 {
		return err
	}
	_, err := l.f.Seek(whole, io.SeekStart)
	if err == nil && lines == 0 {
		_, err = l.out.WriteString(joblogHeader)
	}
	return err
}

func (l *joblog) strange(line int) error {
	return fmt.Errorf("cannot resume from %q: line %d is none of a log of jobs", l.name, line)
}

// note notes a line.
func (l *joblog) note(line []byte) bool {
	fields := bytes.SplitN(line, []byte("\t"), 9)
	seq, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil || len(fields) < 9 {
		return false
	}
	l.had[seq] = maphash.Bytes(l.seed, fields[8])
	return true
}

// has says whether a job is done already. A log with another command under its number
// is another run's.
func (l *joblog) has(r *run, j *job) (bool, error) {
	if l == nil || len(l.had) == 0 {
		return false, nil
	}
	had, ok := l.had[j.Number]
	if !ok {
		return false, nil
	}
	if command := r.command(j); had != maphash.String(l.seed, command) {
		return false, fmt.Errorf("cannot resume from %q: its job %d isn't %.40q (is it another run's?)", l.name, j.Number, command)
	}
	return true, nil
}

// add adds a line on a result.
func (l *joblog) add(r *run, x *result) {
	if l == nil {
		return
	}
	received := int64(0)
	if x.outputs[0] != nil {
		received = x.outputs[0].size
	}
	host := x.host
	if host == "" {
		host = "-"
	}
	_, _ = fmt.Fprintf(l.out, "%d\t%s\t%.3f\t%10.3f\t%d\t%d\t%d\t%d\t%s\n", x.Number, host, float64(x.began.UnixMilli())/1000,
		x.ran.Seconds(), r.sent(x.job), received, x.status, int(x.signal), r.command(x.job)) // flush tells
}

func (l *joblog) flush() error {
	if l == nil {
		return nil
	}
	if err := l.out.Flush(); err != nil {
		return fmt.Errorf("cannot write the log of jobs: %w", err)
	}
	return nil
}

func (l *joblog) close() {
	if l != nil {
		l.f.Close()
	}
}

// command is the call of a job in one line, as GNU parallel logs it: words are quoted
// for a shell, and a newline is a NUL.
func (r *run) command(j *job) string {
	words := make([]string, 0, 1+len(j.args))
	for _, w := range append([]string{r.Procedure}, j.args...) {
		words = append(words, quoted(w))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "\n", "\x00")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-+,:@%="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
