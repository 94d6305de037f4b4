package main

import (
	"fmt"
	"io"
	"os/exec"
	"time"
)

// turnSizes are the bytes of a question, which is also the answer.
var turnSizes = []int{5, 100, 1 << 10, 4 << 10, 16 << 10, 64 << 10}

// turnsPerRound is how many questions are asked in a round, one after the other.
const turnsPerRound = 50

func turnName(size int) string { return fmt.Sprintf("question and answer of %d B", size) }

// turns asks `cat` a question of size bytes again and again, and returns how long all
// answers took.
func (b *bridges) turns(socket string, size int) (took time.Duration, err error) {
	cmd := exec.CommandContext(b.st.ctx, b.st.options.RPC, socket, "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	question, answer := make([]byte, size), make([]byte, size)
	var began time.Time
	for i := range turnsPerRound + 1 {
		if i == 1 { // the first turn waits for the start
			began = time.Now()
		}
		if _, err = in.Write(question); err != nil {
			break
		}
		if _, err = io.ReadFull(out, answer); err != nil {
			break
		}
	}
	took = time.Since(began)
	in.Close()
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	return took, err
}
