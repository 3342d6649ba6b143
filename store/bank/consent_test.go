package bank_test

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/guardian"
	"tegata/services/relying"
)

var (
	kaede  = bank.Attributes{Name: "佐藤 かえで", Address: hanako.Address, Birthdate: "2010-06-15", Gender: "female"}
	uncle  = bank.Attributes{Name: "佐藤 三郎", Address: "大阪府大阪市1", Birthdate: "1985-01-01", Gender: "male"}
	sister = bank.Attributes{Name: "佐藤 もみじ", Address: hanako.Address, Birthdate: "2009-04-01", Gender: "female"}
)

// asks has the minor apply, and returns the secret of an invitation.
func (w *world) asksConsent(t *testing.T, id, sub string) string {
	t.Helper()
	d, err := w.Draw(t.Context(), id, sub, kaede, choices)
	if err != nil || !d.Minor || !strings.Contains(string(d.Document), "親権者が同意書に署名") {
		t.Fatalf("%+v %v", d, err)
	}
	w.by = map[string]relying.Verdict{"cms of " + sub: verdict("passed", kaede.Name, "good"), "cms of parent": verdict("passed", hanako.Name, "good")}
	if err := w.Receive(t.Context(), sub, d, kaede, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms of " + sub)}); err != nil {
		t.Fatal(err)
	}
	return w.invites(t, sub)
}

func (w *world) invites(t *testing.T, sub string) string {
	t.Helper()
	address, err := w.Invite(t.Context(), sub)
	link, ok := strings.CutPrefix(address, "http://bank/consent/")
	if err != nil || !ok {
		t.Fatalf("%s %v", address, err)
	}
	return link
}

func personOf(sub string, a bank.Attributes) guardian.Person {
	return guardian.Person{Sub: sub, Name: a.Name, Address: a.Address, Birthdate: a.Birthdate}
}

