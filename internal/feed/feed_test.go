package feed_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// issuer signs batches.
type issuer struct {
	t     *testing.T
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

func newIssuer(t *testing.T) *issuer {
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), now)
	key := pkitest.ECKey(t)
	return &issuer{t, key, []*x509.Certificate{ops.Party(t, key.Public(), "issuer", pki.RoleFeed, pkitest.Leaf{})}}
}

func (i *issuer) sign(b feed.Batch) string {
	i.t.Helper()
	if b.Issuer == "" {
		b.Issuer = "http://issuer"
	}
	compact, err := feed.Sign(i.key, i.chain, b)
	if err != nil {
		i.t.Fatal(err)
	}
	return compact
}

func entry(seq uint64, serial byte, s feed.Status) feed.Entry {
	e := feed.Entry{Seq: seq, Authority: "phone-auth", Serial: pki.Serial{0x40, 15: serial}.String(), Status: s, AtMS: now.UnixMilli(), GoodMS: now.UnixMilli()}
	switch s {
	case feed.Held:
		e.Reason = 6
	case feed.Revoked:
		e.Reason = 4
	}
	return e
}

func apply(t *testing.T, x *feed.Index, compact string, at time.Time) error {
	t.Helper()
	m, err := feed.Parse(compact)
	if err != nil {
		t.Fatal(err)
	}
	return x.Apply(m, at)
}

func look(t *testing.T, x *feed.Index, serial byte, at time.Time) string {
	t.Helper()
	e, _, known, err := x.Lookup("phone-auth", pki.Serial{0x40, 15: serial}.String(), at)
	switch {
	case err != nil:
		return "stale"
	case !known:
		return "unknown"
	}
	return string(e.Status)
}

