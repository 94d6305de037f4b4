package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// ramFolder holds the file that is read. It is in RAM, so that no disk slows the
// reading.
const ramFolder = "/dev/shm"

// measureThroughput measures `X cat FILE | wc -c` in GiB/s, from the first spawn
// until both processes are reaped. wc must have counted every byte.
func measureThroughput(st *stage) []row {
	ways := st.pick(localName, passedName, relayedName, bridgedName, s6Name, sshName)
	file, size, err := makeFile(st.options.Size)
	if err != nil {
		for _, w := range ways {
			w.failed = err.Error()
		}
		return compare("throughput", inTurns(st, ways, 0, nil), localName, passedName, unitGiBs)
	}
	defer os.Remove(file)
	all := inTurns(st, ways, st.options.Transfers, func(w *way) (float64, error) {
		var took time.Duration
		err := onThread(func() (err error) {
			took, err = st.countBytes(w.argv("cat", file), size)
			return err
		})
		return float64(size) / (1 << 30) / took.Seconds(), err
	})
	rows := compare("throughput", all, localName, passedName, unitGiBs)
	for i := range rows {
		rows[i].Detail = fmt.Sprintf("file of %d MiB", size>>20)
	}
	return rows
}

// makeFile writes a file of whole MiB and at most size bytes into RAM. It takes at
// most half of the free space and of the free memory. The caller removes the
// file.
func makeFile(size int64) (path string, real int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(ramFolder, &fs); err != nil {
		return "", 0, fmt.Errorf("cannot use %q: %w", ramFolder, err)
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	if available := int64(proc.Memory("/proc/meminfo", "MemAvailable")) << 10; available > 0 {
		free = min(free, available)
	}
	if size = min(size, free/2) &^ (1<<20 - 1); size == 0 {
		return "", 0, fmt.Errorf("cannot use %q: no 2 MiB free", ramFolder)
	}
	file, err := os.CreateTemp(ramFolder, "rpcd-bench-")
	if err != nil {
		return "", 0, err
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7)
	}
	for written := int64(0); written < size && err == nil; written += int64(len(block)) {
		_, err = file.Write(block)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return file.Name(), size, err
}

// countBytes pipes argv's stdout into wc and returns the time that both took.
func (s *spawner) countBytes(argv []string, size int64) (time.Duration, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	wc, err := rig.LookFor("wc", "coreutils")
	if err != nil {
		return 0, err
	}
	data, stdout, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	count, counted, err := os.Pipe()
	if err != nil {
		data.Close()
		stdout.Close()
		return 0, err
	}
	defer count.Close()
	began := time.Now()
	// wc is started first and waits for the first byte. So the kernel places both
	// processes alike for every producer.
	consumer, err := s.start([]string{filepath.Clean(wc), "-c"}, data, counted, nil)
	data.Close()
	counted.Close()
	if err != nil {
		stdout.Close()
		return 0, err
	}
	producer, err := s.start(argv, nil, stdout, nil)
	stdout.Close() // so that wc sees the end, even if the producer didn't start
	var failed error
	if err == nil {
		_, failed = s.wait(producer)
	}
	_, werr := s.wait(consumer)
	took := time.Since(began)
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, failed
	case werr != nil:
		return 0, fmt.Errorf("wc: %w", werr)
	}
	return took, compareCount(count, size)
}

// compareCount compares what wc, which has exited, says with size.
func compareCount(count io.Reader, size int64) error {
	text, _ := io.ReadAll(io.LimitReader(count, 64))
	if got := strings.TrimSpace(string(text)); got != strconv.FormatInt(size, 10) {
		return fmt.Errorf("%s of %d bytes arrived", got, size)
	}
	return nil
}
