package topic

import "rpcd/rpcd/wire"

// item is records that were published together: a RECORDS frame's, or one that is
// large, or one that lies in a slot. Its bytes are shared by all queues and don't
// change.
type item struct {
	records wire.Records // where there is neither of the others
	large   []byte
	slot    *slot
	length  uint64 // of what lies in slot
	at      uint64 // the number of large's and slot's record
}

// number gives the first record a number.
func (i *item) number(n uint64) {
	if i.isOne() {
		i.at = n
	} else {
		i.records.SetFirst(n)
	}
}

func (i *item) isOne() bool { return i.large != nil || i.slot != nil }

// first is the number of the first record.
func (i *item) first() uint64 {
	if i.isOne() {
		return i.at
	}
	return i.records.First
}

// count is how many records there are.
func (i *item) count() int {
	if i.isOne() {
		return 1
	}
	return i.records.Len()
}

// size is the bytes that it takes in rpcd's memory.
func (i *item) size() int { return i.records.Size() + len(i.large) }

// cut keeps the first n records and gives the rest; n is less than there are.
func (i *item) cut(n int) item { return item{records: i.records.Cut(n)} }

// copied is a copy that keeps no more memory than its own records need: a few records
// of a long frame would else keep all of it.
func (i *item) copied() item { return item{records: i.records.Clone()} }

// last gives the last record alone.
func (i *item) last() item {
	n := i.count()
	if n == 1 {
		return *i
	}
	all := *i
	rest := all.cut(n - 1)
	return rest.copied()
}
