package status_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store/issuer/issuertest"
)

// said is one answer that somebody got.
type said struct {
	kind       pki.Kind
	serial     pki.Serial
	thisUpdate time.Time
}

// checkPromise holds every "Good" that was said against the whole history of the
// ledger: promise 3. A status answer never says Good for a certificate that was
// never issued, or was revoked or held before its ThisUpdate.
func checkPromise(t *testing.T, i *issuertest.Issuer, good []said) {
	t.Helper()
	var history []status.Recorded
	for after := int64(0); ; {
		list, err := i.Store.StatusChanges(t.Context(), after, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		history = append(history, list...)
		after = list[len(list)-1].Seq
	}
	bySerial := map[pki.Serial][]status.Recorded{}
	for _, r := range history {
		bySerial[r.Serial] = append(bySerial[r.Serial], r)
	}
	for _, s := range good {
		rows := bySerial[s.serial]
		if len(rows) == 0 || rows[0].Kind != s.kind {
			t.Fatalf("Good was said of %s %s, which was never issued", s.kind, s.serial)
		}
		if s.thisUpdate.Before(rows[0].At.Truncate(time.Second)) {
			t.Fatalf("Good was said of %s before it was issued", s.serial)
		}
		for n, r := range rows {
			if r.Status == status.Good {
				continue
			}
			until := time.Unix(1<<40, 0)
			for _, later := range rows[n+1:] {
				if later.Status == status.Good {
					until = later.At.Truncate(time.Second)
					break
				}
			}
			if r.Since.Truncate(time.Second).Before(s.thisUpdate) && s.thisUpdate.Before(until) {
				t.Fatalf("Good was said as of %v of %s, which was %s since %v (until %v)", s.thisUpdate, s.serial, r.Status, r.Since, until)
			}
		}
	}
}

// One person after another, in every order that a random walk finds.
func TestNeverGoodUnlessGood(t *testing.T) {
	for seed := range uint64(3) {
		i := issuertest.New(t)
		random := rand.New(rand.NewPCG(seed, 3))
		var serials []pki.Serial
		var good []said
		answers := map[int]int{}
		for range 150 {
			i.Clock.Walk(time.Duration(random.IntN(1500)) * time.Millisecond)
			switch random.IntN(8) {
			case 0:
				hold := status.Cause("")
				if random.IntN(2) == 0 {
					hold = status.Unregistered
				}
				serials = append(serials, pki.SerialOf(i.Issue(t, pki.PhoneAuth, random.IntN(8), hold)))
			case 1:
				draft, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.PhoneAuth, random.IntN(8)))
				if err != nil {
					t.Fatal(err)
				}
				serials = append(serials, draft.Serial())
			case 2, 3:
				if len(serials) > 0 {
					applyAny(t, i, random, serials)
				}
			default:
				serial := pki.RandomSerial()
				if len(serials) > 0 && random.IntN(10) > 0 {
					serial = serials[random.IntN(len(serials))]
				}
				h := []crypto.Hash{crypto.SHA1, crypto.SHA256}[random.IntN(2)]
				r := ask(t, i, pki.PhoneAuth, serial.Big(), h)
				answers[r.Status]++
				if r.Status == ocsp.Good {
					good = append(good, said{pki.PhoneAuth, serial, r.ThisUpdate})
				}
				compareWithLedger(t, i, serial, r)
			}
		}
		if len(answers) != 3 {
			t.Errorf("seed %d: the walk saw only %v", seed, answers)
		}
		checkPromise(t, i, good)
	}
}

func applyAny(t *testing.T, i *issuertest.Issuer, random *rand.Rand, serials []pki.Serial) {
	t.Helper()
	var changes []status.Change
	for range 1 + random.IntN(3) {
		changes = append(changes, anyChange(random, serials[random.IntN(len(serials))], i.Clock.Now()))
	}
	err := i.Ledger.Apply(t.Context(), issuertest.Who, changes...)
	if err != nil && !errors.Is(err, status.ErrUnknown) && !errors.Is(err, status.ErrFinal) {
		t.Fatal(err)
	}
}

func anyChange(random *rand.Rand, serial pki.Serial, at time.Time) status.Change {
	c := status.Change{Kind: pki.PhoneAuth, Serial: serial, At: at.Add(-time.Duration(random.IntN(5000)) * time.Millisecond)}
	cause := status.Causes()[random.IntN(4)]
	switch random.IntN(6) {
	case 0:
		c.Op, c.Reason = status.Revoke, []int{0, 1, 4, 5}[random.IntN(4)]
	case 1, 2:
		c.Op, c.Cause = status.Open, cause
	default:
		c.Op, c.Cause = status.Lift, cause
	}
	return c
}

