package status_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
)

var errCut = errors.New("the line to the database is cut")

// cutOff is a store whose line can be cut.
type cutOff struct {
	*issuer.Store
	reads  atomic.Bool // changes cannot be read
	answer atomic.Bool // a commit is made, but nobody hears of it
}

func (c *cutOff) StatusChanges(ctx context.Context, after int64, limit int) ([]status.Recorded, error) {
	if c.reads.Load() {
		return nil, errCut
	}
	return c.Store.StatusChanges(ctx, after, limit)
}

func (c *cutOff) ApplyChanges(ctx context.Context, who audit.Actor, changes ...status.Change) error {
	err := c.Store.ApplyChanges(ctx, who, changes...)
	if c.answer.Load() {
		return errCut
	}
	return err
}

// second is another process over the same database, whose line can be cut.
func second(t *testing.T, i *issuertest.Issuer, options ...status.Option) (*status.Responder, *status.Ledger, *cutOff) {
	t.Helper()
	line := &cutOff{Store: issuer.New(i.DB)}
	ledger, err := status.OpenLedger(t.Context(), line, i.Clock.Now, options...)
	if err != nil {
		t.Fatal(err)
	}
	return status.NewResponder(ledger, i.CA), ledger, line
}

var tryLater = []byte{0x30, 3, 0x0A, 1, 3}

func TestAResponderThatIsCutOffStopsSayingGood(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	issuer := i.CA.Authority(pki.PhoneAuth)
	responder, _, line := second(t, i, status.Shared(5*time.Second))
	request := query{ids: [][]byte{certID(issuer, cert.SerialNumber, crypto.SHA1)}}.der()

	i.Clock.Walk(10 * time.Second)
	answer, err := ocsp.ParseResponse(responder.Answer(t.Context(), request), issuer)
	if err != nil || answer.Status != ocsp.Good {
		t.Fatal(answer, err)
	}
	if lag := i.Clock.Now().Sub(answer.ThisUpdate); lag != 5*time.Second {
		t.Errorf("it lags by %v: another process may still be writing", lag)
	}
	line.reads.Store(true)
	i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(cert), Op: status.Revoke, Reason: status.KeyCompromise})
	date := i.Clock.Now()
	for range 8 {
		i.Clock.Walk(9 * time.Second)
		der := responder.Answer(t.Context(), request)
		if bytes.Equal(der, tryLater) {
			continue
		}
		answer, err := ocsp.ParseResponse(der, issuer)
		if err != nil || answer.Status == ocsp.Good && answer.ThisUpdate.After(date) {
			t.Fatalf("cut off, it says %+v, %v", answer, err)
		}
	}
	if der := responder.Answer(t.Context(), request); !bytes.Equal(der, tryLater) {
		t.Errorf("cut off for more than a minute it says %x", der[:8])
	}
	line.reads.Store(false)
	i.Clock.Walk(time.Second)
	if answer, err := ocsp.ParseResponse(responder.Answer(t.Context(), request), issuer); err != nil || answer.Status != ocsp.Revoked {
		t.Errorf("connected again: %v, %v", answer, err)
	}
}

func TestAnotherProcessFollowsWithinASecond(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	issuer := i.CA.Authority(pki.PhoneAuth)
	responder, _, _ := second(t, i)
	request := query{ids: [][]byte{certID(issuer, cert.SerialNumber, crypto.SHA256)}}.der()
	for n, op := range []status.Op{status.Open, status.Lift, status.Open} {
		i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(cert), Op: op, Cause: status.Lost})
		i.Clock.Walk(time.Second)
		want := []int{ocsp.Revoked, ocsp.Good, ocsp.Revoked}[n]
		if answer, err := ocsp.ParseResponse(responder.Answer(t.Context(), request), issuer); err != nil || answer.Status != want {
			t.Errorf("after %s: %v, %v", op, answer, err)
		}
	}
}

