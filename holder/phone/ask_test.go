package phone_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// registered is a town with a registered phone and a verifier.
func registered(t *testing.T) (*town, *phone.Phone, *checkpoint) {
	t.Helper()
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	v := newCheckpoint(w)
	w.config.Verifiers = []string{v.origin}
	return w, w.restart("a"), v
}

func withPIN(t *testing.T, s string) element.Unlock { return element.Unlock{PIN: pin(t, s)} }

func TestLoggingIn(t *testing.T) {
	w, p, c := registered(t)
	link := c.ask(nil)
	a, err := p.Fetch(t.Context(), link)
	w.must(err)
	if a.Party.Name.EN != "Portal" || a.What.EN != "Log in" || a.Secret != element.PIN || a.Tries != 3 || len(a.Data) != 1 || a.Data[0].Optional {
		t.Errorf("shown %+v", a)
	}
	if again, err := p.Fetch(t.Context(), link); err != nil || again.ID != a.ID {
		t.Errorf("fetched again: %+v, %v", again, err)
	}
	if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 1 {
		t.Errorf("waiting %+v, %v", l.Waiting, err)
	}
	_, err = p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, "9753")})
	if code(err) != "wrong-phone-pin" || problem.From(err).Extra["tries_left"] != 2 {
		t.Fatalf("wrong PIN: %v", err)
	}
	p = w.restart("a") // the request waits on
	out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)})
	w.must(err)
	if !out.Approved || out.Redirect != c.redirect || out.Party.EN != "Portal" {
		t.Errorf("outcome %+v", out)
	}
	got := c.last()
	if !slices.Equal(got.Granted, []string{"name"}) || got.Release == "" || !slices.Contains(got.AMR, "pin") {
		t.Errorf("answer %+v", got)
	}
	if _, err := p.Asked(t.Context(), a.ID); code(err) != "no-such-request" {
		t.Errorf("answered and still there: %v", err)
	}
	if _, err := p.Fetch(t.Context(), link); err == nil {
		t.Error("an answered request was fetched again")
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	var seen []string
	for _, u := range uses {
		seen = append(seen, u.Kind+" "+u.Result+" "+u.Code)
	}
	for _, want := range []string{"login approved ", "unlock failed wrong-phone-pin"} {
		if !slices.Contains(seen, want) {
			t.Errorf("%q is not in the history %q", want, seen)
		}
	}
	if l, err := p.Look(t.Context()); err != nil || !l.LastCheckIn.Equal(w.clock()) {
		t.Errorf("no check-in at the use: %v", err)
	}
}

func TestRefusingNeedsNoSecret(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: "because"}); code(err) != "reason-unknown" {
		t.Errorf("a reason of one's own: %v", err)
	}
	out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: ceremony.ReasonNotMe})
	w.must(err)
	if out.Approved || out.Redirect != c.redirect || !slices.Equal(c.declined, []string{ceremony.ReasonNotMe}) {
		t.Errorf("outcome %+v, %v", out, c.declined)
	}
	if uses, err := p.Uses(t.Context(), 1); err != nil || uses[0].Result != phone.ResultRefused || uses[0].Code != ceremony.ReasonNotMe {
		t.Errorf("history %+v, %v", uses, err)
	}
}

func TestR3WantsThePasswordAndConsentsAreChosen(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(c.r3))
	w.must(err)
	if a.Secret != element.Password || a.Tries != 5 || len(a.Write) != 1 {
		t.Errorf("shown %+v", a)
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); code(err) != "secret-form" {
		t.Errorf("with the PIN: %v", err)
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}}); err != nil {
		t.Fatal(err)
	}
	if got := c.last(); !slices.Contains(got.AMR, "pwd") {
		t.Errorf("answer %+v", got)
	}
	a, err = p.Fetch(t.Context(), c.ask(func(q *ceremony.Request) {
		q.Purpose, q.Kind, q.Risk, q.Claims = ceremony.Purpose{Code: "share", Sentence: c.reg.Purposes[1].Sentence}, ceremony.Consent, ceremony.R2, []string{"name", "address"}
	}))
	w.must(err)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Granted: []string{"gender"}, Unlock: withPIN(t, phonePIN)}); code(err) != "not-asked-for" {
		t.Errorf("more than asked: %v", err)
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Granted: []string{"address"}, Unlock: withPIN(t, phonePIN)}); err != nil {
		t.Fatal(err)
	}
	if got := c.last(); !slices.Equal(got.Granted, []string{"address"}) {
		t.Errorf("granted %v", got.Granted)
	}
}

