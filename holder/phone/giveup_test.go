package phone_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strconv"
	"testing"
	"time"

	"tegata/holder/card"
	"tegata/holder/phone"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	phonestore "tegata/store/phone"
	"tegata/store/storetest"
)

// pairOf is what the phone holds, to be asked about later.
func (w *town) pairOf(p *phone.Phone) (list []*x509.Certificate) {
	w.t.Helper()
	l, err := p.Look(w.t.Context())
	w.must(err)
	for _, c := range l.Certificates {
		block, _ := pem.Decode([]byte(c.PEM))
		parsed, err := x509.ParseCertificate(block.Bytes)
		w.must(err)
		list = append(list, parsed)
	}
	return list
}

// ledgerSays is the state of a pair, and "mixed" when the two differ.
func (w *town) ledgerSays(pair []*x509.Certificate) status.Status {
	w.t.Helper()
	var said status.Status
	for i, kind := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign} {
		e, err := w.ledger.State(w.t.Context(), kind, pki.SerialOf(pair[i]))
		w.must(err)
		if i > 0 && e.Status != said {
			return "mixed"
		}
		said = e.Status
	}
	return said
}

func (w *town) network(p *phone.Phone, on bool) {
	w.t.Helper()
	w.must(p.Set(w.t.Context(), phone.Change{Network: &on}))
}

// A phone without a line is wiped when its person says so; its word is kept, outlives
// a factory reset, and is told as soon as there is a line.
func TestAPhoneIsWipedWithoutALine(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	pair := w.pairOf(p)
	w.network(p, false)
	if _, err := p.Stop(t.Context()); code(err) != phone.ErrNoNetwork.Code {
		t.Errorf("stopped without a line: %v", err)
	}
	w.must(p.ForceStop(t.Context()))
	look := func() phone.Look {
		t.Helper()
		l, err := p.LookNow(t.Context())
		w.must(err)
		return l
	}
	if l := look(); l.Untold.IsZero() || len(l.Certificates) > 0 || l.Receipt != nil || p.Element().HasKeys() {
		t.Errorf("wiped: %+v", l)
	}
	if got := w.ledgerSays(pair); got != status.Good {
		t.Errorf("nobody was told, and the pair is %s", got)
	}
	if err := p.Deliver(t.Context()); code(err) != phone.ErrNotRevokedYet.Code {
		t.Errorf("told without a line: %v", err)
	}
	if err := p.ForceStop(t.Context()); code(err) != phone.ErrNotRegistered.Code {
		t.Errorf("wiped twice: %v", err)
	}
	w.must(p.Reset(t.Context()))
	p = w.restart("a")
	if look().Untold.IsZero() {
		t.Fatal("a factory reset lost what was to be told")
	}
	w.network(p, true)
	w.now = w.now.Add(3 * 24 * time.Hour)
	w.cut(func(rw http.ResponseWriter, _ *http.Request) bool {
		http.Error(rw, "", http.StatusServiceUnavailable)
		return true
	})
	if err := p.Deliver(t.Context()); code(err) != phone.ErrNotRevokedYet.Code {
		t.Errorf("the authority was away: %v", err)
	}
	w.cut(func(rw http.ResponseWriter, r *http.Request) bool { // a copy of the element counts on
		httpd.WriteProblem(rw, r, ra.ErrElementSuspected)
		return true
	})
	if err := p.Deliver(t.Context()); code(err) != phone.ErrNotRevokedYet.Code || look().Untold.IsZero() {
		t.Errorf("a counter that is behind, and the order is given up: %v", err)
	}
	w.cut(nil)
	due, ok, err := w.phones.NextDue(t.Context())
	if err != nil || !ok || !due.Equal(w.now.Add(time.Hour)) {
		t.Fatalf("it is tried again at %v, %v, %v", due, ok, err)
	}
	w.now = due
	w.must(w.phones.RunDue(t.Context(), w.now))
	if got := w.ledgerSays(pair); got != status.Revoked {
		t.Errorf("told, and the pair is %s", got)
	}
	if l := look(); !l.Untold.IsZero() || l.Receipt == nil || l.Receipt.Tag != l.Tag {
		t.Errorf("told: %+v", l)
	} else if r, err := w.ra.Revocation(t.Context(), l.Receipt.ID); err != nil || !r.Clear {
		t.Errorf("the receipt shows %+v, %v", r, err)
	}
	if _, ok, err := w.phones.NextDue(t.Context()); err != nil || ok {
		t.Errorf("something is due: %v", err)
	}
}

// With a line nothing is wiped before the authority was told.
func TestForcingAPhoneWithALineStopsIt(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	pair := w.pairOf(p)
	w.must(p.ForceStop(t.Context()))
	if got := w.ledgerSays(pair); got != status.Revoked {
		t.Errorf("the pair is %s", got)
	}
	if l, err := p.Look(t.Context()); err != nil || !l.Untold.IsZero() || l.Receipt == nil {
		t.Errorf("%+v, %v", l, err)
	}
}