// consents has somebody take the invitation, and sign.
func (w *world) consents(t *testing.T, link, sub string, who bank.Attributes) error {
	t.Helper()
	if err := w.Guardians().Take(t.Context(), link, personOf(sub, who)); err != nil {
		return err
	}
	p, err := w.DrawConsent(t.Context(), link, sub, who)
	if err != nil {
		return err
	}
	return w.ReceivePaper(t.Context(), p, who, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms of parent")})
}

func TestAMinorsAccountIsOpenedByTwoSignatures(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		link := w.asksConsent(t, "k1", "kid")
		a := w.current(t, "kid")
		if a.State != bank.Awaiting || !a.DueAt.Equal(w.now.Add(7*24*time.Hour)) {
			t.Fatalf("%+v", a)
		}
		if _, err := w.Draw(t.Context(), "k2", "kid", kaede, choices); !errors.Is(err, bank.ErrSecond) {
			t.Errorf("a second application: %v", err)
		}
		w.reviewed(t, time.Hour)
		if a := w.current(t, "kid"); a.State != bank.Awaiting {
			t.Fatalf("reviewed without a consent: %+v", a)
		}
		if err := w.Guardians().Take(t.Context(), link, personOf("mum", hanako)); err != nil {
			t.Fatal(err)
		}
		p, err := w.DrawConsent(t.Context(), link, "mum", hanako)
		if err != nil {
			t.Fatal(err)
		}
		// They see the whole of what the minor signed, and what they declare.
		for _, says := range []string{string(a.Document), "私は、下の申し込みをした者の親権者です", hanako.Name, kaede.Name, hanako.Address} {
			if !strings.Contains(string(p.Document), says) {
				t.Errorf("the consent does not say %q", says)
			}
		}
		good := relying.Signed{Verdict: "passed", Sub: "mum", Signature: []byte("cms of parent")}
		moved := hanako
		moved.Address = "大阪府"
		for what, err := range map[string]error{
			"by another":     w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "passed", Sub: "kid", Signature: []byte("cms of parent")}),
			"other facts":    w.ReceivePaper(t.Context(), p, moved, good),
			"another's name": w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "passed", Sub: "mum", Signature: []byte("cms of kid")}),
			"not passed":     w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "failed", Sub: "mum"}),
		} {
			if !errors.Is(err, guardian.ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		var all sync.WaitGroup
		for range 4 { // a double click, and the way back
			all.Go(func() {
				if err := w.ReceivePaper(t.Context(), p, hanako, good); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if a := w.current(t, "kid"); a.State != bank.Reviewing || !a.DueAt.Equal(w.now.Add(time.Minute)) {
			t.Fatalf("%+v", a)
		}
		if err := w.consents(t, link, "mum", hanako); !errors.Is(err, guardian.ErrSigned) {
			t.Errorf("once more: %v", err)
		}
		if _, err := w.Invite(t.Context(), "kid"); !errors.Is(err, guardian.ErrSigned) {
			t.Errorf("invited after it: %v", err)
		}
		w.reviewed(t, time.Minute)
		if a := w.current(t, "kid"); a.State != bank.Opened || a.Number != "0000001" || a.Record.Guardian != bank.GuardianSameAddress {
			t.Errorf("%+v", a)
		}
		given, err := w.Consents(t.Context(), "mum")
		if err != nil || len(given) != 1 || given[0].Guardian.Name != hanako.Name || given[0].Record.Issuer != "phone-sign" || len(given[0].Record.SignatureSHA256) != 64 ||
			string(given[0].Document) != string(p.Document) {
			t.Errorf("%+v %v", given, err)
		}
		if _, err := w.Draw(t.Context(), "k3", "kid", kaede, forSecurities); !errors.Is(err, bank.ErrMinor) {
			t.Errorf("a securities account: %v", err)
		}
		if err := w.Close(t.Context(), "kid", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.AddDate(7, 0, 1)
		w.reviewed(t, 0)
		if given, err := w.Consents(t.Context(), "mum"); err != nil || len(given) != 0 {
			t.Errorf("kept for ever: %+v %v", given, err)
		}
	})
}

func TestWhoCannotConsent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.asksConsent(t, "k1", "kid")
		nameless := hanako
		nameless.Name = ""
		for _, c := range []struct {
			name, sub string
			who       bank.Attributes
			want      error
		}{
			{"the minor", "kid", kaede, guardian.ErrSelf},
			{"the minor, who is somebody else now", "kid", hanako, guardian.ErrSelf},
			{"a sister", "sister", sister, guardian.ErrMinor},
			{"who does not say who they are", "mum", nameless, guardian.ErrFacts},
		} {
			if err := w.consents(t, first, c.sub, c.who); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if err := w.consents(t, "NONE", "mum", hanako); !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("by no invitation: %v", err)
		}
		if _, err := w.DrawConsent(t.Context(), first, "mum", hanako); !errors.Is(err, guardian.ErrTaken) {
			t.Errorf("without having said that they are the guardian: %v", err)
		}
		// Who takes it first has it; the minor's next invitation takes it from them.
		if err := w.Guardians().Take(t.Context(), first, personOf("stranger", uncle)); err != nil {
			t.Fatal(err)
		}
		if err := w.consents(t, first, "mum", hanako); !errors.Is(err, guardian.ErrTaken) {
			t.Errorf("after a stranger: %v", err)
		}
		drawn, err := w.DrawConsent(t.Context(), first, "stranger", uncle)
		if err != nil {
			t.Fatal(err)
		}
		second := w.invites(t, "kid")
		w.by["cms of uncle"] = verdict("passed", uncle.Name, "good")
		err = w.ReceivePaper(t.Context(), drawn, uncle, relying.Signed{Verdict: "passed", Sub: "stranger", Signature: []byte("cms of uncle")})
		if !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("signed under an invitation that is no more: %v", err)
		}
		if err := w.consents(t, first, "mum", hanako); !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("by the old one: %v", err)
		}
		if _, err := w.Invite(t.Context(), "mum"); !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("invited to nothing: %v", err)
		}
		if err := w.consents(t, second, "mum", hanako); err != nil {
			t.Error(err)
		}
	})
}

