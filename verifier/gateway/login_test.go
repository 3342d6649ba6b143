package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

func TestALoginOnTheSameDevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must(func(r *ceremony.Request) { r.Claims = []string{"name", "address"} })
		if started.Match != "" {
			t.Error("a number on the same device")
		}
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateWaiting {
			t.Fatalf("%+v, %v", r, err)
		}
		p := w.mustFetch(started.RequestURI)
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateOpened {
			t.Fatalf("%+v, %v", r, err)
		}
		taken, err := p.answer("good", func(a *ceremony.Answer) { a.Granted = []string{"name"} })
		if err != nil || taken.Verdict != ceremony.Passed {
			t.Fatalf("%+v, %v", taken, err)
		}
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateAnswered || r.Verdict != "" || r.Sub != "" {
			t.Fatalf("polling completed a login: %+v, %v", r, err)
		}
		r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
		if err != nil {
			t.Fatal(err)
		}
		h := hmac.New(sha256.New, w.config.SubKey)
		h.Write([]byte("portal\x00person-good"))
		if r.State != ceremony.StateDone || r.Verdict != ceremony.Passed || r.Sub != base64.RawURLEncoding.EncodeToString(h.Sum(nil)) {
			t.Errorf("%+v", r)
		}
		if len(r.Claims) != 1 || r.Claims["name"] != "手形 花子" || r.ACR != w.config.Origin+"/acr/r1" || r.Session == "" || r.SessionUntil != w.Now().Add(12*time.Hour).Unix() || r.Channel != ceremony.Same {
			t.Errorf("%+v", r)
		}
		m, err := ceremony.ParseReceipt(r.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := m.Verify()
		if err != nil || receipt.Request != p.req.Hash() || receipt.StatusSource != "feed" || receipt.Verdict != ceremony.Passed || receipt.ThisUpdate == 0 ||
			!m.Chain()[0].Equal(w.config.Sign.Chain[0]) {
			t.Errorf("receipt %+v, %v", receipt, err)
		}
		if _, err := w.result(w.portal, started, codeIn(t, taken.Redirect)); err == nil {
			t.Error("the response code worked twice")
		}
	})
}

func TestALoginFromAnotherDevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must(crossing)
		if started.Match != "17" && started.Match != "42" && started.Match != "88" {
			t.Fatalf("match %q", started.Match)
		}
		p := w.mustFetch(started.RequestURI)
		if _, err := p.answer("good", func(a *ceremony.Answer) { a.Match = started.Match }); err != nil {
			t.Fatal(err)
		}
		r, err := w.result(w.portal, started, "")
		if err != nil || r.Verdict != ceremony.Passed || r.Channel != ceremony.Cross {
			t.Fatalf("%+v, %v", r, err)
		}
		if until := time.Unix(r.SessionUntil, 0); !until.Equal(w.Now().Add(30 * time.Minute)) {
			t.Errorf("a relayed session could last until %s", until)
		}
		w.advance(5 * time.Minute)
		w.refresh()
		_, err = w.result(w.portal, started, "")
		wantCode(t, err, "result-erased")
	})
}

