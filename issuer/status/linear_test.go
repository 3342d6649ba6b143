package status_test

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/crypto/ocsp"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/ca"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

// Linearizable: whatever several clients at once were told of one certificate, there
// is an order of their requests, each somewhere between its call and its return, in
// which one clerk with one sheet of paper would have said the same. The clerk is
// sheet; package porcupine looks for the order.

// sheet is what the clerk knows of one certificate.
type sheet struct {
	issued  bool
	holds   string // causes, in the order of status.Causes, each as "cause "
	reason  int    // of the revocation
	revoked bool
}

// A request is what a client asks for.
type request struct {
	what   string // issue, open, lift, revoke, look (in the ledger), ask (the OCSP responder)
	cause  status.Cause
	reason int
}

func (r request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", r.what, cmp.Or(string(r.cause), map[bool]string{true: fmt.Sprint(r.reason)}[r.what == "revoke"])))
}

// serve is the clerk's work: the answer, and the sheet afterwards.
func (s sheet) serve(r request) (string, sheet) {
	switch {
	case r.what == "look":
		return s.state(), s
	case r.what == "ask":
		state, _, _ := strings.Cut(s.state(), ":") // the world does not learn why it is held
		return state, s
	case r.what == "issue" && s.issued:
		return "entered before", s
	case r.what == "issue":
		s.issued = true
		if r.cause != "" {
			s.holds = string(r.cause) + " "
		}
		return "done", s
	case !s.issued:
		return "unknown", s
	case s.revoked && r.what == "lift":
		return "final", s
	case s.revoked:
		return "done", s
	case r.what == "revoke":
		s.revoked, s.reason, s.holds = true, r.reason, ""
		return "done", s
	}
	held := ""
	for _, c := range status.Causes() {
		is := strings.Contains(s.holds, string(c)+" ")
		if c == r.cause {
			is = r.what == "open"
		}
		if is {
			held += string(c) + " "
		}
	}
	s.holds = held
	return "done", s
}

func (s sheet) state() string {
	switch {
	case !s.issued:
		return "unknown"
	case s.revoked:
		return fmt.Sprint("revoked ", s.reason)
	case s.holds != "":
		return "held: " + strings.TrimSpace(s.holds)
	}
	return "good"
}

var clerk = porcupine.Model{
	Init: func() any { return sheet{} },
	Step: func(state, input, output any) (bool, any) {
		said, next := state.(sheet).serve(input.(request))
		return said == output.(string), next
	},
}

// counter is where clients stand in line: a ledger, and a responder that follows it
// at once (nil where other processes write too: its answers lag, and say so).
type counter struct {
	ledger    *status.Ledger
	responder func(pki.Serial) string
}

func (c counter) ask(t *testing.T, certificate []byte, serial pki.Serial, r request) string {
	var err error
	change := status.Change{Kind: pki.PhoneAuth, Serial: serial, Cause: r.cause}
	switch r.what {
	case "issue":
		err = c.ledger.Enter(t.Context(), issuertest.Who, status.Issued{Serial: serial, DER: certificate, Hold: r.cause})
	case "look":
		e, err := c.ledger.State(t.Context(), pki.PhoneAuth, serial)
		if errors.Is(err, status.ErrUnknown) {
			return "unknown"
		}
		return entryInWords(e, err)
	case "ask":
		return c.responder(serial)
	case "open":
		change.Op = status.Open
		err = c.ledger.Apply(t.Context(), issuertest.Who, change)
	case "lift":
		change.Op = status.Lift
		err = c.ledger.Apply(t.Context(), issuertest.Who, change)
	case "revoke":
		change.Op, change.Reason = status.Revoke, r.reason
		err = c.ledger.Apply(t.Context(), issuertest.Who, change)
	}
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, status.ErrUnknown):
		return "unknown"
	case errors.Is(err, status.ErrFinal):
		return "final"
	case errors.Is(err, status.ErrEntered):
		return "entered before"
	}
	return err.Error()
}

