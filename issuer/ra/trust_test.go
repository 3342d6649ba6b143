package ra_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// friend is the nth of some people with a card, who can log in.
func (w *world) friend(n int) *card {
	w.t.Helper()
	name := []string{"次郎", "三郎", "四郎", "五郎"}[n]
	keys := manyKeys(w.t)[20+2*n:]
	id := fmt.Sprint("friend-", n)
	c := &card{w: w, id: "card-of-" + id, person: resident(id, "手形　"+name, time.Date(1975, 5, n+1, 0, 0, 0, 0, time.UTC)), auth: keys[0], sign: keys[1]}
	if err := c.issue(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// trustGrant is what a verifier gives the portal about the holder of a card who is
// logged in there.
func (w *world) trustGrant(ctx context.Context, c *card) ceremony.Grant {
	w.t.Helper()
	g, err := w.suspendGrant(ctx, c)
	if err != nil {
		w.t.Fatal(err)
	}
	g.Scope = ceremony.ScopeTrust
	return g
}

// The steps of two people, each logged in at the portal.
func (w *world) invite(c *card, label string) (ra.Trusted, error) {
	g := w.trustGrant(w.t.Context(), c)
	out, err := w.ra.InviteTrusted(w.t.Context(), "portal", ra.TrustInvitation{Holder: g.Subject, Label: label, Shown: "ハナコ"}, g)
	if err != nil {
		return ra.Trusted{}, err
	}
	i := slices.IndexFunc(out.Trusted, func(one ra.Trusted) bool {
		return one.State == ra.TrustInvited && one.Label == strings.TrimSpace(label)
	})
	return out.Trusted[i], nil
}

func (w *world) open(c *card, code string) (ra.Trusting, error) {
	g := w.trustGrant(w.t.Context(), c)
	return w.ra.OpenInvitation(w.t.Context(), "portal", ra.TrustStep{Holder: g.Subject, Code: code}, g)
}

type trustStep = func(ctx context.Context, party, id string, in ra.TrustStep, g ceremony.Grant) (ra.Trusting, error)

func (w *world) step(c *card, id string, do trustStep) error {
	g := w.trustGrant(w.t.Context(), c)
	_, err := do(w.t.Context(), "portal", id, ra.TrustStep{Holder: g.Subject}, g)
	return err
}

func (w *world) trusting(c *card) ra.Trusting {
	w.t.Helper()
	g := w.trustGrant(w.t.Context(), c)
	out, err := w.ra.Trusting(w.t.Context(), "portal", g.Subject, g)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// stopFor is a trusted person stopping a phone.
func (w *world) stopFor(c *card, id string) error {
	g := w.trustGrant(w.t.Context(), c)
	_, err := w.ra.SuspendCharge(w.t.Context(), "portal", g.Subject, id, g)
	return err
}

// trust makes an active relation and returns its id.
func (w *world) trust(holder, trusted *card) string {
	w.t.Helper()
	one, err := w.invite(holder, "おとうと")
	if err == nil {
		_, err = w.open(trusted, one.Code)
	}
	if err == nil {
		err = w.step(trusted, one.ID, w.ra.AcceptTrust)
	}
	if err == nil {
		err = w.step(holder, one.ID, w.ra.ConfirmTrust)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return one.ID
}

func TestATrustedPersonStopsThePhone(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		w, hanako, jiro := l.w, l.c, l.w.friend(0)
		one, err := w.invite(hanako, " おとうと ")
		if err != nil {
			t.Fatal(err)
		}
		if one.State != ra.TrustInvited || one.Label != "おとうと" || len(one.Code) != 11 || !one.Until.Equal(w.now.Add(24*time.Hour)) {
			t.Fatalf("got %+v", one)
		}
		wantCode(t, w.stopFor(jiro, one.ID), ra.CodeTrustUnknown)
		opened, err := w.open(jiro, one.Code)
		if err != nil {
			t.Fatal(err)
		}
		if len(opened.Charges) != 1 || opened.Charges[0] != (ra.Charge{ID: one.ID, State: ra.TrustOpened, Name: "ハナコ"}) {
			t.Fatalf("got %+v", opened)
		}
		if seen := w.trusting(hanako).Trusted[0]; seen.Name != "" || seen.Code != "" || seen.State != ra.TrustOpened {
			t.Errorf("before a yes the holder sees %+v", seen)
		}
		wantCode(t, w.stopFor(jiro, one.ID), ra.CodeTrustUnknown)
		wantCode(t, w.step(hanako, one.ID, w.ra.ConfirmTrust), ra.CodeTrustUnknown) // nobody has said yes
		wantCode(t, w.step(hanako, one.ID, w.ra.AcceptTrust), ra.CodeTrustUnknown)  // nor can the holder, for another
		for range 2 {
			if err := w.step(jiro, one.ID, w.ra.AcceptTrust); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, w.stopFor(jiro, one.ID), ra.CodeTrustUnknown)
		wantCode(t, w.step(jiro, one.ID, w.ra.ConfirmTrust), ra.CodeTrustUnknown) // the holder decides
		if seen := w.trusting(hanako).Trusted[0]; seen.Name != "手形　次郎" || seen.State != ra.TrustAccepted {
			t.Errorf("the holder is to confirm %+v", seen)
		}
		if err := w.step(hanako, one.ID, w.ra.ConfirmTrust); err != nil {
			t.Fatal(err)
		}
		l.are("good", "good")
		for range 2 {
			if err := w.stopFor(jiro, one.ID); err != nil {
				t.Fatal(err)
			}
		}
		l.are("held lost", "held lost")
		if seen := w.trusting(jiro).Charges[0]; !seen.Stopped {
			t.Errorf("after the stop: %+v", seen)
		}
		out, err := w.ra.Outbox(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, n := range out.Notices {
			told = append(told, n.To.Address+" "+string(n.Kind))
			if n.Kind == ra.NoticeSuspended && (!strings.Contains(n.JA.Body, "信頼できる人「おとうと」により") || !strings.Contains(n.EN.Body, "a person you trust (“おとうと”)")) {
				t.Errorf("told %q, %q", n.JA.Body, n.EN.Body)
			}
		}
		slices.Sort(told) // all in one moment
		want := []string{"friend-0 charged", "hanako applied", "hanako registered", "hanako suspended", "hanako trust-accepted", "hanako trust-invited", "hanako trusted"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		l.mustBeWhole()
	})
}

// Stopping is all that a trusted person can do, and "stopped" or not is all there is to
// see; with any other door, grant or person there is nothing.
func TestATrustedPersonCanDoNothingElse(t *testing.T) {
	w, hanako, p := registered(t)
	jiro, saburo := w.friend(0), w.friend(1)
	id := w.trust(hanako, jiro)
	about := func(c *card) string { return w.trustGrant(t.Context(), c).Subject }

	// What is told of the other.
	text, err := json.Marshal(w.trusting(jiro))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"trusted":[],"charges":[{"id":"` + id + `","state":"active","name":"ハナコ","stopped":false}]}`; string(text) != want {
		t.Errorf("told %s, want %s", text, want)
	}

	// The other's certificates, with what the trusted person's login brought.
	for name, g := range map[string]ceremony.Grant{"about oneself": w.trustGrant(t.Context(), jiro)} {
		for _, who := range []*card{hanako, jiro} {
			_, err := w.ra.Holding(t.Context(), "portal", about(who), g)
			t.Log(name)
			wantCode(t, err, ra.CodeGrantInvalid)
		}
		_, err = w.ra.SuspendByHolder(t.Context(), "portal", about(hanako), "", g)
		wantCode(t, err, ra.CodeGrantInvalid)
		_, err = w.ra.SuspendByHolder(t.Context(), "portal", about(jiro), "", g)
		wantCode(t, err, ra.CodeGrantInvalid)
		_, err = w.ra.Trusting(t.Context(), "portal", about(hanako), g)
		wantCode(t, err, ra.CodeGrantInvalid)
		_, err = w.ra.SuspendCharge(t.Context(), "portal", about(hanako), id, g)
		wantCode(t, err, ra.CodeGrantInvalid)
		_, err = w.ra.SuspendCharge(t.Context(), "bank", about(jiro), id, g)
		wantCode(t, err, ra.CodeGrantInvalid)
	}
	// Other scopes open nothing here.
	for _, scope := range []string{ceremony.ScopeSuspend, ceremony.ScopeCertificates, ceremony.ScopeUses} {
		g := w.trustGrant(t.Context(), jiro)
		g.Scope = scope
		_, err := w.ra.SuspendCharge(t.Context(), "portal", g.Subject, id, g)
		wantCode(t, err, ra.CodeGrantInvalid)
	}
	old := w.trustGrant(t.Context(), jiro)
	old.IssuedAt, old.Expires = old.IssuedAt-7200, old.Expires-7200
	_, err = w.ra.SuspendCharge(t.Context(), "portal", old.Subject, id, old)
	wantCode(t, err, ra.CodeGrantInvalid)
	// Other people with the id of the relation, the holder too.
	for _, c := range []*card{saburo, hanako} {
		wantCode(t, w.stopFor(c, id), ra.CodeTrustUnknown)
	}
	wantCode(t, w.step(saburo, id, w.ra.EndTrust), ra.CodeTrustUnknown)
	p.mustBe(status.Good, 0)

	// What was stopped is not lifted by anything of the trusted person's: no step of theirs
	// changes it, and neither does the end of the relation.
	if err := w.stopFor(jiro, id); err != nil {
		t.Fatal(err)
	}
	for _, do := range []trustStep{w.ra.AcceptTrust, w.ra.ConfirmTrust} {
		wantCode(t, w.step(jiro, id, do), ra.CodeTrustUnknown)
	}
	_, err = p.sendResume(p.resumeClaims(jiro.says(p, jiro.word(p, ra.WordResume)))) // the phone in hand, with a card of their own
	wantCode(t, err, ra.CodeWordCertificate)
	if err := w.step(jiro, id, w.ra.EndTrust); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)

	// Ended is ended, from either side.
	l := life{t: t, w: w, c: hanako, p: p}
	l.resume()
	wantCode(t, w.stopFor(jiro, id), ra.CodeTrustUnknown)
	again := w.trust(hanako, jiro)
	if err := w.step(hanako, again, w.ra.EndTrust); err != nil {
		t.Fatal(err)
	}
	wantCode(t, w.stopFor(jiro, again), ra.CodeTrustUnknown)
	if got := w.trusting(jiro); len(got.Charges) != 0 {
		t.Errorf("after the end: %+v", got)
	}
	// Ended by the trusted person the holder is told, ended by the holder both are: it may
	// have been somebody else with the holder's phone.
	if n := count(w.notices(), ra.NoticeTrustEnded); n != 3 {
		t.Errorf("told of an end %d times", n)
	}
	if n := w.toldOfEnd("あなたのログインで"); n != 1 {
		t.Errorf("the holder was told %d times of an end by their own login", n)
	}
	// A person whose phone is gone has nothing to stop, and why is not told.
	last := w.trust(hanako, saburo)
	if _, err := hanako.event(ra.EventDied); err != nil {
		t.Fatal(err)
	}
	if err := w.stopFor(saburo, last); err != nil {
		t.Errorf("with nothing left to stop: %v", err)
	}
	if got := w.trusting(saburo).Charges[0]; !got.Stopped || got.State != ra.TrustActive {
		t.Errorf("got %+v", got)
	}
}

func TestAnInvitationIsForOnePersonAndOneDay(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		w, hanako, jiro, saburo := l.w, l.c, l.w.friend(0), l.w.friend(1)
		for _, name := range []string{"", "   ", "http://evil.example", "a@b", "一二三四五六七八九十一二三四五六七八九十一", "a\nb\x00"} {
			_, err := w.invite(hanako, name)
			wantCode(t, err, ra.CodeCallName)
		}
		one, err := w.invite(hanako, "おとうと")
		if err != nil {
			t.Fatal(err)
		}
		slip := []byte(strings.ReplaceAll(one.Code, " ", ""))
		slip[2] = '0' + (slip[2]-'0'+1)%10
		_, err = w.open(jiro, string(slip))
		wantCode(t, err, ra.CodeInvitationDigit)
		_, err = w.open(jiro, "12345")
		wantCode(t, err, ra.CodeInvitationFormat)
		_, err = w.open(hanako, one.Code)
		wantCode(t, err, ra.CodeInvitationOwn)
		for range 2 { // sent again
			if _, err := w.open(jiro, one.Code); err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.open(saburo, one.Code) // over somebody's shoulder
		wantCode(t, err, ra.CodeInvitationWrong)
		w.pass(ra.InvitationLasts)
		wantCode(t, w.step(jiro, one.ID, w.ra.AcceptTrust), ra.CodeTrustUnknown)
		if got := w.trusting(hanako); len(got.Trusted) != 0 {
			t.Errorf("a day later: %+v", got)
		}
		two, err := w.invite(hanako, "おとうと")
		if err != nil {
			t.Fatal(err)
		}
		w.pass(ra.InvitationLasts)
		_, err = w.open(jiro, two.Code)
		wantCode(t, err, ra.CodeInvitationWrong)
		// A yes that the holder never confirms is forgotten.
		three, err := w.invite(hanako, "おとうと")
		if err == nil {
			_, err = w.open(jiro, three.Code)
		}
		if err == nil {
			err = w.step(jiro, three.ID, w.ra.AcceptTrust)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.pass(ra.AcceptanceLasts)
		wantCode(t, w.step(hanako, three.ID, w.ra.ConfirmTrust), ra.CodeTrustUnknown)
		// One relation between two people, three for one person.
		w.trust(hanako, jiro)
		four, err := w.invite(hanako, "また")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.open(jiro, four.Code)
		wantCode(t, err, ra.CodeTrustedAlready)
		if _, err := w.invite(hanako, "三人目"); err != nil {
			t.Fatal(err)
		}
		_, err = w.invite(hanako, "四人目")
		wantCode(t, err, ra.CodeTrustedLimit)
		if err := w.step(hanako, four.ID, w.ra.EndTrust); err != nil {
			t.Fatal(err)
		}
		if _, err := w.invite(hanako, "四人目"); err != nil {
			t.Fatal(err)
		}
		l.mustBeWhole()
	})
}

// Codes are guessed five times an hour by one person, and nothing is found.
func TestGuessesOfInvitationsAreLimited(t *testing.T) {
	w, hanako, _ := registered(t)
	jiro, saburo := w.friend(0), w.friend(1)
	one, err := w.invite(hanako, "おとうと")
	if err != nil {
		t.Fatal(err)
	}
	for i := range ra.TriesAllowed {
		_, err := w.open(jiro, "12345678"+string("2697531804"[0])) // a code whose check digit is right
		if i == 0 && errors.Is(err, ra.ErrInvitationDigit) {
			t.Fatal("the test's code has a wrong check digit")
		}
		if got := wantCode(t, err, ra.CodeInvitationWrong); got.Extra["tries_left"] != ra.TriesAllowed-1-i {
			t.Errorf("after %d: %v", i+1, got.Extra)
		}
	}
	_, err = w.open(jiro, one.Code)
	if got := wantCode(t, err, ra.CodeInvitationTries); got.Status != 429 || got.Extra["retry_after"] == nil {
		t.Errorf("got %+v", got)
	}
	if _, err := w.open(saburo, one.Code); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	// Nothing of the code rests in the database but its HMAC.
	var trail string
	if trail, err = w.auditTrail(); err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"おとうと", "ハナコ", one.Code, strings.ReplaceAll(one.Code, " ", "")} {
		if strings.Contains(trail, personal) {
			t.Errorf("%q stands in the audit trail", personal)
		}
	}
}

// At once: one of two people gets an invitation, and three of five are made.
func TestInvitationsAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		w := l.w
		var invites []func() error
		for range 5 {
			invites = append(invites, func() error { _, err := w.invite(l.c, "だれか"); return err })
		}
		made := 0
		for _, err := range atOnce(invites...) {
			if err == nil {
				made++
			} else {
				wantCode(t, err, ra.CodeTrustedLimit)
			}
		}
		if made != ra.TrustedAllowed {
			t.Fatalf("%d were made", made)
		}
		code := w.trusting(l.c).Trusted[0].Code
		friends := []*card{w.friend(0), w.friend(1), w.friend(2)}
		var opens []func() error
		for _, f := range friends {
			opens = append(opens, func() error { _, err := w.open(f, code); return err })
		}
		got := 0
		for _, err := range atOnce(opens...) {
			if err == nil {
				got++
			} else {
				wantCode(t, err, ra.CodeInvitationWrong)
			}
		}
		if got != 1 {
			t.Errorf("%d people got one invitation", got)
		}
		l.mustBeWhole()
	})
}

// Lock code and trusted people share one limit, in the same moment too.
func TestAllWaysThatAreLimitedCountTogether(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		jiro := l.w.friend(0)
		id := l.w.trust(l.c, jiro)
		byTrusted := func() error { return l.w.stopFor(jiro, id) }
		for range ra.SuspensionsAllowed {
			for _, err := range atOnce(byTrusted, l.byLockCode, byTrusted, l.byLockCode) {
				if err != nil {
					t.Fatal(err)
				}
			}
			l.resume()
		}
		for _, err := range atOnce(byTrusted, l.byLockCode, byTrusted, l.byLockCode) {
			wantCode(t, err, ra.CodeSuspensionLimit)
		}
		l.are("good", "revoked superseded")
		l.mustBeWhole()
	})
}

// The same over the wire, with a verifier's own signature under the grants.
func TestTrustingOverHTTP(t *testing.T) {
	w, hanako, p := registered(t)
	jiro := w.friend(0)
	base := w.serve()
	verifier, portal := w.newParty("verifier", pki.RoleVerifier), w.newParty("portal", pki.RoleParty)
	grant := func(c *card, by *party) (string, httpd.Header) {
		g := w.trustGrant(t.Context(), c)
		compact, err := ceremony.SignGrant(by.key, by.chain, g)
		if err != nil {
			t.Fatal(err)
		}
		return g.Subject, httpd.Header{Name: ceremony.GrantHeader, Value: compact}
	}
	post := func(c *card, path string, body func(holder string) any, out any) error {
		holder, g := grant(c, verifier)
		return httpd.PostJSON(t.Context(), httpd.Client(5*time.Second), base+path, body(holder), out, httpd.Bearer(portal.assertion()), g)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var out ra.Trusting
	must(post(hanako, "/v1/trust", func(h string) any { return ra.TrustInvitation{Holder: h, Label: "おとうと", Shown: "ハナコ"} }, &out))
	one := out.Trusted[0]
	must(post(jiro, "/v1/trust/openings", func(h string) any { return ra.TrustStep{Holder: h, Code: one.Code} }, &out))
	step := func(h string) any { return ra.TrustStep{Holder: h} }
	must(post(jiro, "/v1/trust/"+one.ID+"/acceptance", step, &out))
	must(post(hanako, "/v1/trust/"+one.ID+"/confirmation", step, &out))
	holder, g := grant(jiro, verifier)
	must(httpd.GetJSON(t.Context(), httpd.Client(time.Second), base+"/v1/holders/"+holder+"/trust", &out, httpd.Bearer(portal.assertion()), g))
	if len(out.Charges) != 1 || out.Charges[0].State != ra.TrustActive {
		t.Fatalf("got %+v", out)
	}
	// A portal that makes grants of its own stops nobody.
	holder, g = grant(jiro, portal)
	err := httpd.PostJSON(t.Context(), httpd.Client(time.Second), base+"/v1/suspensions", ra.Suspension{Holder: holder, Trust: one.ID}, &ra.Suspended{}, httpd.Bearer(portal.assertion()), g)
	wantCode(t, err, ra.CodeGrantInvalid)
	err = httpd.PostJSON(t.Context(), httpd.Client(time.Second), base+"/v1/suspensions", ra.Suspension{Holder: holder, Trust: one.ID}, &ra.Suspended{}, httpd.Bearer(portal.assertion()))
	wantCode(t, err, ra.CodeGrantInvalid)
	p.mustBe(status.Good, 0)
	var held ra.Suspended
	must(post(jiro, "/v1/suspensions", func(h string) any { return ra.Suspension{Holder: h, Trust: one.ID} }, &held))
	if held.State != "held" {
		t.Errorf("got %+v", held)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	must(post(jiro, "/v1/trust/"+one.ID+"/end", step, &out))
	if len(out.Charges) != 0 {
		t.Errorf("got %+v", out)
	}
	if p, ok := errors.AsType[*problem.Problem](post(jiro, "/v1/suspensions", func(h string) any { return ra.Suspension{Holder: h, Trust: one.ID} }, &held)); !ok || p.Status != 404 {
		t.Errorf("after the end: %v", p)
	}
}

// The code of an open invitation rests nowhere: not in the database, its log or any
// other file of the authority's.
func TestTheCodeOfAnInvitationRestsNowhere(t *testing.T) {
	w, hanako, _ := registered(t)
	one, err := w.invite(hanako, "おとうと")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	err = fs.WalkDir(os.DirFS(w.dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(w.dir, path))
		if err != nil {
			return err
		}
		found = found || bytes.Contains(content, []byte("おとうと")) // what does rest there is found
		for _, code := range []string{one.Code, strings.ReplaceAll(one.Code, " ", "")} {
			if bytes.Contains(content, []byte(code)) {
				t.Errorf("%s stands in %s", code, path)
			}
		}
		return nil
	})
	if err != nil || !found {
		t.Errorf("the label was not found: the search sees nothing (%v)", err)
	}
}

// toldOfEnd counts the notices of an end that say so.
func (w *world) toldOfEnd(words string) (n int) {
	w.t.Helper()
	out, err := w.ra.Outbox(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range out.Notices {
		if one.Kind == ra.NoticeTrustEnded && one.To.Address == hanako().Contact.Address && strings.Contains(one.JA.Body, words) {
			n++
		}
	}
	return n
}
