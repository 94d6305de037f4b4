package wire

// PipeBuf is how many bytes a writer of a pipe may write at once and have them
// stay together: PIPE_BUF, pipe(7).
const PipeBuf = 4096

// maxBatch is the memory of a Batch in bytes. Larger system calls are no faster.
const maxBatch = 64 << 10

// Batch gathers DATA frames of an Out, which leave by one write. A frame of up to
// PipeBuf bytes has whole units, which are what Add was told. A larger frame can be
// cut at each PipeBuf bytes (PROTOCOL.md, section 4). One goroutine uses a Batch. An
// empty one holds no memory.
type Batch struct {
	out   *Out
	buf   []byte // frames, and room; nil: none is held
	used  int    // bytes of buf
	bytes int    // of payload
	frame int    // where the last frame begins in buf, if used > 0
	next  int    // where the room begins
}

// Batch makes an empty one.
func (o *Out) Batch() *Batch { return &Batch{out: o} }

// Room gives where the next unit of n bytes goes, of left bytes that are known to
// come; n is at most PipeBuf, or a multiple of it up to half of maxBatch. If the
// batch is full, Room sends it first. The error is that of Send.
func (b *Batch) Room(n, left int) ([]byte, error) {
	if b.buf != nil && b.used+HeaderLen+n > len(b.buf) {
		if err := b.Send(); err != nil {
			return nil, err
		}
	}
	if b.buf == nil {
		left = max(left, n)
		headers := (left/(PipeBuf/2) + 2) * HeaderLen // two frames in a row have more than PipeBuf bytes
		b.buf = getBuffer(max(min(left+headers, maxBatch), PipeBuf))
	}
	b.next = b.used + HeaderLen
	if b.used > 0 && joins(b.used-b.frame-HeaderLen, n) {
		b.next = b.used
	}
	return b.buf[b.next : b.next+n], nil
}

// joins says whether a unit of n bytes goes into a frame that has some already.
func joins(has, n int) bool {
	return has+n <= PipeBuf || has%PipeBuf == 0 && n%PipeBuf == 0 && has+n <= MaxData
}

// Add adds the first n bytes of the room.
func (b *Batch) Add(n int) {
	if b.next != b.used {
		b.frame = b.used
	}
	b.used = b.next + n
	b.bytes += n
	b.out.putHeader(b.buf[b.frame:], b.used-b.frame-HeaderLen, 0)
}

// Send sends what was added, and takes it off the credit. It waits only for the
// connection. The errors are those of Header and of the connection.
func (b *Batch) Send() error {
	defer b.Free()
	if b.bytes == 0 {
		return nil
	}
	if err := b.out.spend(b.bytes); err != nil {
		return err
	}
	return b.out.relay.write(b.buf[:b.used])
}

// Free drops what wasn't sent, and gives the memory back. The batch can be used
// again.
func (b *Batch) Free() {
	if b.buf != nil {
		putBuffer(b.buf)
	}
	*b = Batch{out: b.out}
}