func entryInWords(e status.Entry, err error) string {
	if err != nil {
		return err.Error()
	}
	s := sheet{issued: true, revoked: e.Status == status.Revoked, reason: e.Reason}
	for _, c := range status.Causes() {
		if slices.ContainsFunc(e.Holds, func(h status.Hold) bool { return h.Cause == c }) {
			s.holds += string(c) + " "
		}
	}
	return s.state()
}

// answers asks a responder, over the bytes of the protocol.
func answers(t *testing.T, i *issuertest.Issuer) func(pki.Serial) string {
	authority := i.CA.Authority(pki.PhoneAuth)
	return func(serial pki.Serial) string {
		r, err := ocsp.ParseResponse(i.Handler.Responder.Answer(t.Context(), query{ids: [][]byte{certID(authority, serial.Big(), crypto.SHA256)}}.der()), authority)
		switch {
		case err != nil:
			return err.Error()
		case r.Status == ocsp.Unknown:
			return "unknown"
		case r.Status == ocsp.Good:
			return "good"
		case r.RevocationReason == status.CertificateHold:
			return "held"
		}
		return fmt.Sprint("revoked ", r.RevocationReason)
	}
}

func anyRequest(random *mathrand.Rand, c counter) request {
	cause := status.Causes()[random.IntN(len(status.Causes()))]
	switch random.IntN(12) {
	case 0:
		return request{what: "revoke", reason: []int{status.KeyCompromise, status.Superseded, status.CessationOfOperation}[random.IntN(3)]}
	case 1, 2:
		return request{what: "issue", cause: []status.Cause{"", status.Unregistered}[random.IntN(2)]}
	case 3, 4:
		return request{what: "open", cause: cause}
	case 5, 6, 7:
		return request{what: "lift", cause: cause}
	case 8, 9:
		if c.responder != nil {
			return request{what: "ask"}
		}
	}
	return request{what: "look"}
}

// signedBySomebody is a certificate as asked for: the ledger reads what is in it, and
// leaves signatures to package ca, which would enter it at once.
func signedBySomebody(t *testing.T, serial pki.Serial, asked ca.Request) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: serial.Big(), NotBefore: asked.NotAfter.AddDate(-4, 0, 0), NotAfter: asked.NotAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, asked.PublicKey, pkitest.ECKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

const (
	clients  = 5
	requests = 6 // of each
)

// histories plays that many, each about a certificate of its own that was prepared,
// and checks each. pause is called before each request.
func histories(t *testing.T, i *issuertest.Issuer, n int, pause func(*mathrand.Rand), counters ...counter) {
	t.Helper()
	said := map[string]int{}
	began := time.Now()
	for h := range n {
		asked := i.Request(t, pki.PhoneAuth, h)
		draft, err := i.CA.Prepare(t.Context(), issuertest.Who, asked)
		if err != nil {
			t.Fatal(err)
		}
		certificate := signedBySomebody(t, draft.Serial(), asked)
		kept := make([][]porcupine.Operation, clients)
		var gate, done sync.WaitGroup
		gate.Add(1)
		for client := range clients {
			done.Go(func() {
				random := mathrand.New(mathrand.NewPCG(uint64(h), uint64(client)))
				gate.Wait()
				for range requests {
					c := counters[client%len(counters)]
					op := porcupine.Operation{ClientId: client, Input: anyRequest(random, c)}
					pause(random)
					op.Call = int64(time.Since(began))
					op.Output = c.ask(t, certificate, draft.Serial(), op.Input.(request))
					op.Return = int64(time.Since(began))
					kept[client] = append(kept[client], op)
				}
			})
		}
		gate.Done()
		done.Wait()
		history := slices.Concat(kept...)
		// What the ledger shows of a change before it has returned, the responder may not
		// say yet: its answer is true of an earlier moment (docs/decisions, 202). So each
		// is a clerk of its own, for the same changes.
		for _, other := range []string{"ask", "look"} {
			one := slices.DeleteFunc(slices.Clone(history), func(op porcupine.Operation) bool { return op.Input.(request).what == other })
			if result := porcupine.CheckOperationsTimeout(clerk, one, time.Minute); result != porcupine.Ok {
				t.Fatalf("history %d: %s; no clerk could have said\n%s", h, result, inOrder(one))
			}
		}
		for _, op := range history {
			said[op.Output.(string)]++
		}
	}
	for _, answer := range []string{"done", "unknown", "final", "entered before", "good"} {
		if said[answer] == 0 {
			t.Errorf("nobody was ever told %q: %v", answer, said)
		}
	}
}