func TestAFollowerSeesWhatTheIssuerSays(t *testing.T) {
	i, x := newIssuer(t), feed.NewIndex("http://issuer", 0)
	if got := look(t, x, 1, now); got != "stale" {
		t.Errorf("before the first batch: %s", got)
	}
	first := i.sign(feed.Batch{To: 2, AtMS: now.UnixMilli(), Snapshot: true, More: true, Entries: []feed.Entry{entry(2, 1, feed.Good)}})
	if err := apply(t, x, first, now); err != nil {
		t.Fatal(err)
	}
	if got := look(t, x, 1, now); got != "stale" {
		t.Errorf("in the middle of the snapshot: %s", got)
	}
	second := i.sign(feed.Batch{From: 2, To: 5, Prev: feed.Hash(first), AtMS: now.UnixMilli(), Snapshot: true, Entries: []feed.Entry{entry(4, 2, feed.Held)}})
	if err := apply(t, x, second, now); err != nil {
		t.Fatal(err)
	}
	if look(t, x, 1, now) != "good" || look(t, x, 2, now) != "held" || look(t, x, 3, now) != "unknown" {
		t.Error("after the snapshot")
	}
	beat := i.sign(feed.Batch{From: 5, To: 5, Prev: feed.Hash(second), AtMS: now.Add(50 * time.Second).UnixMilli()})
	if err := apply(t, x, beat, now.Add(50*time.Second)); err != nil {
		t.Fatal(err)
	}
	// An empty batch is not the previous batch of the next.
	third := i.sign(feed.Batch{From: 5, To: 6, Prev: feed.Hash(second), AtMS: now.Add(70 * time.Second).UnixMilli(), Entries: []feed.Entry{entry(6, 1, feed.Revoked)}})
	if err := apply(t, x, third, now.Add(70*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := look(t, x, 1, now.Add(130*time.Second)); got != "revoked" {
		t.Errorf("60 seconds after the last word: %s", got)
	}
	if got := look(t, x, 1, now.Add(131*time.Second)); got != "stale" {
		t.Errorf("61 seconds after the last word: %s", got)
	}
	if after, prev := x.Position(); after != 6 || prev != feed.Hash(third) {
		t.Errorf("position %d %s", after, prev)
	}
}

func TestWhatDoesNotContinue(t *testing.T) {
	i := newIssuer(t)
	start := i.sign(feed.Batch{To: 3, AtMS: now.UnixMilli(), Snapshot: true, Entries: []feed.Entry{entry(1, 1, feed.Good)}})
	h := feed.Hash(start)
	at := now.UnixMilli()
	for _, c := range []struct {
		name  string
		batch feed.Batch
		later time.Duration
		want  error
	}{
		{"a gap", feed.Batch{From: 4, To: 5, Prev: h, AtMS: at, Entries: []feed.Entry{entry(5, 1, feed.Revoked)}}, 0, feed.ErrGap},
		{"another previous batch", feed.Batch{From: 3, To: 4, Prev: feed.Hash("x"), AtMS: at, Entries: []feed.Entry{entry(4, 1, feed.Revoked)}}, 0, feed.ErrGap},
		{"the same again", feed.Batch{To: 3, AtMS: at, Snapshot: true, Entries: []feed.Entry{entry(1, 1, feed.Good)}}, 0, feed.ErrGap},
		{"another feed", feed.Batch{Issuer: "http://other", From: 3, To: 3, Prev: h, AtMS: at}, 0, feed.ErrOtherIssuer},
		{"an older moment", feed.Batch{From: 3, To: 3, Prev: h, AtMS: at - 1}, 0, feed.ErrBack},
		{"a moment of the future", feed.Batch{From: 3, To: 3, Prev: h, AtMS: at + 31_000}, 0, feed.ErrBack},
		{"played back a minute later", feed.Batch{From: 3, To: 3, Prev: h, AtMS: at}, 61 * time.Second, feed.ErrStale},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := feed.NewIndex("http://issuer", 0)
			if err := apply(t, x, start, now); err != nil {
				t.Fatal(err)
			}
			if err := apply(t, x, i.sign(c.batch), now.Add(c.later)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if after, prev := x.Position(); after != 3 || prev != h || look(t, x, 1, now) != "good" {
				t.Error("the refused batch changed the index")
			}
		})
	}
}

func TestASnapshotMayNotStepBack(t *testing.T) {
	i := newIssuer(t)
	old := i.sign(feed.Batch{To: 3, AtMS: now.UnixMilli(), Snapshot: true, Entries: []feed.Entry{entry(1, 1, feed.Good)}})
	x := feed.NewIndex("http://issuer", 4) // 4 was seen before the restart
	if err := apply(t, x, old, now); !errors.Is(err, feed.ErrBack) {
		t.Errorf("after a restart: %v", err)
	}
	x = feed.NewIndex("http://issuer", 0)
	newer := i.sign(feed.Batch{To: 5, AtMS: now.UnixMilli(), Snapshot: true, Entries: []feed.Entry{entry(5, 1, feed.Revoked)}})
	if err := apply(t, x, newer, now); err != nil {
		t.Fatal(err)
	}
	x.Restart()
	if got := look(t, x, 1, now); got != "revoked" {
		t.Errorf("while beginning again: %s", got)
	}
	if err := apply(t, x, old, now); !errors.Is(err, feed.ErrBack) {
		t.Errorf("in one run: %v", err)
	}
	if got := look(t, x, 1, now); got != "revoked" {
		t.Errorf("after the step back was refused: %s", got)
	}
	x.Restart()
	if err := apply(t, x, newer, now); err != nil || look(t, x, 1, now) != "revoked" {
		t.Errorf("beginning again: %v", err)
	}
}

func TestABatchThatIsNotWhole(t *testing.T) {
	i := newIssuer(t)
	ok := feed.Batch{Issuer: "i", From: 1, To: 2, Prev: feed.Hash("x"), AtMS: 1, Entries: []feed.Entry{entry(2, 1, feed.Good)}}
	if _, err := feed.Sign(i.key, i.chain, ok); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*feed.Batch){
		"a change left out":        func(b *feed.Batch) { b.To = 3 },
		"out of order":             func(b *feed.Batch) { b.To, b.Entries = 3, []feed.Entry{entry(3, 1, feed.Good), entry(2, 1, feed.Good)} },
		"backwards":                func(b *feed.Batch) { b.From, b.To = 2, 1 },
		"a beginning of changes":   func(b *feed.Batch) { b.From, b.Prev = 0, "" },
		"more of changes":          func(b *feed.Batch) { b.More = true },
		"a serial in capitals":     func(b *feed.Batch) { b.Entries[0].Serial = "4A0000000000000000000000000000AA" },
		"held for another reason":  func(b *feed.Batch) { b.Entries[0] = entry(2, 1, feed.Held); b.Entries[0].Reason = 1 },
		"revoked to be on hold":    func(b *feed.Batch) { b.Entries[0] = entry(2, 1, feed.Revoked); b.Entries[0].Reason = 6 },
		"good since no moment":     func(b *feed.Batch) { b.Entries[0].GoodMS = 0 },
		"a status that is not one": func(b *feed.Batch) { b.Entries[0].Status = "fine" },
	} {
		b := ok
		b.Entries = append([]feed.Entry(nil), ok.Entries...)
		change(&b)
		if _, err := feed.Sign(i.key, i.chain, b); !errors.Is(err, feed.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
