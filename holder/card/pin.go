package card

import (
	"fmt"

	"tegata/holder/apdu"
	"tegata/internal/secret"
)

// A form decides whether bytes may become the new value of a secret.
type form func(b []byte) bool

// fourDigits is the form of a PIN.
func fourDigits(b []byte) bool { return len(b) == 4 && digits(string(b)) }

// capitalsAndDigits is the form of the signature password. Lower case is for the
// terminal to fold.
func capitalsAndDigits(b []byte) bool {
	if len(b) < 6 || len(b) > 16 {
		return false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// bytesRevealer lets bytes that arrived in a command become a verifier.
type bytesRevealer []byte

func (b bytesRevealer) Reveal(f func([]byte)) { f(b) }

// stateName is a file's name in the state: "jpki/0018".
func (d *directory) stateName(f *file) string { return fmt.Sprintf("%s/%04X", d.name, f.id) }

// verify is VERIFY, and without data the query of the counter, which never
// consumes a try and never answers anything but 63Cx: card programs stop at any
// other answer.
func (d *directory) verify(cmd apdu.Command) apdu.Response {
	f, sw := d.addressPIN(cmd, 0x00)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case len(cmd.Data) == 0:
		return apdu.Status(apdu.CounterSW(d.memory.triesLeft(d.stateName(f))))
	}
	sw = d.memory.try(d.stateName(f), bytesRevealer(cmd.Data))
	// A wrong value ends what a right one had opened.
	d.verified[f.id] = sw == apdu.SWOK
	return apdu.Status(sw)
}

// change is CHANGE REFERENCE DATA in the form `24 01`: the new value alone,
// after VERIFY on the same file.
func (d *directory) change(cmd apdu.Command) apdu.Response {
	f, sw := d.addressPIN(cmd, 0x01)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case d.memory.triesLeft(d.stateName(f)) == 0:
		return apdu.Status(apdu.SWBlocked)
	case !d.verified[f.id]:
		return apdu.Status(apdu.SWNotAllowed)
	case len(cmd.Data) == 0:
		return apdu.Status(apdu.SWWrongLength)
	case !f.secret(cmd.Data):
		return apdu.Status(apdu.SWWrongData)
	}
	if err := d.memory.setSecret(d.stateName(f), bytesRevealer(cmd.Data)); err != nil {
		return apdu.Status(apdu.SWMemoryFailure)
	}
	return apdu.OK(nil)
}

func (d *directory) addressPIN(cmd apdu.Command, p1 byte) (*file, uint16) {
	if cmd.P1 != p1 {
		return nil, apdu.SWWrongP1P2
	}
	f, sw := d.address(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return nil, sw
	case f.kind != pinFile:
		return nil, apdu.SWWrongFileType
	}
	return f, apdu.SWOK
}

func (m *memory) triesLeft(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Secrets[name].Left
}

// try compares value with the secret and returns 9000, 63Cx with the tries left,
// 6984 when there were none, or 6581 when the state could not be written.
//
// The order is the point: the counter goes down on the disk before the values
// are compared, and comes back up only after they were found equal. Whoever cuts
// the power in between has lost a try.
func (m *memory) try(name string, value secret.Revealer) uint16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	ref := m.state.Secrets[name]
	if ref.Left <= 0 {
		return apdu.SWBlocked // the right value too
	}
	ref.Left--
	next := m.state.clone()
	next.Secrets[name] = ref
	if err := m.commit(next); err != nil {
		// Nobody knows what is on the disk: stay on the side that gives nothing.
		m.state = next
		return apdu.SWMemoryFailure
	}
	if !ref.Verifier.Matches(value) {
		return apdu.CounterSW(ref.Left)
	}
	ref.Left = ref.Max
	next = m.state.clone()
	next.Secrets[name] = ref
	if err := m.commit(next); err != nil {
		return apdu.SWMemoryFailure
	}
	return apdu.SWOK
}

// setSecret gives a secret a new value and all its tries, durably.
func (m *memory) setSecret(name string, value secret.Revealer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.state.clone()
	next.set(name, value)
	return m.commit(next)
}

// set replaces the value of a secret in s.
func (s *state) set(name string, value secret.Revealer) {
	ref := s.Secrets[name]
	ref.Verifier = secret.NewVerifier(value, s.Cost)
	ref.Left = ref.Max
	s.Secrets[name] = ref
}
