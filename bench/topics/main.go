// Command topics is both Go ends of bench's section "topics": a publisher, and the
// subscribers that it starts.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
)

const usage = "usage: topics publish SOCKET SUBSCRIBERS... | topics subscribe SOCKET TOPIC"

func main() {
	err := errors.New(usage)
	if len(os.Args) >= 4 {
		switch os.Args[1] {
		case "publish":
			err = publish(os.Args[2:])
		case "subscribe":
			err = subscribe(os.Args[2:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "topics:", err)
		os.Exit(1)
	}
}

// A frame begins with three numbers of eight bytes: its place in the turn, when it was
// sent (ns of CLOCK_MONOTONIC, or 0) and one of these kinds. It ends with its place
// again. All bytes between come from another frame, as from a camera's memory.
const (
	warmFrame = iota // isn't counted
	countedFrame
	lastFrame // is counted, and ends the turn
)

const (
	frameHead  = 24
	warmFrames = 4
	// touchEvery is the bytes from one that a subscriber reads to the next: one a page.
	// To read all would take all ways the same time, and hide what they cost.
	touchEvery = 4096
	// clockEvery is how many bytes are sent until a publisher looks at the clock.
	clockEvery = 64 << 10
)

// start is when this process began by Go's clock, and offset when it did by
// CLOCK_MONOTONIC: Go reads that without a system call, as the C program does.
var start, offset = clocks()

func monotonic() int64 { return offset + int64(time.Since(start)) }

// clocks reads both clocks at one time, as far as that can be done.
func clocks() (start time.Time, offset int64) {
	start = time.Now()
	var t unix.Timespec
	least := time.Hour
	for range 1000 {
		before := time.Since(start)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
		after := time.Since(start)
		if after-before < least {
			least, offset = after-before, t.Nano()-int64((before+after)/2)
		}
	}
	return start, offset
}

// touched keeps the compiler from leaving the reads out.
var touched atomic.Uint64

func touch(frame []byte) {
	var sum uint64
	for i := 0; i < len(frame); i += touchEvery {
		sum += uint64(frame[i])
	}
	touched.Add(sum)
}

// subscribe takes the frames of a topic, and reports each turn: how many came,
// when the last one had come, and their delays.
func subscribe(args []string) error {
	s, err := client.Subscribe(context.Background(), args[0], args[1], client.TopicOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	var place, counted uint64
	var report []byte
	for {
		frame, err := s.Next()
		if errors.Is(err, client.ErrEnded) {
			return nil
		}
		if err != nil {
			return err
		}
		came := monotonic()
		number, sent, kind := binary.NativeEndian.Uint64(frame), binary.NativeEndian.Uint64(frame[8:]), binary.NativeEndian.Uint64(frame[16:])
		if number != place || binary.NativeEndian.Uint64(frame[len(frame)-8:]) != place {
			return fmt.Errorf("another frame came: %d, not %d", number, place)
		}
		place++
		touch(frame)
		if kind == warmFrame {
			continue
		}
		counted++
		if sent > 0 {
			report = strconv.AppendInt(append(report, ' '), came-int64(sent), 10)
		}
		if kind == lastFrame {
			fmt.Printf("%d %d%s\n", counted, monotonic(), report)
			place, counted, report = 0, 0, report[:0]
		}
	}
}

// crowd is a publisher with its subscribers.
type crowd struct {
	publisher *client.Publisher
	reports   []*bufio.Reader
}

// publish answers questions on stdin: a line with the number of subscribers, the
// bytes of a frame, seconds, and frames a second (0: as many as it can). The answer is
// how many a second came to all subscribers, and the delays in ns.
func publish(args []string) error {
	crowds := map[string]*crowd{}
	for _, n := range args[1:] {
		c, err := newCrowd(args[0], n)
		if err != nil {
			return err
		}
		defer c.publisher.Close()
		crowds[n] = c
	}
	var source []byte
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		var n string
		var size int
		var seconds, pace float64
		if _, err := fmt.Sscan(questions.Text(), &n, &size, &seconds, &pace); err != nil {
			return err
		}
		for i := len(source); i < size; i++ {
			source = append(source, byte(i*31))
		}
		answer, err := crowds[n].turn(source[:size], time.Duration(seconds*1e9), pace)
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
	return nil
}

// newCrowd publishes to topic n of a worker, once that has so many subscribers.
func newCrowd(socket, n string) (*crowd, error) {
	count, err := strconv.Atoi(n)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &crowd{}
	for range count {
		cmd := exec.Command(self, "subscribe", socket, n)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start() // it ends with its publisher
		}
		if err != nil {
			return nil, err
		}
		c.reports = append(c.reports, bufio.NewReader(out))
	}
	c.publisher, err = client.Publish(context.Background(), socket, n, client.TopicOptions{Subscribers: count})
	return c, err
}

// turn publishes copies of source for some time.
func (c *crowd) turn(source []byte, during time.Duration, pace float64) (string, error) {
	send := c.sender(source, pace > 0)
	for range warmFrames {
		if err := send(warmFrame); err != nil {
			return "", err
		}
	}
	every := 1
	if pace == 0 {
		every = max(1, clockEvery/len(source))
	}
	sent, began := 0, monotonic()
	until := began + during.Nanoseconds()
	for kind := uint64(countedFrame); kind != lastFrame; sent++ {
		if pace > 0 {
			next := began + int64(float64(sent+1)/pace*1e9)
			time.Sleep(time.Duration(next - monotonic()))
		}
		if sent%every == 0 && monotonic() >= until {
			kind = lastFrame
		}
		if err := send(kind); err != nil {
			return "", err
		}
	}
	var ended int64
	var delays strings.Builder
	for _, r := range c.reports {
		counted, end, list, err := readReport(r)
		if err != nil {
			return "", err
		}
		if counted != sent {
			return "", fmt.Errorf("%d frames of %d came", counted, sent)
		}
		ended = max(ended, end)
		delays.WriteString(list)
	}
	return fmt.Sprintf("%g%s", float64(sent)/time.Duration(ended-began).Seconds(), delays.String()), nil
}

// sender gives a function that publishes the next copy of source: it writes large ones
// where subscribers read them.
func (c *crowd) sender(source []byte, stamped bool) func(kind uint64) error {
	var number uint64
	small := make([]byte, len(source))
	fill := func(frame []byte, kind uint64) {
		copy(frame, source)
		binary.NativeEndian.PutUint64(frame[len(frame)-8:], number)
		binary.NativeEndian.PutUint64(frame, number)
		binary.NativeEndian.PutUint64(frame[16:], kind)
		var at int64
		if stamped {
			at = monotonic()
		}
		binary.NativeEndian.PutUint64(frame[8:], uint64(at))
		number++
	}
	if len(source) < clockEvery {
		return func(kind uint64) error {
			fill(small, kind)
			return c.publisher.Send(small)
		}
	}
	return func(kind uint64) error {
		place, err := c.publisher.Next(len(source))
		if err != nil {
			return err
		}
		fill(place.Bytes, kind)
		return place.Send(len(source))
	}
}

// readReport reads a subscriber's line. The list is its delays, with a space in front of
// each.
func readReport(r *bufio.Reader) (counted int, ended int64, list string, err error) {
	line, err := r.ReadString('\n')
	if err == io.EOF {
		err = errors.New("a subscriber ended")
	}
	if err != nil {
		return 0, 0, "", err
	}
	words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
	if len(words) < 2 {
		return 0, 0, "", fmt.Errorf("a subscriber says %q", line)
	}
	if counted, err = strconv.Atoi(words[0]); err == nil {
		ended, err = strconv.ParseInt(words[1], 10, 64)
	}
	if len(words) == 3 {
		list = " " + words[2]
	}
	return counted, ended, list, err
}