func TestOnePersonTwoCertificatesTwoParties(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	sub := func(a actor, holder string) string {
		r := w.ask(crossing)
		r.Issuer = a.id
		started, err := w.start(a, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.mustFetch(started.RequestURI).answer(holder, func(a *ceremony.Answer) { a.Match = started.Match }); err != nil {
			t.Fatal(err)
		}
		out, err := w.result(a, started, "")
		if err != nil {
			t.Fatal(err)
		}
		if (len(out.Grants) > 0) != (a.id == "portal") {
			t.Errorf("%s has grants %v", a.id, out.Grants)
		}
		return out.Sub
	}
	asked := len(w.issuer.queries)
	portal, again, bank, neighbour := sub(w.portal, "good"), sub(w.portal, "good"), sub(w.bank, "good"), sub(w.portal, "neighbour")
	if portal != again || portal == bank || portal == neighbour {
		t.Errorf("subs %s %s %s %s", portal, again, bank, neighbour)
	}
	if n := len(w.issuer.queries) - asked; n != 2 {
		t.Errorf("the issuer was asked %d times about two certificates", n)
	}
}

func TestTheHistoryShowsUsesAndRefusedAttempts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// A wrong number, a refusal and a login of one person; a login of another.
		started := w.must(crossing)
		wrong := map[string]string{"17": "42", "42": "88", "88": "17"}[started.Match]
		_, err := w.mustFetch(started.RequestURI).answer("good", func(a *ceremony.Answer) { a.Match = wrong })
		wantCode(t, err, "match-wrong")
		w.advance(time.Second)
		_, err = w.mustFetch(w.must().RequestURI).answer("good", func(a *ceremony.Answer) { a.Decision, a.Reason = ceremony.Refuse, ceremony.ReasonNotMe })
		if err != nil {
			t.Fatal(err)
		}
		w.advance(time.Second)
		if _, err := w.mustFetch(w.must().RequestURI).answer("neighbour"); err != nil {
			t.Fatal(err)
		}
		started = w.must(func(r *ceremony.Request) { r.Claims = []string{"name"} })
		taken, err := w.mustFetch(started.RequestURI).answer("good")
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
		if err != nil {
			t.Fatal(err)
		}
		uses := func(a actor, grant string) (out ceremony.Uses, err error) {
			err = httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/uses", &out, w.bearer(a, ""), httpd.Header{Name: ceremony.GrantHeader, Value: grant})
			return out, err
		}
		_, err = uses(w.bank, r.Grants[ceremony.ScopeUses])
		wantCode(t, err, "grant-refused")
		_, err = uses(w.portal, r.Grants[ceremony.ScopeCertificates])
		wantCode(t, err, "grant-refused")
		got, err := uses(w.portal, r.Grants[ceremony.ScopeUses])
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, u := range got.Uses {
			codes = append(codes, u.Code)
			if u.Name.JA != "住民ポータル" || u.Purpose != loginSentence {
				t.Errorf("%+v", u)
			}
		}
		if len(codes) != 3 || codes[0] != "" || codes[1] != "holder-refused" || codes[2] != "match-wrong" {
			t.Errorf("codes %q", codes)
		}
		if why := got.Uses[2].Why; why.JA != gateway.ErrMatch.JA.Title || why.EN != gateway.ErrMatch.EN.Title || got.Uses[0].Why != (ceremony.Text{}) {
			t.Errorf("why: %+v", why)
		}
		if len(got.Uses[0].Claims) != 1 || got.Uses[0].Claims[0] != "name" {
			t.Errorf("claims %q", got.Uses[0].Claims)
		}
		_, err = uses(w.portal, r.Grants[ceremony.ScopeUses])
		wantCode(t, err, "grant-refused") // one time
		late := w.must()
		taken, err = w.mustFetch(late.RequestURI).answer("good")
		if err != nil {
			t.Fatal(err)
		}
		if r, err = w.result(w.portal, late, codeIn(t, taken.Redirect)); err != nil {
			t.Fatal(err)
		}
		w.advance(5 * time.Minute)
		w.refresh()
		_, err = uses(w.portal, r.Grants[ceremony.ScopeUses])
		wantCode(t, err, "grant-refused") // five minutes
	})
}

func TestRefusing(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	t.Run("with the PIN: signed, and told to the party", func(t *testing.T) {
		started := w.must()
		taken, err := w.mustFetch(started.RequestURI).answer("good", func(a *ceremony.Answer) { a.Decision, a.Reason = ceremony.Refuse, ceremony.ReasonTooMuch })
		if err != nil || taken.Verdict != ceremony.Failed {
			t.Fatalf("%+v, %v", taken, err)
		}
		r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
		if err != nil || r.Verdict != ceremony.Failed || r.Code != "holder-refused" || r.Reason != ceremony.ReasonTooMuch || r.Sub != "" || len(r.Grants) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("without unlocking: by the phone that fetched the request only", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		decline := func(phone string) (out ceremony.Taken, err error) {
			err = httpd.PostJSON(t.Context(), w.client, p.post, ceremony.Posted{Decline: ceremony.ReasonUnwanted}, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: phone})
			return out, err
		}
		_, err := decline(ceremony.NewID())
		wantCode(t, err, "request-taken")
		taken, err := decline(p.id)
		if err != nil || taken.Verdict != ceremony.Failed {
			t.Fatalf("%+v, %v", taken, err)
		}
		r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
		if err != nil || r.Code != "holder-refused" || r.Receipt != "" {
			t.Errorf("%+v, %v", r, err)
		}
		_, err = p.answer("good")
		wantCode(t, err, "request-used")
	})
}