func TestOfManyWhoTakeAnInvitationOneHasIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		link := w.asksConsent(t, "k1", "kid")
		var all sync.WaitGroup
		var mu sync.Mutex
		taken := 0
		for i := range 5 {
			all.Go(func() {
				err := w.Guardians().Take(t.Context(), link, personOf(fmt.Sprint("adult-", i), uncle))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else if !errors.Is(err, guardian.ErrTaken) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if taken != 1 {
			t.Errorf("%d have it", taken)
		}
	})
}

func TestAConsentThatDoesNotCome(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		link := w.asksConsent(t, "k1", "kid")
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(guardian.Life)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.now = w.now.Add(guardian.Life) // nobody has run what is due
		if err := w.consents(t, link, "mum", hanako); !errors.Is(err, guardian.ErrOver) {
			t.Errorf("too late: %v", err)
		}
		if _, err := w.Invite(t.Context(), "kid"); !errors.Is(err, guardian.ErrOver) {
			t.Errorf("invited too late: %v", err)
		}
		w.reviewed(t, 0)
		if a := w.current(t, "kid"); a.State != bank.Stopped || a.Why != guardian.WhyConsent || !a.Record.RetentionUntil.Equal(bank.Retention(w.now)) {
			t.Errorf("%+v", a)
		}
		if link := w.asksConsent(t, "k2", "kid"); link == "" {
			t.Error("no other application")
		}
	})
}

func TestTheReviewLooksAtTheGuardianToo(t *testing.T) {
	elsewhere := hanako
	elsewhere.Address = uncle.Address
	for name, c := range map[string]struct {
		who  bank.Attributes
		says relying.Verdict // of the guardian's signature at the review
		want string
	}{
		"held":               {hanako, verdict("indeterminate", hanako.Name, "held"), guardian.WhyCertificate},
		"revoked":            {hanako, verdict("indeterminate", hanako.Name, "revoked"), guardian.WhyCertificate},
		"does not verify":    {hanako, verdict("failed", hanako.Name, "good"), guardian.WhyCertificate},
		"of another address": {elsewhere, verdict("passed", hanako.Name, "good"), guardian.WhyAddress},
		"nothing known":      {hanako, verdict("indeterminate", hanako.Name, ""), ""},
	} {
		each(t, func(t *testing.T, w *world) {
			link := w.asksConsent(t, "k1", "kid")
			if err := w.consents(t, link, "mum", c.who); err != nil {
				t.Fatal(err)
			}
			w.by["cms of parent"] = c.says
			w.reviewed(t, time.Minute)
			a := w.current(t, "kid")
			if c.want == "" && a.State != bank.Reviewing || c.want != "" && (a.State != bank.Stopped || a.Why != c.want || a.Number != "") {
				t.Errorf("%s: %+v", name, a)
			}
		})
	}
}

