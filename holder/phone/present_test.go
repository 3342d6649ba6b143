package phone_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/holder/reader"
	"tegata/holder/reader/handover"
	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// counter is a till: its slot, and what a request says of it.
type counter struct {
	w     *town
	c     *checkpoint
	slot  *reader.Reader
	where ceremony.Terminal
}

func (w *town) counter(c *checkpoint, id string, role pki.Role) *counter {
	w.t.Helper()
	slot, err := reader.Listen("127.0.0.1:0")
	w.must(err)
	w.t.Cleanup(func() { slot.Close() })
	_, chain := w.party(profile.Party{ID: id, Role: role, Origins: []string{"http://till.localhost:1"}})
	at := &counter{w: w, c: c, slot: slot, where: ceremony.Terminal{ID: id, Place: ceremony.Text{JA: "手形ストア本町店", EN: "Tegata Store Honcho"},
		Address: ceremony.Text{JA: "手形市本町1", EN: "1 Honcho, Tegata"}, X5C: base64.StdEncoding.EncodeToString(chain[0].Raw)}}
	c.terminals[id] = &ceremony.RegisteredTerminal{ID: id, Place: at.where.Place, Address: at.where.Address, Key: ceremony.KeyID(chain[0])}
	return at
}

// charge is a request at the counter; what is returned is its address.
func (at *counter) charge(change ...func(*ceremony.Request)) string {
	at.w.t.Helper()
	link := at.c.ask(func(q *ceremony.Request) {
		at.c.r3(q)
		where := at.where
		q.Channel, q.Terminal, q.Expires = ceremony.Tap, &where, q.IssuedAt+120
		for _, c := range change {
			c(q)
		}
	})
	_, uri, _ := strings.Cut(link, "request_uri=")
	return uri
}

// handOver waits for the phone, as a till does.
func (at *counter) handOver(uri string) error {
	ctx, cancel := context.WithTimeout(at.w.t.Context(), 5*time.Second)
	defer cancel()
	return handover.Request(ctx, at.slot, uri)
}

// handed waits until the phone has dealt with what it was given.
func handed(t *testing.T, p *phone.Phone) phone.Handed {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if h, ok := p.Handed(); ok && h.Over() {
			return h
		}
		if time.Now().After(end) {
			t.Fatal("nothing came of what was handed over")
		}
	}
}

func TestARequestIsHandedOverAtATill(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	uri := at.charge()
	w.must(p.Present(t.Context(), at.slot.Addr()))
	if _, any := p.Handed(); any || p.PresentedAt() != at.slot.Addr() {
		t.Errorf("handed over before anything was; held to %q", p.PresentedAt())
	}
	w.must(at.handOver(uri))
	h := handed(t, p)
	if h.Err != nil || h.Link != uri {
		t.Fatalf("%+v", h)
	}
	a, err := p.Asked(t.Context(), h.Ask)
	w.must(err)
	if a.Channel != ceremony.Tap || a.Place != at.where.Place || a.Address != at.where.Address || len(a.Match) != 0 || len(a.Write) != 1 || a.Secret != element.Password {
		t.Errorf("shown %+v", a)
	}
	waits(t, "the terminal lets go", func() bool { return p.PresentedAt() == "" })
	s := w.screen(t)
	s.open("/p/a/request/" + h.Ask)
	s.at("/p/a/request/"+h.Ask, "手形ストア本町店", "手形市本町1", "口座", "普通", "口座を開く")
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}}); err != nil {
		t.Fatal(err)
	}
	if got := c.last(); !slices.Contains(got.AMR, "pwd") || got.Match != "" {
		t.Errorf("answer %+v", got)
	}
	if uses, err := p.Uses(t.Context(), 10); err != nil || !slices.ContainsFunc(uses, func(u phone.Use) bool { return u.Result == phone.ResultApproved && u.Where == at.where.Place }) {
		t.Errorf("the history does not say where: %+v, %v", uses, err)
	}
	if p.TakeAway() {
		t.Error("taken away from nowhere")
	}
}

func waits(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so: " + what)
		}
	}
}