// compareWithLedger holds an answer given while nothing else happens against the
// ledger itself.
func compareWithLedger(t *testing.T, i *issuertest.Issuer, serial pki.Serial, r *ocsp.Response) {
	t.Helper()
	e, err := i.Ledger.State(t.Context(), pki.PhoneAuth, serial)
	want := map[status.Status]int{status.Good: ocsp.Good, status.Held: ocsp.Revoked, status.Revoked: ocsp.Revoked}[e.Status]
	if errors.Is(err, status.ErrUnknown) {
		want = ocsp.Unknown
	}
	if r.Status != want || want == ocsp.Revoked && (r.RevocationReason != e.Reason || !r.RevokedAt.Equal(e.Since.Truncate(time.Second))) {
		t.Fatalf("the answer is %d (%d, %v), the ledger says %+v", r.Status, r.RevocationReason, r.RevokedAt, e)
	}
}

// Everybody at once, on a clock that runs on while commits are slow.
func TestNeverGoodUnlessGoodWhileOthersWrite(t *testing.T) {
	var clock *issuertest.Clock
	slow := func(m durable.Moment) {
		if clock != nil {
			clock.Walk(700 * time.Millisecond) // between the date and the commit, and after it
			time.Sleep(time.Millisecond)
		}
	}
	i := issuertest.NewHooked(t, slow)
	var serials []pki.Serial
	for n := range 4 {
		serials = append(serials, pki.SerialOf(i.Issue(t, pki.PhoneAuth, n, "")))
	}
	authority := i.CA.Authority(pki.PhoneAuth)
	ask(t, i, pki.PhoneAuth, serials[0].Big(), crypto.SHA1) // the responder's certificate is made
	clock = i.Clock

	var mu sync.Mutex // guards good
	var good []said
	stop := make(chan struct{})
	var askers, writers sync.WaitGroup
	for n := range 3 {
		askers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 5))
			for {
				select {
				case <-stop:
					return
				default:
				}
				serial := serials[random.IntN(len(serials))]
				r, err := ocsp.ParseResponse(i.Handler.Responder.Answer(t.Context(), query{ids: [][]byte{certID(authority, serial.Big(), crypto.SHA1)}}.der()), authority)
				i.Clock.Walk(50 * time.Millisecond)
				if err != nil {
					continue // try later: it says nothing
				}
				if r.Status == ocsp.Good {
					mu.Lock()
					good = append(good, said{pki.PhoneAuth, serial, r.ThisUpdate})
					mu.Unlock()
				}
			}
		})
	}
	for n := range 2 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			for range 15 {
				serial := serials[random.IntN(len(serials))]
				cause := status.Causes()[n]
				change := status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Open, Cause: cause, At: i.Clock.Now()}
				if err := i.Ledger.Apply(t.Context(), issuertest.Who, change); err != nil {
					t.Error(err)
				}
				if random.IntN(2) == 0 {
					change.Op = status.Lift
					if err := i.Ledger.Apply(t.Context(), issuertest.Who, change); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	askers.Wait()
	if len(good) < 20 {
		t.Errorf("only %d answers said Good: nothing was tried", len(good))
	}
	t.Logf("%d answers said Good", len(good))
	checkPromise(t, i, good)
}

// The same promise for lists: what is absent from a CRL was not revoked before its
// thisUpdate.
func TestACRLMissesNothingRevokedBeforeIt(t *testing.T) {
	i := issuertest.New(t)
	random := rand.New(rand.NewPCG(1, 9))
	var serials []pki.Serial
	var good []said
	for range 12 {
		serials = append(serials, pki.SerialOf(i.Issue(t, pki.PhoneSign, random.IntN(8), "")))
	}
	for range 60 {
		i.Clock.Walk(time.Duration(random.IntN(40)) * time.Second)
		change := anyChange(random, serials[random.IntN(len(serials))], i.Clock.Now())
		change.Kind = pki.PhoneSign
		if err := i.Ledger.Apply(t.Context(), issuertest.Who, change); err != nil && !errors.Is(err, status.ErrFinal) {
			t.Fatal(err)
		}
		list := fetchCRL(t, i, pki.PhoneSign, "131016")
		for _, serial := range serials {
			if !slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(serial.Big()) == 0 }) {
				good = append(good, said{pki.PhoneSign, serial, list.ThisUpdate})
			}
		}
	}
	checkPromise(t, i, good)
}
