package carrier_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/services/carrier"
	"tegata/services/relying"
	"tegata/store"
	carrierstore "tegata/store/carrier"
	"tegata/store/storetest"
)

// world is the carrier over a real store, and a verifier that says what a test wants.
type world struct {
	*carrier.Carrier
	t     *testing.T
	store *carrierstore.Store
	now   time.Time
	says  relying.Verdict
	by    map[string]relying.Verdict // of a signature, in place of says
	down  error
}

func (w *world) Verify(_ context.Context, signature, _ []byte) (relying.Verdict, error) {
	if says, ok := w.by[string(signature)]; ok {
		return says, w.down
	}
	return w.says, w.down
}

// verdict is one as POST /v1/verify gives it, with news of a day that is to come.
func verdict(t *testing.T, word, name, status, certificate string) (v relying.Verdict) {
	t.Helper()
	return verdictAsOf(t, word, name, status, certificate, "2036-11-28T01:00:00Z")
}

func verdictAsOf(t *testing.T, word, name, status, certificate, asOf string) (v relying.Verdict) {
	t.Helper()
	text := fmt.Sprintf(`{"verdict":%q,"checked_at":"2026-11-28T01:00:00Z","signatures":[{"signer":{"kind":"phone-sign","name":%q,"certificate_sha256":%q},"status":{"state":%q,"this_update":%q}}]}`, word, name, certificate, status, asOf)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var hanako = carrier.Attributes{Name: "佐藤 花子", Address: "東京都千代田区1", Birthdate: "1990-02-03"}

const oldKey, newKey = "0a0a", "0b0b"

func each(t *testing.T, body func(*testing.T, *world)) {
	storetest.Each(t, carrierstore.Schema, func(t *testing.T, db *store.DB) { body(t, newWorld(t, db)) })
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)}
	w.says = verdict(t, "passed", hanako.Name, "good", oldKey)
	w.over(db)
	return w
}

// over puts the carrier over a database, as a process that begins does.
func (w *world) over(db *store.DB) {
	w.store = carrierstore.New(db)
	w.Carrier = carrier.New(carrier.Config{Store: w.store, Verifier: w, VerifierURL: "http://verifier", Origin: "http://carrier", ActivateAfter: time.Minute, Now: func() time.Time { return w.now }})
}

// must ends the test at an error.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// signs has a draft signed by its person.
func (w *world) signs(sub string, d carrier.Draft) error {
	return w.Receive(w.t.Context(), sub, d, carrier.Attributes{}, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms " + d.ID)})
}

// contracts draws and signs a contract, and returns its id.
func (w *world) contracts(sub string, c carrier.Choices) (string, error) {
	d, err := w.Draw(w.t.Context(), sub, hanako, c)
	if err != nil {
		return "", err
	}
	return d.ID, w.signs(sub, d)
}

// has gives somebody an active line.
func (w *world) has(sub string, c carrier.Choices) carrier.Line {
	w.t.Helper()
	id, err := w.contracts(sub, c)
	w.must(err)
	w.passes(time.Minute)
	l := w.line(sub, id)
	if l.State != carrier.Active {
		w.t.Fatalf("not active: %+v", l)
	}
	return l
}

// asks draws and signs a request for a change.
func (w *world) asks(sub, line string, k carrier.Kind) error {
	d, err := w.DrawChange(w.t.Context(), sub, hanako, line, k)
	if err != nil {
		return err
	}
	return w.signs(sub, d)
}

// installs has somebody sign that a line's profile goes into a phone.
func (w *world) installs(sub, line, phone string) error {
	d, err := w.DrawInstall(w.t.Context(), sub, hanako, line, phone)
	if err != nil {
		return err
	}
	return w.signs(sub, d)
}

// ends has somebody end a line: a signature, and a day.
func (w *world) ends(sub, line string) {
	w.t.Helper()
	w.must(w.asks(sub, line, carrier.EndLine))
	w.passes(day)
	if l := w.line(sub, line); l.State != carrier.Ended {
		w.t.Fatalf("not ended: %+v", l)
	}
}

// passes lets time pass, and what falls due happen.
func (w *world) passes(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.must(w.RunDue(w.t.Context(), w.now))
}

func (w *world) line(sub, id string) carrier.Line {
	w.t.Helper()
	l, err := w.Line(w.t.Context(), sub, id)
	w.must(err)
	return l
}

// inbox is what the SIMs of a phone received, as "state: kind kind", the latest first.
func (w *world) inbox(phone string) string {
	w.t.Helper()
	all, err := w.Inboxes(w.t.Context(), phone)
	w.must(err)
	var said []string
	for _, box := range all {
		var kinds []string
		for _, m := range box.Messages {
			kinds = append(kinds, m.Kind)
		}
		said = append(said, string(box.SIM.State)+": "+strings.Join(kinds, " "))
	}
	return strings.Join(said, "; ")
}

// mails are the kinds of mail to an address, and the link in the last one that had one.
func (w *world) mails(address string) (kinds, link string) {
	w.t.Helper()
	all, err := w.store.Outbox(w.t.Context(), "", 1000)
	w.must(err)
	var said []string
	for _, m := range all {
		if m.To.Address != address {
			continue
		}
		said = append(said, strings.TrimPrefix(m.Kind, "carrier-"))
		if found := regexp.MustCompile(`http://carrier/\w+/(\w+)`).FindStringSubmatch(m.JA.Body); found != nil {
			link = found[1]
		}
	}
	return strings.Join(said, " "), link
}

// reads has somebody with a confirmed address.
func (w *world) reads(sub, address string) {
	w.t.Helper()
	w.must(w.SetAddress(w.t.Context(), sub, address))
	_, link := w.mails(address)
	w.must(w.Confirm(w.t.Context(), link))
}