// What a terminal's request must be before a person sees it.
func TestRequestsOfTerminalsThatAreNotShown(t *testing.T) {
	w, p, c := registered(t)
	till, other, kiosk := w.counter(c, "till-1", pki.RoleTerminal), w.counter(c, "till-2", pki.RoleTerminal), w.counter(c, "till-3", pki.RoleTerminal)
	party := w.counter(c, "till-4", pki.RoleParty)
	ended := w.counter(c, "till-5", pki.RoleTerminal)
	leaf, err := ended.where.Certificate()
	w.must(err)
	w.must(w.ledger.Apply(t.Context(), audit.System("test"), status.Change{
		Kind: pki.Ops, Serial: pki.SerialOf(leaf), Op: status.Revoke, Reason: status.CessationOfOperation, At: w.clock(),
	}))
	forged := w.counter(c, "till-6", pki.RoleTerminal)
	elsewhere := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 7), w.clock()).Party(t, pkitest.ECKey(t).Public(), "till-6", pki.RoleTerminal, pkitest.Leaf{})
	forged.where.X5C = base64.StdEncoding.EncodeToString(elsewhere.Raw)
	c.terminals["till-6"].Key = ceremony.KeyID(elsewhere)
	delete(c.terminals, "till-3")
	for _, k := range []struct {
		name string
		uri  string
		want string
	}{
		{"a terminal that the party has not", kiosk.charge(), "terminal-not-registered"},
		{"a registered terminal, said to stand elsewhere", till.charge(func(q *ceremony.Request) { q.Terminal.Place.JA = "手形銀行" }), "terminal-not-registered"},
		{"another terminal's certificate", till.charge(func(q *ceremony.Request) { q.Terminal.X5C = other.where.X5C }), "terminal-not-registered"},
		{"a party's certificate", party.charge(), "terminal-not-registered"},
		{"a revoked certificate", ended.charge(), "terminal-not-registered"},
		{"a certificate of another authority", forged.charge(), "terminal-not-registered"},
		{"over", till.charge(func(q *ceremony.Request) { q.IssuedAt, q.Expires = q.IssuedAt-300, q.IssuedAt-180 }), "request-expired"},
	} {
		t.Run(k.name, func(t *testing.T) {
			w.must(p.Present(t.Context(), till.slot.Addr()))
			w.must(till.handOver(k.uri)) // "received" says nothing of whether it is shown
			if h := handed(t, p); code(h.Err) != k.want || h.Ask != "" {
				t.Errorf("%+v", h)
			}
			uses, err := p.Uses(t.Context(), 1)
			w.must(err)
			if uses[0].Kind != phone.UseRequest || uses[0].Code != k.want {
				t.Errorf("the history says %+v", uses[0])
			}
		})
	}
	if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 0 {
		t.Errorf("waiting %+v, %v", l.Waiting, err)
	}
}

// A terminal that leads elsewhere makes the phone speak to nobody: the person decides.
func TestATerminalAloneMakesThePhoneSpeakToNobodyElse(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	heard := make(chan string, 8)
	elsewhere := "http://" + w.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(elsewhere + "/r/x"))
	if h := handed(t, p); code(h.Err) != phone.ErrElsewhere.Code {
		t.Errorf("%+v", h)
	}
	if len(heard) > 0 {
		t.Errorf("the phone asked for %s", <-heard)
	}
	w.must(p.Present(t.Context(), at.slot.Addr()))
	if err := at.handOver("not an address"); !apdu.IsStatus(err, apdu.SWWrongData) { // a space
		t.Errorf("got %v", err)
	}
	w.must(p.Present(t.Context(), at.slot.Addr()))
	if err := at.handOver("http://192.0.2.1/r/x"); !apdu.IsStatus(err, apdu.SWWrongData) { // plain HTTP elsewhere
		t.Errorf("got %v", err)
	}
	if _, any := p.Handed(); any {
		t.Error("what was refused was handed over")
	}
}

