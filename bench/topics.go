package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rpcd/internal/rig"
)

// Names of the ways to send frames to subscribers.
const (
	topicGoName     = "rpcd, Go"
	topicZMQName    = "libzmq, C"
	topicNextName   = "rpcd.publish, next"
	topicSendName   = "rpcd.publish, send"
	topicPyobjName  = "pyzmq, PUB, send_pyobj"
	topicArrayName  = "pyzmq, PUB, no copy"
	topicSharedName = "shared_memory, semaphores for each"
)

// topicSubscribers are the numbers of subscribers.
var topicSubscribers = []int{1, 4}

// topicPaces are how many frames a second are sent where delays are measured, by their
// bytes. A line of a picture's bytes is slow enough for every way.
var topicPaces = map[int]float64{32: 500, 921_600: 100}

// The percentiles of delays.
const (
	delayMedian = "median"
	delayTail   = "99th percentile"
)

func topicSection(size, subscribers int) string {
	return fmt.Sprintf("frames of %d B to %d subscriber%s", size, subscribers, plural(subscribers))
}

func delaySection(size, subscribers int, percentile string) string {
	return fmt.Sprintf("delay of %d B to %d subscriber%s, %s", size, subscribers, plural(subscribers), percentile)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// measureTopics counts the frames a second that a publisher brings to all its
// subscribers, which are processes, and takes their delays at a slower pace. The
// yardstick is libzmq between programs in C.
func measureTopics(st *stage) []row {
	t := newTopics(st)
	var rows []row
	for _, size := range arraySizes {
		for _, n := range topicSubscribers {
			all := inTurns(st, t.ways, st.options.topicRounds(), func(w *way) (float64, error) {
				rate, _, err := t.turn(w, n, size, st.options.topicTurn(), 0)
				return rate, err
			})
			rows = append(rows, t.compare(topicSection(size, n), all, unitRate)...)
		}
	}
	for _, size := range arraySizes {
		for _, n := range topicSubscribers {
			if topicPaces[size] > 0 {
				rows = append(rows, t.delays(size, n)...)
			}
		}
	}
	return rows
}

// topicRounds is how many rounds there are.
func (o options) topicRounds() int {
	if o.Quick {
		return 1
	}
	return o.Transfers
}

// topicTurn is how long frames are sent in a round.
func (o options) topicTurn() time.Duration { return o.turn() / 2 }

// topics are the publishers with their subscribers.
type topics struct {
	st         *stage
	ways       []*way
	publishers map[string]*pair
}

// newTopics starts all, ours first.
func newTopics(st *stage) *topics {
	t := &topics{st: st, publishers: map[string]*pair{}}
	socket, err := t.worker()
	t.add(topicGoName, err, rig.Environment(), func() ([]string, error) {
		program, err := buildTopics(st)
		return []string{program, "publish", socket}, err
	})
	t.add(topicZMQName, nil, rig.Environment(), func() ([]string, error) {
		program, err := buildZMQ(st)
		return []string{program, filepath.Join(st.folder, "topics-zmq")}, err
	})
	t.addPython(socket, err)
	return t
}

// topicNames gives the names of topics of a way: one for each number of subscribers.
func topicNames(prefix string) (names []string) {
	for _, n := range topicSubscribers {
		names = append(names, prefix+strconv.Itoa(n))
	}
	return names
}

// worker starts the worker with the topics.
func (t *topics) worker() (string, error) {
	exports := filepath.Join(t.st.folder, "topics-exports")
	if err := rig.Export(exports); err != nil {
		return "", err
	}
	for _, name := range slices.Concat(topicNames(""), topicNames("next"), topicNames("send")) {
		folder := filepath.Join(exports, name)
		err := os.Mkdir(folder, 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "topic"), []byte("block\n"), 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	socket := filepath.Join(t.st.folder, "topics.sock")
	worker, err := t.st.starter().Serve(t.st.options.RPCD, socket, "--exports", exports)
	if err != nil {
		return "", err
	}
	t.st.later(worker.Stop)
	return socket, nil
}

// add starts a publisher that gets the numbers of subscribers as its last arguments.
func (t *topics) add(name string, lack error, env []string, argv func() ([]string, error)) {
	w := &way{name: name}
	t.ways = append(t.ways, w)
	if lack != nil {
		w.absent = lack.Error()
		return
	}
	words, err := argv()
	if err != nil {
		w.absent = err.Error()
		return
	}
	if t.publishers[name], err = newPair(t.st, env, append(words, topicNames("")...)); err != nil {
		w.failed = err.Error()
	}
}

// addPython starts the publishers in Python.
func (t *topics) addPython(socket string, noWorker error) {
	p, err := t.st.pythonEnds()
	if err != nil {
		t.add(topicSendName, err, nil, nil)
		return
	}
	start := func(name string, lack error, script string, args ...string) {
		t.add(name, lack, p.env, func() ([]string, error) { return p.script(script, args...), nil })
	}
	zmq := p.lacksZMQ(t.st)
	if noWorker == nil {
		noWorker = p.lacks(t.st, "import rpcd; rpcd.publish", "the package rpcd has no publish")
	}
	start(topicNextName, noWorker, "topic_rpcd", socket, "next")
	start(topicSendName, noWorker, "topic_rpcd", socket, "send")
	start(topicPyobjName, zmq, "topic_zmq", filepath.Join(t.st.folder, "topics-pyobj"), "pyobj")
	start(topicArrayName, zmq, "topic_zmq", filepath.Join(t.st.folder, "topics-array"), "array")
	start(topicSharedName, nil, "topic_shared")
}

// turn has a way send frames of so many bytes to so many subscribers.
func (t *topics) turn(w *way, subscribers, size int, during time.Duration, pace float64) (rate float64, delays []float64, err error) {
	answer, err := t.publishers[w.name].ask(fmt.Sprintf("%d %d %g %g", subscribers, size, during.Seconds(), pace))
	if err != nil {
		return 0, nil, err
	}
	var figures []float64
	for word := range strings.FieldsSeq(answer) {
		figure, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return 0, nil, err
		}
		figures = append(figures, figure)
	}
	if len(figures) == 0 {
		return 0, nil, fmt.Errorf("the publisher says %q", answer)
	}
	return figures[0], figures[1:], nil
}

// delays measures the time from just before a frame is sent until a subscriber has it.
// The percentiles are of all frames of all rounds and subscribers.
func (t *topics) delays(size, subscribers int) []row {
	all := map[string][]float64{}
	series := inTurns(t.st, t.ways, t.st.options.topicRounds(), func(w *way) (float64, error) {
		_, delays, err := t.turn(w, subscribers, size, t.st.options.turn(), topicPaces[size])
		all[w.name] = append(all[w.name], delays...)
		return 0, err
	})
	var rows []row
	for percentile, q := range map[string]float64{delayMedian: 0.5, delayTail: 0.99} {
		for i := range series {
			series[i].figures = known([]float64{rig.Quantile(all[series[i].way.name], q) / 1e9})
		}
		rows = append(rows, t.compare(delaySection(size, subscribers, percentile), series, unitTime)...)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return -strings.Compare(a.Section, b.Section) })
	return rows
}