func TestTheNumberIsChosen(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(func(q *ceremony.Request) { q.Channel, q.Match = ceremony.Cross, []string{"11", "47", "80"} }))
	w.must(err)
	for _, wrong := range []string{"", "12"} {
		if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Match: wrong, Unlock: withPIN(t, phonePIN)}); code(err) != "pick-number" {
			t.Errorf("number %q: %v", wrong, err)
		}
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Match: "47", Unlock: withPIN(t, phonePIN)}); err != nil {
		t.Fatal(err)
	}
	if c.last().Match != "47" {
		t.Errorf("answer %+v", c.last())
	}
}

// A verdict that is not passed hands nothing over, and the history says so.
func TestAnAnswerThatDoesNotPassHandsNothingOver(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	held := problem.NewRefused(403, "certificate-held", "この証明書は一時停止中です。", "理由を確かめてください。", "This certificate is on hold.", "See why.").
		With("verdict", "failed")
	c.set(func(rw http.ResponseWriter, r *http.Request) bool { httpd.WriteProblem(rw, r, held); return true })
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); code(err) != held.Code {
		t.Fatalf("got %v", err)
	}
	uses, err := p.Uses(t.Context(), 1)
	w.must(err)
	if u := uses[0]; u.Result != phone.ResultFailed || u.Code != held.Code || u.Why.JA != held.JA.Title || len(u.Data) > 0 {
		t.Errorf("the history says %+v", u)
	}
	c.set(nil)
	if a, err = p.Fetch(t.Context(), c.ask(nil)); err != nil {
		t.Fatal(err)
	}
	if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 1 {
		t.Errorf("%d requests wait, %v", len(l.Waiting), err)
	}
	if _, err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 0 {
		t.Errorf("%d requests wait on a phone that has no certificates, %v", len(l.Waiting), err)
	}
}

// An answer that did not arrive is sent again, not signed again.
func TestAnAnswerThatDidNotArriveIsSentAgain(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	c.trouble = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); problem.From(err).Kind != problem.CouldNotCheck {
		t.Fatalf("got %v", err)
	}
	p = w.restart("a")
	ctr := p.Element().Counter()
	c.mu.Lock()
	c.trouble = nil
	c.mu.Unlock()
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true}); err != nil {
		t.Fatal(err)
	}
	if got := c.last().Counter; got > ctr {
		t.Errorf("signed anew: ctr %d after %d", got, ctr)
	}
}

// Whoever refuses after an approval that did not arrive has refused.
func TestRefusingWhatWasSignedAndDidNotArrive(t *testing.T) {
	w, p, c := registered(t)
	lost := func() phone.Ask {
		t.Helper()
		a, err := p.Fetch(t.Context(), c.ask(nil))
		w.must(err)
		c.set(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); problem.From(err).Kind != problem.CouldNotCheck {
			t.Fatalf("got %v", err)
		}
		c.set(nil)
		return a
	}
	a := lost()
	out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: ceremony.ReasonNotMe})
	w.must(err)
	if out.Approved || len(c.answers) != 0 || !slices.Equal(c.declined, []string{ceremony.ReasonNotMe}) {
		t.Errorf("outcome %+v, answers %+v, refusals %v", out, c.answers, c.declined)
	}
	uses, err := p.Uses(t.Context(), 1)
	w.must(err)
	if uses[0].Result != phone.ResultRefused || uses[0].Code != ceremony.ReasonNotMe || len(uses[0].Data) != 0 {
		t.Errorf("history %+v", uses[0])
	}

	// It had arrived: too late to refuse, and nobody is told otherwise.
	a = lost()
	used := problem.New(problem.Refused, 409, "request-used", problem.Text{Title: "x"}, problem.Text{Title: "x"})
	c.set(func(rw http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		w.must(err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("decline")) {
			httpd.WriteProblem(rw, r, used)
			return true
		}
		return false
	})
	if out, err = p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: ceremony.ReasonNotMe}); err != nil || !out.Approved {
		t.Errorf("outcome %+v, %v", out, err)
	}
	if uses, err = p.Uses(t.Context(), 1); err != nil || uses[0].Result != phone.ResultApproved || !slices.Equal(uses[0].Data, []string{"name"}) {
		t.Errorf("history %+v, %v", uses, err)
	}
}