// The commit is made, its answer lost and the ledger unreadable: until it can be
// read again, answers remain at the moment before.
func TestACommitNobodyHeardOfIsNotContradicted(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	authority := i.CA.Authority(pki.PhoneAuth)
	responder, ledger, line := second(t, i)
	request := query{ids: [][]byte{certID(authority, cert.SerialNumber, crypto.SHA1)}}.der()
	date := i.Clock.Now()
	line.reads.Store(true)
	line.answer.Store(true)
	err := ledger.Apply(t.Context(), issuertest.Who, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(cert), Op: status.Revoke, Reason: status.Superseded})
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	for range 6 {
		i.Clock.Walk(8 * time.Second)
		answer, err := ocsp.ParseResponse(responder.Answer(t.Context(), request), authority)
		if err != nil || answer.ThisUpdate.After(date) {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	line.reads.Store(false)
	if answer, err := ocsp.ParseResponse(responder.Answer(t.Context(), request), authority); err != nil || answer.Status != ocsp.Revoked {
		t.Errorf("read again: %v, %v", answer, err)
	}
}

func TestABackwardClockAnswersNothing(t *testing.T) {
	i := issuertest.New(t)
	cert := i.Issue(t, pki.PhoneAuth, 0, "")
	authority := i.CA.Authority(pki.PhoneAuth)
	request := query{ids: [][]byte{certID(authority, cert.SerialNumber, crypto.SHA1)}}.der()
	i.Clock.Walk(10 * time.Second)
	ask(t, i, pki.PhoneAuth, cert.SerialNumber, crypto.SHA1)
	i.Clock.Walk(-time.Second) // a leap second, or a correction
	if answer, err := ocsp.ParseResponse(i.Handler.Responder.Answer(t.Context(), request), authority); err != nil || answer.Status != ocsp.Good {
		t.Errorf("within the tolerance: %v, %v", answer, err)
	}
	i.Clock.Walk(-time.Hour)
	if der := i.Handler.Responder.Answer(t.Context(), request); !bytes.Equal(der, tryLater) {
		t.Errorf("an hour back it says %x", der[:8])
	}
	if err := i.Handler.Ready(t.Context()); !errors.Is(err, status.ErrBehind) {
		t.Errorf("readiness: %v", err)
	}
	err := i.Ledger.Apply(t.Context(), issuertest.Who, status.Change{Kind: pki.PhoneAuth, Serial: pki.SerialOf(cert), Op: status.Open, Cause: status.Lost})
	if !errors.Is(err, status.ErrBehind) {
		t.Errorf("a change: %v", err)
	}
	again, err := status.OpenLedger(t.Context(), issuer.New(i.DB), i.Clock.Now) // a restart does not forget the last change
	if err != nil || !errors.Is(again.Steady(), status.ErrBehind) {
		t.Errorf("after a restart: %v", err)
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	i := issuertest.New(t)
	a, b := pki.SerialOf(i.Issue(t, pki.PhoneAuth, 0, status.Unregistered)), pki.SerialOf(i.Issue(t, pki.PhoneSign, 1, ""))
	before, _ := i.Ledger.Changed()
	err := i.Ledger.Apply(t.Context(), issuertest.Who,
		status.Change{Kind: pki.PhoneAuth, Serial: a, Op: status.Lift, Cause: status.Unregistered},
		status.Change{Kind: pki.PhoneSign, Serial: b, Op: status.Revoke, Reason: status.Superseded},
		status.Change{Kind: pki.PhoneSign, Serial: a, Op: status.Open, Cause: status.Lost}) // of another kind
	if !errors.Is(err, status.ErrUnknown) {
		t.Fatal(err)
	}
	state, err := i.Ledger.State(t.Context(), pki.PhoneAuth, a)
	if err != nil || state.Status != status.Held || len(state.Holds) != 1 {
		t.Errorf("the first change was kept: %+v, %v", state, err)
	}
	if after, _ := i.Ledger.Changed(); after != before {
		t.Errorf("the sequence moved from %d to %d", before, after)
	}
	// Repeating changes nothing: no sequence number, no audit record.
	change := status.Change{Kind: pki.PhoneSign, Serial: b, Op: status.Revoke, Reason: status.Superseded}
	i.Apply(t, change)
	seq, _ := i.Ledger.Changed()
	records, _, err := i.DB.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.Apply(t, change, change)
	if again, _ := i.Ledger.Changed(); again != seq {
		t.Error("a repeated change was counted")
	}
	if again, _, err := i.DB.AuditHead(t.Context()); err != nil || again != records {
		t.Errorf("a repeated change was audited: %v", err)
	}
}

// slowReads is a store whose changes are read when the test says so.
type slowReads struct {
	*issuer.Store
	reads  atomic.Int64
	inside chan struct{}
	goOn   chan struct{}
}

func (s *slowReads) StatusChanges(ctx context.Context, after int64, limit int) ([]status.Recorded, error) {
	list, err := s.Store.StatusChanges(ctx, after, limit)
	if s.reads.Add(1) == 1 {
		close(s.inside) // the first has read what there was and is slow to say it
		<-s.goOn
	}
	return list, err
}

// Those who wait for a reading share the next one, and each finds its own change in
// what is answered when it returns.
func TestChangesThatWaitAreReadTogether(t *testing.T) {
	i := issuertest.New(t)
	const people = 6
	var serials []pki.Serial
	for n := range people {
		serials = append(serials, pki.SerialOf(i.Issue(t, pki.PhoneAuth, n, "")))
	}
	line := &slowReads{Store: issuer.New(i.DB), inside: make(chan struct{}), goOn: make(chan struct{})}
	ledger, err := status.OpenLedger(t.Context(), line, i.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	responder := status.NewResponder(ledger, i.CA)
	authority := i.CA.Authority(pki.PhoneAuth)
	done := make(chan error, people)
	for n, serial := range serials {
		go func() {
			err := ledger.Apply(t.Context(), issuertest.Who, status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Revoke, Reason: status.KeyCompromise})
			if err == nil {
				der := responder.Answer(t.Context(), query{ids: [][]byte{certID(authority, serial.Big(), crypto.SHA1)}}.der())
				answer, problem := ocsp.ParseResponse(der, authority)
				if problem != nil || answer.Status != ocsp.Revoked {
					err = errors.New("acknowledged, and not shown")
				}
			}
			done <- err
		}()
		if n == 0 {
			<-line.inside
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ledger.Asked() < people; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a change waits for a reading")
		}
	}
	close(line.goOn)
	for range people {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := line.reads.Load(); n > 2 {
		t.Errorf("%d readings of %d changes, not the one under way and the next", n, people)
	}
}