// compare compares all with libzmq in C, and those in Python with ours there.
func (t *topics) compare(section string, all []series, u unit) []row {
	rows := against("libzmq", compare(section, all, topicZMQName, topicGoName, u))
	inPython := compare(section, all, topicZMQName, topicSendName, u)
	for i := range rows {
		if rows[i].Name != topicGoName && rows[i].Name != topicZMQName {
			rows[i].VsOurs = inPython[i].VsOurs
		}
	}
	return rows
}

//go:embed topics/zmq/zmq.c
var topicsZMQ string

// topicsPackage is the Go ends, which bench can't contain: they use our client, as
// programs of users do.
const topicsPackage = "./bench/topics"

// buildTopics builds the Go ends.
func buildTopics(st *stage) (string, error) {
	goCommand, err := rig.LookFor("go", "golang")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(st.folder, "topics-go")
	_, err = output(st, nil, "env", "GO111MODULE=on", goCommand, "build", "-buildvcs=false", "-o", binary, topicsPackage) // output turns modules off
	return binary, err
}

// buildZMQ builds the ends in C.
func buildZMQ(st *stage) (string, error) {
	cc, err := rig.LookFor("cc", "gcc")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(st.folder, "topics-c")
	if err := os.WriteFile(binary+".c", []byte(topicsZMQ), 0o600); err != nil {
		return "", err
	}
	if _, err := output(st, nil, cc, "-O2", "-o", binary, binary+".c", "-lzmq"); err != nil {
		return "", fmt.Errorf("no libzmq (Debian package libzmq3-dev, see bench/peers.sh): %w", err)
	}
	return binary, nil
}