// What a person sees while the phone is held to a terminal, without script.
func TestHoldingThePhoneByTheScreensAlone(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	s := w.screen(t)
	s.open("/p/a/")
	s.at("/p/a/", "端末にかざす")
	s.open("/p/a/present")
	s.at("/p/a/present", "いま、どの端末にもかざしていません。", "端末に暗証番号を入力することはありません。")
	w.must(p.Present(t.Context(), at.slot.Addr()))
	s.open("/p/a/present")
	s.at("/p/a/present", "端末からの依頼を待っています", at.slot.Addr())
	s.press("/present/away", typed())
	s.at("/p/a/present", "どの端末にもかざしていません。")

	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(at.charge()))
	h := handed(t, p)
	s.open("/p/a/present")
	s.at("/p/a/request/"+h.Ask, "手形ストア本町店", "手形市本町1")
	s.press("/request/"+h.Ask, typed("decision", "refuse"))
	if len(c.declined) != 1 {
		t.Errorf("refusals %v", c.declined)
	}
	s.open("/p/a/present") // that one is answered
	s.at("/p/a/present", "どの端末にもかざしていません。")

	delete(c.terminals, "till-1")
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(at.charge()))
	handed(t, p)
	resp, err := s.client.Get(s.base + "/p/a/present")
	if err == nil && resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", resp.StatusCode)
	}
	s.take(resp, err)
	s.at("/p/a/present", "この端末は、依頼した相手の端末だと確認できません。", "もう一度かざす")
	s.open("/p/a/present?anew=1")
	s.at("/p/a/present", "どの端末にもかざしていません。")

	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver("https://verifier.example/r/x"))
	handed(t, p)
	s.open("/p/a/present")
	s.at("/p/a/request", "いつもの検証者とは違う場所へのリンクです。", "https://verifier.example")
}

func TestAPhoneThatTakesNothing(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	set := func(c phone.Change) { t.Helper(); w.must(p.Set(t.Context(), c)) }
	yes, no := true, false
	set(phone.Change{Network: &no})
	w.must(p.Present(t.Context(), at.slot.Addr()))
	if err := at.handOver(at.charge()); !errors.Is(err, handover.ErrNotTaken) {
		t.Errorf("without a network: %v", err)
	}
	set(phone.Change{Network: &yes})

	blank := w.phone("b") // not registered
	w.must(blank.Present(t.Context(), at.slot.Addr()))
	if err := at.handOver(at.charge()); !errors.Is(err, handover.ErrNotTaken) {
		t.Errorf("not registered: %v", err)
	}

	// Switched off while it is held there: it answers nothing more, and cannot be held.
	w.must(p.Present(t.Context(), at.slot.Addr()))
	tap, err := at.slot.Wait(t.Context())
	w.must(err)
	set(phone.Change{Power: &no})
	select {
	case <-tap.Removed():
	case <-time.After(5 * time.Second):
		t.Fatal("a phone that is off is still at the till")
	}
	if _, err := tap.Transmit(t.Context(), apdu.HandOver("http://127.0.0.1:1/r")[0].Bytes()); !errors.Is(err, reader.ErrCardRemoved) {
		t.Errorf("it answers: %v", err)
	}
	if err := p.Present(t.Context(), at.slot.Addr()); code(err) != "power-off" {
		t.Errorf("off: %v", err)
	}
	set(phone.Change{Power: &yes, NFC: &no})
	if err := p.Present(t.Context(), at.slot.Addr()); code(err) != "nfc-off-present" {
		t.Errorf("without NFC: %v", err)
	}
	set(phone.Change{NFC: &yes})
	for addr, want := range map[string]string{"192.0.2.1:80": "terminal-address", "here": "terminal-address", "127.0.0.1:1": "terminal-unreachable"} {
		if err := p.Present(t.Context(), addr); code(err) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// The request that is in hand is fetched before another one is taken, and no command of a
// terminal reaches a secret.
func TestOneRequestAtATime(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	going, seen := make(chan struct{}), make(chan struct{}, 4)
	slow := "http://" + w.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- struct{}{}
		<-going
	}))
	w.config.Verifiers = append(w.config.Verifiers, slow)
	p = w.restart("a")
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(slow + "/r/x"))
	<-seen
	// The tap is over, and the fetch goes on. Held there again the phone forgets the old one.
	waits(t, "the terminal lets go", func() bool { return p.PresentedAt() == "" })
	if h, any := p.Handed(); !any || h.Over() {
		t.Errorf("%+v, %v", h, any)
	}
	w.must(p.Present(t.Context(), at.slot.Addr()))
	tap, err := at.slot.Wait(t.Context())
	w.must(err)
	hand := func(uri string) uint16 {
		t.Helper()
		var sw uint16
		for _, c := range apdu.HandOver(uri) {
			answer, err := tap.Transmit(t.Context(), c.Bytes())
			w.must(err)
			sw = uint16(answer[len(answer)-2])<<8 | uint16(answer[len(answer)-1])
		}
		return sw
	}
	if sw := hand(at.charge()); sw != apdu.SWOK { // it waits behind the slow one
		t.Errorf("%04X", sw)
	}
	if sw := hand(at.charge()); sw != apdu.SWConditions {
		t.Errorf("a second while the first is fetched: %04X", sw)
	}
	for _, command := range [][]byte{{0x00, 0x20, 0x00, 0x80, 4, '4', '8', '2', '6'}, {0x00, 0x20, 0x00, 0x98, 4, '4', '8', '2', '6'}} {
		if answer, err := tap.Transmit(t.Context(), command); err != nil || len(answer) != 2 || answer[0] != 0x6D {
			t.Errorf("VERIFY was answered %X, %v", answer, err)
		}
	}
	if got := p.Element().Tries(element.PIN); got != 3 {
		t.Errorf("%d tries are left", got)
	}
	close(going)
	if h := handed(t, p); h.Err != nil {
		t.Errorf("%+v", h)
	}
	if !p.TakeAway() {
		t.Error("it was held there")
	}
	w.must(w.phones.Close()) // waits for what is under way
}