func TestAConsentOverThePages(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		// The minor applies, and makes an invitation in the same browser.
		c.by = map[string]relying.Verdict{"cms": verdict("passed", kaede.Name, "good")}
		c.provider.Who = person("kid", kaede)
		c.enters(nil)
		id := c.draws()
		c.do("POST", "/check", url.Values{"draft": {id}})
		if a := c.do("GET", c.back(), nil); a.location != "/applications/"+id {
			t.Fatalf("%d %s", a.status, a.location)
		}
		if a := c.do("GET", "/applications/"+id, nil); !strings.Contains(a.text, "親権者の同意を待っています") {
			t.Errorf("%s", a.text)
		}
		c.do("POST", "/invite", nil)
		shown := regexp.MustCompile(`id="invitation">http://bank(/consent/\w+)<`)
		m := shown.FindStringSubmatch(c.do("GET", "/home", nil).text)
		if m == nil {
			t.Fatal("no invitation is shown")
		}
		path := m[1]
		if a := c.do("GET", path, nil); !strings.Contains(a.text, "guardian-self") {
			t.Errorf("to the minor: %d %s", a.status, a.text)
		}

		parent := *c
		parent.browser = newBrowser(t)
		if a := parent.do("GET", path, nil); a.status != 200 || strings.Contains(a.text, kaede.Name) || strings.Contains(a.text, kaede.Address) || !strings.Contains(a.text, `name="consent"`) {
			t.Errorf("to a stranger: %d %s", a.status, a.text)
		}
		link := strings.TrimPrefix(path, "/consent/")
		c.provider.Who = person("sister", sister)
		if a := parent.enters(url.Values{"consent": {link}}); a.location != path {
			t.Fatalf("%d %s", a.status, a.location)
		}
		if a := parent.do("GET", path, nil); !strings.Contains(a.text, "guardian-minor") || strings.Contains(a.text, kaede.Name) {
			t.Errorf("to a sister: %d %s", a.status, a.text)
		}
		c.provider.Who = person("mum", hanako)
		parent.enters(url.Values{"consent": {link}})
		if a := parent.do("GET", path, nil); a.status != 200 || strings.Contains(a.text, kaede.Name) || strings.Contains(a.text, kaede.Birthdate) {
			t.Errorf("before they said that they are the guardian: %d %s", a.status, a.text)
		}
		if a := parent.do("POST", path+"/sign", nil); a.location != path {
			t.Errorf("signed before: %d %s", a.status, a.location)
		}
		for range 2 {
			if a := parent.do("POST", path, nil); a.location != path {
				t.Errorf("%d %s", a.status, a.location)
			}
		}
		a := parent.do("GET", path, nil)
		paper := regexp.MustCompile(`name="paper" value="(\w+)"`).FindStringSubmatch(a.text)
		if paper == nil || !strings.Contains(a.text, kaede.Name) || !strings.Contains(a.text, "親権者です") {
			t.Fatalf("%d %s", a.status, a.text)
		}
		if again := parent.do("GET", path, nil); !strings.Contains(again.text, paper[1]) {
			t.Error("a reload draws another document")
		}
		stranger := *c
		stranger.browser = newBrowser(t)
		c.provider.Who = person("uncle", uncle)
		stranger.enters(url.Values{"consent": {link}})
		if a := stranger.do("GET", path, nil); !strings.Contains(a.text, "guardian-taken") || strings.Contains(a.text, kaede.Name) {
			t.Errorf("to another adult: %d %s", a.status, a.text)
		}

		c.provider.Who = person("mum", hanako)
		c.by["cms"] = verdict("passed", hanako.Name, "good")
		parent.do("POST", path+"/sign", url.Values{"paper": {paper[1]}})
		if a := parent.do("GET", parent.back(), nil); a.location != path {
			t.Fatalf("%d %s", a.status, a.location)
		}
		if a := parent.do("GET", path, nil); !strings.Contains(a.text, "同意を受け取りました") {
			t.Errorf("%d %s", a.status, a.text)
		}
		if a := newcomerAt(c, t).do("GET", path, nil); a.status != 409 || !strings.Contains(a.text, "guardian-signed") {
			t.Errorf("to anybody after it: %d %s", a.status, a.text)
		}
		if a := parent.do("GET", "/received/"+paper[1]+"/consent/consent.txt", nil); a.text != string(c.provider.Content) {
			t.Errorf("%d %s", a.status, a.text)
		}
		if a := stranger.do("GET", "/received/"+paper[1]+"/consent/consent.txt", nil); a.status != 404 {
			t.Errorf("%d", a.status)
		}
		delete(c.by, "cms")
		c.says = verdict("passed", kaede.Name, "good")
		c.reviewed(t, time.Minute)
		if a := c.do("GET", "/applications/"+id, nil); !strings.Contains(a.text, "口座を開きました") {
			t.Errorf("%s", a.text)
		}
	})
}

// newcomerAt is a browser that nobody is logged in with.
func newcomerAt(c *counter, t *testing.T) *counter {
	other := *c
	other.browser = newBrowser(t)
	return &other
}
