package status

import (
	"fmt"
	"maps"
	"time"

	"tegata/internal/pki"
)

// index is what the responder answers from: 17 bytes a certificate, and a little
// more for those that are not good.
type index struct {
	slots  []slot              // issuers, in the order they were first seen
	issued map[pki.Serial]cell // every certificate that was ever issued
	ended  map[pki.Serial]ended
	// recent holds since when (Unix seconds) certificates are good that became so a
	// short time ago: an answer as of an earlier moment must not say it yet.
	recent map[pki.Serial]int64
	sweep  int // size of recent at which it is swept
}

type slot struct {
	kind       pki.Kind
	generation int
}

// cell is the issuer's slot (6 bits) and the status (2 bits).
type cell uint8

// ended is why and since when a certificate is not good.
type ended struct {
	since  int64 // Unix seconds
	reason uint8
}

const maxSlots = 64

var statusBits = [...]Status{Good, Held, Revoked}

func newIndex() *index {
	return &index{issued: map[pki.Serial]cell{}, ended: map[pki.Serial]ended{}, recent: map[pki.Serial]int64{}, sweep: 1024}
}

func (x *index) slotOf(kind pki.Kind, generation int) (int, error) {
	for i, s := range x.slots {
		if s.kind == kind && s.generation == generation {
			return i, nil
		}
	}
	if len(x.slots) == maxSlots {
		return 0, fmt.Errorf("status: more than %d generations of authorities", maxSlots)
	}
	x.slots = append(x.slots, slot{kind, generation})
	return len(x.slots) - 1, nil
}

// put takes in one entry; now is the ledger's clock.
func (x *index) put(e Entry, now time.Time) error {
	s, err := x.slotOf(e.Kind, e.Generation)
	if err != nil {
		return err
	}
	for bits, status := range statusBits {
		if status == e.Status {
			x.issued[e.Serial] = cell(s<<2 | bits)
		}
	}
	if e.Status != Good {
		x.ended[e.Serial] = ended{e.Since.Unix(), uint8(e.Reason)}
		return nil
	}
	delete(x.ended, e.Serial)
	if old := now.Add(-2 * maxAge); e.GoodSince.After(old) {
		x.recent[e.Serial] = e.GoodSince.Unix()
		if len(x.recent) >= x.sweep {
			maps.DeleteFunc(x.recent, func(_ pki.Serial, since int64) bool { return since < old.Unix() })
			x.sweep = max(1024, 2*len(x.recent))
		}
	}
	return nil
}

// tells says whether what x knows of serial was already true at moment, in the
// whole seconds of an answer.
func (x *index) tells(serial pki.Serial, moment time.Time) bool {
	return x.recent[serial] <= moment.Unix()
}

// finding is what the index knows of one certificate. The zero finding is Unknown.
type finding struct {
	status Status // empty: never issued by that issuer
	ended
}

func (x *index) find(kind pki.Kind, generation int, serial pki.Serial) finding {
	c, ok := x.issued[serial]
	if !ok {
		return finding{}
	}
	if s := x.slots[c>>2]; s.kind != kind || s.generation != generation {
		return finding{} // another authority's: this one never issued it
	}
	f := finding{status: statusBits[c&3]}
	if f.status != Good {
		f.ended = x.ended[serial]
	}
	return f
}

func (f finding) revocationTime() time.Time { return time.Unix(f.since, 0).UTC() }