// A phone that lost its network after it had received a request: what the person agreed to is
// signed, waits, and is given to the terminal that asked, and to no other.
func TestAnAnswerIsCarriedByASecondTap(t *testing.T) {
	w, p, c, at, uri, a := askedAlone(t)
	on := true
	again := func(uri string) ([]byte, error) {
		t.Helper()
		waits(t, "it is held nowhere", func() bool { return p.PresentedAt() == "" })
		w.must(p.Present(t.Context(), at.slot.Addr()))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return handover.Answer(ctx, at.slot, uri)
	}
	if got, err := again(uri); got != nil || !errors.Is(err, handover.ErrNotTaken) {
		t.Errorf("before it was answered: %q, %v", got, err)
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown}); !errors.Is(err, phone.ErrNoNetwork) {
		t.Errorf("refused without a network: %v", err)
	}
	yes := yesTo(t, a)
	wrong := phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, "WRONG999")}}
	if out, err := p.Answer(t.Context(), a.ID, wrong); err == nil || out.Carry {
		t.Errorf("a wrong password: %+v, %v", out, err)
	}
	if got, _ := again(uri); got != nil {
		t.Errorf("after a wrong password: %q", got)
	}
	out, err := p.Answer(t.Context(), a.ID, yes)
	if err != nil || !out.Carry || out.Approved {
		t.Fatalf("%+v, %v", out, err)
	}
	if ask, err := p.Fetch(t.Context(), uri); err != nil || ask.ID != a.ID {
		t.Errorf("shown again: %v", err)
	}
	if got, err := again(at.charge()); got != nil || !errors.Is(err, handover.ErrNotTaken) {
		t.Errorf("to who names another request: %q, %v", got, err)
	}
	given, err := again(uri)
	w.must(err)
	var carried ceremony.Carried
	w.must(json.Unmarshal(given, &carried))
	if carried.Posted.Answer == "" || carried.Posted.Decline != "" || len(carried.Phone) != 43 || ceremony.ValidID(carried.Phone) || strings.Contains(string(given), uri) {
		t.Errorf("%s", given)
	}
	var taken ceremony.Taken
	w.must(httpd.PostJSON(t.Context(), httpd.Client(5*time.Second), c.origin+"/v1/requests/"+a.ID+"/answer", carried.Posted, &taken, httpd.Header{Name: ceremony.PhoneHeader, Value: carried.Phone}))
	if got := c.last(); !slices.Contains(got.AMR, "pwd") || got.Decision != ceremony.Approve {
		t.Errorf("answer %+v", got)
	}
	// With a network nothing is carried any more; the phone sends the same answer, and is told.
	w.must(p.Set(t.Context(), phone.Change{Network: &on}))
	if got, err := again(uri); got != nil || err != nil {
		t.Errorf("with a network: %q, %v", got, err)
	}
	handed(t, p)
	if out, err := p.Answer(t.Context(), a.ID, yes); err != nil || out.Carry || !out.Approved {
		t.Errorf("sent again: %+v, %v", out, err)
	}
}
