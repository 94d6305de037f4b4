package wire

// SignalAbandon is SIGNAL's flag ABANDON: the caller leaves now, so the worker
// kills without grace.
const SignalAbandon = 1

// MaxSignal is the last signal that crosses. Real-time signals, from 32 on, have
// no common meaning on two hosts.
const MaxSignal = 31

// Signal gives a SIGNAL frame.
func Signal(sig uint8, flags uint16) []byte { return Frame(TypeSignal, 0, flags, []byte{sig}) }

// ParseSignal reads a SIGNAL's payload: 1 to MaxSignal.
func ParseSignal(payload []byte) (uint8, error) {
	if len(payload) != 1 || payload[0] < 1 || payload[0] > MaxSignal {
		return 0, protocolError("a SIGNAL that is none")
	}
	return payload[0], nil
}