func TestTheRegistrationIsSigned(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	body, header, err := httpd.Exchange(t.Context(), w.client, http.MethodGet, w.config.Origin+"/v1/parties/portal", nil)
	if err != nil || header.Get("Content-Type") != ceremony.RegistrationMediaType {
		t.Fatalf("%v %v", err, header)
	}
	m, err := ceremony.ParseRegistration(string(body))
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Verify()
	if err != nil || !m.Chain()[0].Equal(w.config.Sign.Chain[0]) {
		t.Fatal(err)
	}
	p := w.mustFetch(w.must().RequestURI)
	if err := r.Allows(p.req, nil); err != nil {
		t.Errorf("the phone would refuse: %v", err)
	}
	chain, err := r.Verifier.EncryptionChain()
	if err != nil || !chain[0].Equal(w.config.Decrypt.Chain[0]) {
		t.Errorf("%v", err)
	}
	_, _, err = httpd.Exchange(t.Context(), w.client, http.MethodGet, w.config.Origin+"/v1/parties/ghost", nil)
	wantCode(t, err, "party-unknown")
}

func TestWhatIsErasedWhen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must(crossing, func(r *ceremony.Request) { r.Claims = []string{"name"} })
		p := w.mustFetch(started.RequestURI)
		if _, err := p.answer("good", func(a *ceremony.Answer) { a.Match = started.Match }); err != nil {
			t.Fatal(err)
		}
		claims := func() int {
			r, err := w.config.Store.Request(t.Context(), p.req.Unverified().ID)
			if err != nil {
				return -1
			}
			return len(r.Outcome.Claims)
		}
		if claims() != 1 {
			t.Fatal("no claim is kept for the party")
		}
		for range 20 {
			due, any, err := w.gateway.NextDue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !any {
				break
			}
			before := claims()
			if err := w.gateway.RunDue(t.Context(), due); err != nil {
				t.Fatal(err)
			}
			if age := due.Sub(w.Now()); before == 1 && claims() == 0 && age != 5*time.Minute {
				t.Errorf("claims were erased after %s", age)
			}
		}
		if claims() != -1 {
			t.Error("the request is still there when nothing is due any more")
		}
		if _, any, err := w.gateway.NextDue(t.Context()); any || err != nil {
			t.Errorf("more is due: %v", err)
		}
		if uses, err := w.config.Store.Uses(t.Context(), "person-good", 10); err != nil || len(uses) != 1 {
			t.Errorf("the history lost the use: %v, %v", uses, err)
		}
	})
}

func hashOf(s string) string { return jws.Hash(s) }

// A party that ended after it asked is given nothing: no name is fetched for it, and
// the verdict says why.
func TestAPartyThatEndedMeanwhileGetsNoAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must(func(r *ceremony.Request) { r.Claims = []string{"name"} })
		p := w.mustFetch(started.RequestURI)
		if err := w.gateway.End(t.Context(), audit.System("verifier"), "portal"); err != nil {
			t.Fatal(err)
		}
		_, err := p.answer("good", func(a *ceremony.Answer) { a.Granted = []string{"name"} })
		refused, ok := errors.AsType[*problem.Problem](err)
		if !ok || refused.Code != gateway.ErrNoParty.Code {
			t.Errorf("got %v", err)
		}
		if err := w.gateway.End(t.Context(), audit.System("verifier"), "portal"); !errors.Is(err, gateway.ErrNoParty) {
			t.Errorf("ended twice: %v", err)
		}
	})
}

// Registering a party again changes what phones show of it, not since when it is
// verified.
func TestAPartyIsVerifiedSinceItsFirstRegistration(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := gateway.Party{ID: "clinic", Name: ceremony.Text{JA: "医院", EN: "Clinic"}, Mark: "医", Keys: keys(w.bank),
			Origins: []string{"http://clinic.localhost:8407"}, ReturnURLs: []string{"http://clinic.localhost:8407/return"},
			Purposes: []ceremony.RegisteredPurpose{{Code: "login", Sentence: loginSentence, RiskFloor: ceremony.R1}}}
		if err := w.gateway.Register(t.Context(), audit.System("verifier"), p); err != nil {
			t.Fatal(err)
		}
		first, err := w.config.Store.Party(t.Context(), "clinic")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.DateOnly, first.VerifiedSince); err != nil {
			t.Errorf("verified since %q", first.VerifiedSince)
		}
		w.now = w.now.AddDate(0, 1, 0)
		if err := w.gateway.Register(t.Context(), audit.System("verifier"), p); err != nil {
			t.Fatal(err)
		}
		again, err := w.config.Store.Party(t.Context(), "clinic")
		if err != nil || again.VerifiedSince != first.VerifiedSince {
			t.Errorf("verified since %s, first %s, %v", again.VerifiedSince, first.VerifiedSince, err)
		}
	})
}