func inOrder(history []porcupine.Operation) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var all strings.Builder
	for _, op := range history {
		fmt.Fprintf(&all, "%9d–%9d µs  client %d  %-20s %s\n", op.Call/1000, op.Return/1000, op.ClientId, op.Input, op.Output)
	}
	return all.String()
}

// howMany histories a test plays: a few, or with TEGATA_SOAK=1 more than a thousand on
// each database.
func howMany(few, many int) int {
	if os.Getenv("TEGATA_SOAK") != "" {
		return many
	}
	return few
}

func TestTheLedgerAndItsResponderAreLinearizable(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		walk := func(random *mathrand.Rand) { i.Clock.Walk(time.Duration(random.IntN(300)) * time.Millisecond) }
		histories(t, i, howMany(25, 600), walk, counter{i.Ledger, answers(t, i)})
	})
}

// Two processes over one database. What the responder of one says of a change of the
// other is as old as its thisUpdate (behind_test.go); the ledgers themselves agree.
func TestTwoLedgersOverOneDatabaseAreLinearizable(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		first, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { first.Close() })
		if err := first.Migrate(t.Context(), issuer.Schema); err != nil {
			t.Fatal(err)
		}
		i := issuertest.NewOn(t, first)
		began := time.Now()
		clock := func() time.Time { return i.Clock.Now().Add(time.Since(began)) }
		var counters []counter
		for range 2 {
			db, err := store.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			ledger, err := status.OpenLedger(t.Context(), issuer.New(db), clock, status.Shared(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			counters = append(counters, counter{ledger: ledger})
		}
		histories(t, i, howMany(25, 600), func(*mathrand.Rand) {}, counters...)
	})
}

// The check itself: it must find what no clerk could have said.
func TestAHistoryThatIsNotLinearizableIsFound(t *testing.T) {
	op := func(client int, call, end int64, r request, said string) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Call: call, Return: end, Input: r, Output: said}
	}
	issue := op(0, 0, 1, request{what: "issue"}, "done")
	revoke := request{what: "revoke", reason: status.Superseded}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"good while it is being revoked":      {[]porcupine.Operation{issue, op(1, 2, 9, revoke, "done"), op(2, 3, 4, request{what: "ask"}, "good")}, true},
		"good after it was revoked":           {[]porcupine.Operation{issue, op(1, 2, 3, revoke, "done"), op(2, 4, 5, request{what: "ask"}, "good")}, false},
		"revoked, and then good":              {[]porcupine.Operation{issue, op(1, 2, 9, revoke, "done"), op(2, 3, 4, request{what: "ask"}, "revoked 4"), op(2, 5, 6, request{what: "ask"}, "good")}, false},
		"a hold lifted by another cause":      {[]porcupine.Operation{issue, op(1, 2, 3, request{what: "open", cause: status.Lost}, "done"), op(1, 4, 5, request{what: "lift", cause: status.Silent}, "done"), op(2, 6, 7, request{what: "look"}, "good")}, false},
		"issued twice":                        {[]porcupine.Operation{issue, op(1, 0, 5, request{what: "issue"}, "done")}, false},
		"revoked twice, and the first stays":  {[]porcupine.Operation{issue, op(1, 2, 3, revoke, "done"), op(1, 4, 5, request{what: "revoke", reason: 1}, "done"), op(2, 6, 7, request{what: "look"}, "revoked 4")}, true},
		"revoked twice, and the second stays": {[]porcupine.Operation{issue, op(1, 2, 3, revoke, "done"), op(1, 4, 5, request{what: "revoke", reason: 1}, "done"), op(2, 6, 7, request{what: "look"}, "revoked 1")}, false},
	} {
		if got := porcupine.CheckOperations(clerk, c.history); got != c.want {
			t.Errorf("%s: linearizable %v", name, got)
		}
	}
}