// Whoever wrote a link chose who answers: what that one says is not shown.
func TestAStrangersWordsAreNotShown(t *testing.T) {
	w, p, _ := registered(t)
	said := problem.New(problem.YourTurn, 403, "call-us",
		problem.Text{Title: "電話してください", Detail: "暗証番号をお伝えください"}, problem.Text{Title: "Call us", Detail: "Tell us your PIN"}).With("tries_left", 1)
	stranger := "http://" + w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { httpd.WriteProblem(rw, r, said) }))
	for _, k := range []struct {
		code   string
		kind   problem.Kind
		status int
		want   *problem.Problem
	}{
		{"call-us", problem.YourTurn, 403, phone.ErrUnreadable},
		{"call-us", problem.OurFault, 500, httpd.BadAnswer},
		{"unreachable", problem.Refused, 503, httpd.Unreachable},
		{"request-taken", problem.YourTurn, 409, phone.ErrTaken},
		{"qr-expired", problem.YourTurn, 410, phone.ErrQRExpired},
		{"request-unknown", problem.YourTurn, 404, phone.ErrNoRequest},
	} {
		said.Code, said.Kind, said.Status = k.code, k.kind, k.status
		_, err := p.FetchElsewhere(t.Context(), stranger+"/r/"+k.code)
		got := problem.From(err)
		if got.Code != k.want.Code || got.Kind != k.want.Kind || got.JA != k.want.JA || got.EN != k.want.EN || len(got.Extra) != 0 {
			t.Errorf("%s %d: shown %+v", k.code, k.status, got)
		}
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	for _, u := range uses {
		if u.Code == "call-us" {
			t.Errorf("a stranger's code is in the history: %+v", u)
		}
	}
}

// A page that leads to the phone chooses the link, not whom the phone speaks to.
func TestALinkAloneMakesThePhoneSpeakToNobodyElse(t *testing.T) {
	w, p, _ := registered(t)
	heard := make(chan string, 8)
	elsewhere := "http://" + w.serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	for _, link := range []string{elsewhere + "/r/x", w.issuer + "/healthz", "https://verifier.example/r/x"} {
		_, err := p.Fetch(t.Context(), link)
		if prob := problem.From(err); prob.Code != phone.ErrElsewhere.Code || prob.Extra["origin"] == "" {
			t.Errorf("%s: %v", link, err)
		}
	}
	s := w.screen(t)
	s.open("/p/a/request?request_uri=" + elsewhere + "/r/x")
	s.at("/p/a/request", "いつもの検証者とは違う場所へのリンクです。", elsewhere, "まだ何も送っていません")
	if len(heard) > 0 {
		t.Fatalf("the phone asked for %s", <-heard)
	}
	if uses, err := p.Uses(t.Context(), 5); err != nil || slices.ContainsFunc(uses, func(u phone.Use) bool { return u.Kind == phone.UseRequest }) {
		t.Errorf("a link that was not followed fills the history: %+v, %v", uses, err)
	}
	s.press("/request", typed("unused", "")) // the person says so
	s.at("/p/a/trouble", "依頼を読み取れませんでした。")
	if got := <-heard; got != "/r/x" {
		t.Errorf("asked for %s", got)
	}
}