// A person who registers a new phone has no gap; the old one is wiped afterwards, and
// gets its receipt.
func TestTheOldPhoneGetsItsReceipt(t *testing.T) {
	w := newTown(t)
	c, old := w.hanako(), w.phone("old")
	w.enrol(c, old)
	pair := w.pairOf(old)
	next := w.phone("next")
	w.enrol(c, next)
	if got := w.ledgerSays(pair); got != status.Revoked {
		t.Fatalf("the old pair is %s", got)
	}
	l, err := old.LookNow(t.Context())
	w.must(err)
	if l.Stage != phone.StageEnded || l.Ended != "superseded" || !l.KeysLeft {
		t.Errorf("the old phone: %s %s %v", l.Stage, l.Ended, l.KeysLeft)
	}
	for range 2 { // pressed twice
		receipt, err := old.Stop(t.Context())
		w.must(err)
		r, err := w.ra.Revocation(t.Context(), receipt.ID)
		if err != nil || !r.Clear || r.Tag != l.Tag || receipt.Tag != l.Tag {
			t.Errorf("the receipt shows %+v, %v", r, err)
		}
	}
	if old.Element().HasKeys() {
		t.Error("the old phone is not wiped")
	}
	if got := w.ledgerSays(w.pairOf(next)); got != status.Good {
		t.Errorf("the new pair is %s", got)
	}
}

// killTown is a town whose phones a child process can open.
func killTown(t *testing.T) (w *town, c *card.Card, dsn string) {
	t.Helper()
	w = newTown(t)
	c = w.hanako()
	w.must(w.phones.Close())
	dsn = storetest.SQLite(t)
	db, err := store.Create(t.Context(), dsn)
	w.must(err)
	w.must(db.Migrate(t.Context(), phonestore.Schema))
	w.config.Store, w.config.GenerateKey = phonestore.New(db), nil
	w.phones = phone.New(w.config)
	return w, c, dsn
}

// TestKilledWhileForced kills the phone at every write of a forced deletion, and of its
// telling. Its keys never go before the order is kept, and whatever was killed when, the
// pair is revoked in the end and the receipt is the phone's.
func TestKilledWhileForced(t *testing.T) {
	w, c, dsn := killTown(t)
	moments := map[string]int{}
	for at := 1; at <= 200; at++ {
		id := "p" + strconv.Itoa(at)
		p := w.phone(id)
		w.enrol(c, p)
		pair := w.pairOf(p)
		w.network(p, false)
		w.must(w.phones.Close())
		o := childOrder{Dir: w.dir, DSN: dsn, Issuer: w.issuer, Now: w.clock(), Phone: id, DieAt: at, Do: "force-stop"}
		_, died := w.run(o, c)
		w.phones = phone.New(w.config)
		p, err := w.phones.Find(t.Context(), id)
		w.must(err)
		l, err := p.Look(t.Context())
		w.must(err)
		switch keys := p.Element().HasKeys(); {
		case keys && (!l.Untold.IsZero() || l.Stage != phone.StageRegistered):
			t.Fatalf("moment %d: the keys are here, and the phone says %s, untold since %v", at, l.Stage, l.Untold)
		case !keys && l.Untold.IsZero():
			t.Fatalf("moment %d: the keys are gone, and nobody will ever be told", at)
		case keys:
			w.must(p.ForceStop(t.Context()))
		}
		w.network(p, true)
		told := false
		if died { // and once more while it is told
			w.must(w.phones.Close())
			o.Do = "deliver"
			_, diedAgain := w.run(o, c)
			if diedAgain {
				moments[o.Do]++
			}
			w.phones = phone.New(w.config)
			p, err = w.phones.Find(t.Context(), id)
			w.must(err)
			l, err := p.Look(t.Context())
			w.must(err)
			told = l.Untold.IsZero()
			moments["force-stop"]++
		}
		if !told {
			w.must(p.Deliver(t.Context()))
		}
		if got := w.ledgerSays(pair); got != status.Revoked {
			t.Fatalf("moment %d: in the end the pair is %s", at, got)
		}
		l, err = p.Look(t.Context())
		w.must(err)
		if l.Receipt == nil || l.Receipt.Tag != l.Tag || !l.Untold.IsZero() {
			t.Fatalf("moment %d: %+v", at, l)
		}
		if r, err := w.ra.Revocation(t.Context(), l.Receipt.ID); err != nil || !r.Clear {
			t.Fatalf("moment %d: the receipt shows %+v, %v", at, r, err)
		}
		if !died {
			break
		}
	}
	t.Logf("killed at %v", moments)
	if moments["force-stop"] < 8 || moments["deliver"] < 4 {
		t.Error("too few moments")
	}
}