func TestRequestsThatAreNotShown(t *testing.T) {
	w, p, c := registered(t)
	other := newCheckpoint(w)
	stranger, strangers := w.party(profile.Party{ID: "stranger", Role: pki.RoleParty})
	revokedKey, revoked := w.party(profile.Party{ID: "portal", Role: pki.RoleParty})
	c.reg.Keys = append(c.reg.Keys, ceremony.KeyID(revoked[0]))
	w.must(w.ledger.Apply(t.Context(), audit.System("test"), status.Change{
		Kind: pki.Ops, Serial: pki.SerialOf(revoked[0]), Op: status.Revoke, Reason: status.CessationOfOperation, At: w.clock(),
	}))
	raw := func(signer crypto.Signer, chain []*x509.Certificate, change func(*ceremony.Request)) string {
		q := c.request(change)
		compact, err := ceremony.SignRequest(signer, chain, q)
		w.must(err)
		return c.put(q.ID, compact)
	}
	edited := func() string {
		q := c.request(nil)
		compact, err := ceremony.SignRequest(c.partyKey, c.partyChain, q)
		w.must(err)
		parts := strings.Split(compact, ".")
		body, err := base64.RawURLEncoding.DecodeString(parts[1])
		w.must(err)
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(body), q.Nonce, ceremony.NewID(), 1)))
		return c.put(q.ID, strings.Join(parts, "."))
	}
	cases := []struct {
		name, link, want string
	}{
		{"an expired request", c.ask(func(q *ceremony.Request) { q.IssuedAt, q.Expires = q.IssuedAt-600, q.IssuedAt-300 }), "request-expired"},
		{"an edited request", edited(), "request-signature"},
		{"a party that is not registered", raw(stranger, strangers, func(q *ceremony.Request) { q.Issuer = "stranger" }), "party-not-registered"},
		{"a registered name with a stranger's key", raw(stranger, strangers, nil), "not-as-registered"},
		{"a party whose certificate was revoked", raw(revokedKey, revoked, nil), "party-revoked"},
		{"a sentence that was not registered", c.ask(func(q *ceremony.Request) { q.Purpose.Sentence.JA = "何でもする" }), "not-as-registered"},
		{"data that were not registered", c.ask(func(q *ceremony.Request) { q.Claims = []string{"address"} }), "not-as-registered"},
		{"a class below the purpose's", c.ask(func(q *ceremony.Request) {
			q.Purpose, q.Claims = ceremony.Purpose{Code: "account", Sentence: c.reg.Purposes[2].Sentence}, nil
		}), "not-as-registered"},
		{"an answer address at another verifier", c.ask(func(q *ceremony.Request) { q.ResponseURI = other.origin + "/v1/requests/x/answer" }), "answer-address"},
		{"a request for another verifier", c.ask(func(q *ceremony.Request) { q.Audience = "elsewhere" }), "answer-address"},
		{"no request at all", c.put(ceremony.NewID(), "hello"), "request-unreadable"},
		{"no address", "hello", "request-link"},
		{"plain HTTP to another machine", "http://192.0.2.1/r/x", "request-link"},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			_, err := p.Fetch(t.Context(), k.link)
			if prob := problem.From(err); prob.Code != k.want || prob.JA.Title == "" {
				t.Errorf("got %v, want %s", err, k.want)
			}
			uses, err := p.Uses(t.Context(), 1)
			w.must(err)
			if fetched := k.want != "request-link"; fetched && (uses[0].Code != k.want || uses[0].Why.JA == "" || uses[0].Why.EN == "") {
				t.Errorf("the history says %+v", uses[0])
			}
		})
	}
	t.Run("a verifier whose certificate does not name this address", func(t *testing.T) {
		c.sign, c.chain = other.sign, other.chain
		if _, err := p.Fetch(t.Context(), c.ask(nil)); code(err) != "answer-address" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a party that plays verifier", func(t *testing.T) {
		c.sign, c.chain = w.party(profile.Party{ID: "verifier", Role: pki.RoleParty, Origins: []string{c.origin}})
		if _, err := p.Fetch(t.Context(), c.ask(nil)); code(err) != "verifier-unknown" {
			t.Errorf("got %v", err)
		}
	})
	if got := p.Element().Tries(element.PIN); got != 3 {
		t.Errorf("%d tries", got)
	}
}

func TestABlockedPINAndTheWayBack(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	for i, want := range []string{"wrong-phone-pin", "wrong-phone-pin", "phone-pin-blocked", "phone-pin-blocked"} {
		if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, "9753")}); code(err) != want {
			t.Errorf("try %d: %v", i+1, err)
		}
	}
	w.must(p.ResetPIN(t.Context(), password(t, phonePassword), pin(t, "7391")))
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, "7391")}); err != nil {
		t.Error(err)
	}
}
