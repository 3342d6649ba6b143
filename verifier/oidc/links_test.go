package oidc_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// desk is a party at which people see what relying parties have of them.
type desk struct {
	w     *world
	id    string
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

const deskURL = "http://127.0.0.1:9/desk"

func (w *world) desk(id string) *desk {
	w.t.Helper()
	d := &desk{w: w, id: id, key: pkitest.ECKey(w.t)}
	d.chain = []*x509.Certificate{w.ops.Party(w.t, d.key.Public(), id, pki.RoleParty, pkitest.Leaf{})}
	w.enter("ops", d.chain[0], feed.Good)
	w.tell()
	err := w.gateway.Register(w.t.Context(), audit.System("verifier"), gateway.Party{ID: id, Name: ceremony.Text{JA: "窓口", EN: "Desk"}, Mark: "portal",
		Purposes: []ceremony.RegisteredPurpose{{Code: "desk", Sentence: ceremony.Text{JA: "見ます。", EN: "Look."}, RiskFloor: ceremony.R1}},
		Origins:  []string{"http://127.0.0.1:9"}, ReturnURLs: []string{deskURL}, Keys: []string{ceremony.KeyID(d.chain[0])},
		Grants: []string{ceremony.ScopeUses, ceremony.ScopeLinks}})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (d *desk) bearer(code string) httpd.Header {
	d.w.t.Helper()
	a := ceremony.NewClientAssertion(d.id, "verifier", d.w.Now())
	a.ResponseCode = code
	compact, err := ceremony.SignClientAssertion(d.key, d.chain, a)
	if err != nil {
		d.w.t.Fatal(err)
	}
	return httpd.Bearer(compact)
}

// login logs a holder in at the desk and returns the grants of that.
func (d *desk) login(name string) map[string]string {
	t, w, at, id := d.w.t, d.w, d.w.Now(), ceremony.NewID()
	t.Helper()
	compact, err := ceremony.SignRequest(d.key, d.chain, ceremony.Request{Issuer: d.id, Audience: "verifier", ID: id, Nonce: ceremony.NewID(),
		IssuedAt: at.Unix(), Expires: at.Add(5 * time.Minute).Unix(), Purpose: ceremony.Purpose{Code: "desk", Sentence: ceremony.Text{JA: "見ます。", EN: "Look."}},
		Kind: ceremony.Login, Risk: ceremony.R1, Channel: ceremony.Same, ResponseURI: w.origin + "/v1/requests/" + id + "/answer"})
	if err != nil {
		t.Fatal(err)
	}
	var started ceremony.Started
	client := httpd.Client(5 * time.Second)
	if err := httpd.PostJSON(t.Context(), client, w.origin+"/v1/requests", ceremony.Start{Request: compact, ReturnURL: deskURL}, &started, d.bearer("")); err != nil {
		t.Fatal(err)
	}
	back, err := w.answer(started.RequestURI, name)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	var r ceremony.Result
	if err := httpd.GetJSON(t.Context(), client, w.origin+"/v1/requests/"+started.ResultID, &r, d.bearer(u.Query().Get("response_code"))); err != nil {
		t.Fatal(err)
	}
	return r.Grants
}

func (d *desk) links(grant string) (out ceremony.Links, err error) {
	return out, httpd.GetJSON(d.w.t.Context(), httpd.Client(5*time.Second), d.w.origin+"/v1/links", &out, d.bearer(""), httpd.Header{Name: ceremony.GrantHeader, Value: grant})
}

func (d *desk) end(grant, client string) (out ceremony.Links, err error) {
	return out, httpd.PostJSON(d.w.t.Context(), httpd.Client(5*time.Second), d.w.origin+"/v1/links/"+client+"/end", struct{}{}, &out, d.bearer(""),
		httpd.Header{Name: ceremony.GrantHeader, Value: grant})
}

// uses is the person's history, newest first.
func (d *desk) uses(name string) []ceremony.Use {
	d.w.t.Helper()
	var out ceremony.Uses
	err := httpd.GetJSON(d.w.t.Context(), httpd.Client(5*time.Second), d.w.origin+"/v1/uses", &out, d.bearer(""),
		httpd.Header{Name: ceremony.GrantHeader, Value: d.login(name)[ceremony.ScopeUses]})
	if err != nil {
		d.w.t.Fatal(err)
	}
	return out.Uses
}

// AT-B08: a person sees what each relying party has, and ends it: refresh, userinfo and
// introspection stop at once, and the relying party is told.
func TestAHolderSeesAndEndsALink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), w.desk("desk")
		grant := d.login("hanako")[ceremony.ScopeLinks]
		if links, err := d.links(grant); err != nil || len(links.Links) != 0 {
			t.Fatalf("before: %+v, %v", links, err)
		}
		r := w.rp(ctx, "name", "address")
		begun := w.Now().Unix()
		token, id := r.login(ctx, "hanako")
		second, _ := w.rp(ctx, "name").login(ctx, "hanako") // on another device
		neighbour, _ := w.rp(ctx).login(ctx, "taro")
		w.advance(2 * time.Minute)
		if _, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token)); err != nil {
			t.Fatal(err)
		}
		links, err := d.links(grant)
		if err != nil || len(links.Links) != 1 {
			t.Fatalf("%+v, %v", links, err)
		}
		l := links.Links[0]
		if l.ID != "bank" || l.Name.JA != "手形銀行" || l.Mark != "bank" || l.Since < begun || l.Since > begun+60 || l.Used < l.Since+100 || l.Until < l.Since+11*3600 ||
			!slices.Equal(l.Claims, []string{"name", "address"}) || l.Ended != 0 {
			t.Errorf("%+v", l)
		}

		// Another person's grant shows and ends that person's alone.
		if links, err := d.links(d.login("taro")[ceremony.ScopeLinks]); err != nil || len(links.Links) != 1 || len(links.Links[0].Claims) != 0 {
			t.Errorf("the neighbour sees %+v, %v", links, err)
		}
		links, err = d.end(grant, "bank")
		if err != nil || len(links.Links) != 1 || links.Links[0].Ended == 0 || links.Links[0].Why != ceremony.EndedByHolder {
			t.Fatalf("%+v, %v", links, err)
		}
		for name, token := range map[string]string{"the first": token.RefreshToken, "the other device's": second.RefreshToken} {
			if status, out := w.refresh(token); status != 400 || out["error"] != "invalid_grant" {
				t.Errorf("%s refresh token: %d %v", name, status, out)
			}
		}
		if _, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token)); err == nil || w.active(token.AccessToken) {
			t.Errorf("userinfo answers (%v), or the token is active", err)
		}
		if status, _ := w.refresh(neighbour.RefreshToken); status != 200 {
			t.Errorf("the neighbour's: %d", status)
		}
		w.toldOfLogout(t, id.Subject)

		// Again: nothing more happens. A new login is a new link.
		if _, err := d.end(grant, "bank"); err != nil {
			t.Error(err)
		}
		ends := 0
		for _, u := range d.uses("hanako") {
			if u.Kind == ceremony.UseEnd {
				ends++
				if u.Party != "bank" || u.Name.JA != "手形銀行" || u.Purpose.JA == "" || len(u.Claims) != 0 {
					t.Errorf("%+v", u)
				}
			}
		}
		if ends != 1 {
			t.Errorf("the history has %d ends", ends)
		}
		w.rp(ctx).login(ctx, "hanako")
		if links, err := d.links(grant); err != nil || len(links.Links) != 1 || links.Links[0].Ended != 0 {
			t.Errorf("after a new login: %+v, %v", links, err)
		}
	})
}

// Each disclosure is in the person's history under the name of who got it, with what was
// given: not the provider's name, and not what was asked and kept.
func TestAUseOverOpenIDConnectNamesTheRelyingPartyAndTheData(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), w.desk("desk")
		r := w.rp(ctx, "name", "address")
		r.code(w.browser(), "hanako", func(a *ceremony.Answer) { a.Granted = []string{"address"} })
		r = w.rp(ctx, "name", "address")
		r.code(w.browser(), "hanako")
		w.rp(ctx).login(ctx, "hanako")
		var got []string
		for _, u := range d.uses("hanako") {
			if u.Party == "desk" {
				continue
			}
			if u.Party != "bank" || u.Name.JA != "手形銀行" || u.Name.EN != "Tegata Bank" || u.Purpose.JA != "口座の画面にログインします。" || u.Verdict != ceremony.Passed || u.Receipt == "" {
				t.Errorf("%+v", u)
			}
			text := ""
			for _, c := range u.Claims {
				text += c + " "
			}
			got = append(got, text)
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"", "address ", "name address "}) {
			t.Errorf("given: %q", got)
		}
	})
}

// A code that was not redeemed yet is a link too.
func TestAnEndedLinkHasNoCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), w.desk("desk")
		grant := d.login("hanako")[ceremony.ScopeLinks]
		r := w.rp(ctx)
		q := r.code(w.browser(), "hanako")
		if _, err := d.end(grant, "bank"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.tokens(ctx, q); err == nil {
			t.Error("the code was redeemed")
		}
	})
}

func TestWhoMayEndALink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d, other := t.Context(), w.desk("desk"), w.desk("other")
		token, _ := w.rp(ctx).login(ctx, "hanako")
		grants := d.login("hanako")
		for name, try := range map[string]func() error{
			"without a grant":            func() error { _, err := d.end("", "bank"); return err },
			"with a grant for the uses":  func() error { _, err := d.end(grants[ceremony.ScopeUses], "bank"); return err },
			"with another party's grant": func() error { _, err := other.end(grants[ceremony.ScopeLinks], "bank"); return err },
			"looking with another's":     func() error { _, err := other.links(grants[ceremony.ScopeLinks]); return err },
			"after the hour": func() error {
				w.advance(61 * time.Minute)
				_, err := d.end(grants[ceremony.ScopeLinks], "bank")
				return err
			},
		} {
			if p, ok := errors.AsType[*problem.Problem](try()); !ok || p.Code != gateway.ErrGrant.Code {
				t.Errorf("%s: %v", name, p)
			}
		}
		if status, _ := w.refresh(token.RefreshToken); status != 200 {
			t.Errorf("the link has ended: %d", status)
		}
		if _, err := d.end(d.login("hanako")[ceremony.ScopeLinks], "nobody"); !errors.Is(err, oidc.ErrNoLink) {
			t.Errorf("a party that there is not: %v", err)
		}
	})
}

func TestALinkEndsOnceInManyHands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), w.desk("desk")
		w.rp(ctx).login(ctx, "hanako")
		grant := d.login("hanako")[ceremony.ScopeLinks]
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := d.end(grant, "bank"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(slices.DeleteFunc(d.uses("hanako"), func(u ceremony.Use) bool { return u.Kind != ceremony.UseEnd })); n != 1 {
			t.Errorf("the history has %d ends", n)
		}
	})
}

// What ended otherwise says by whom.
func TestALinkSaysWhatEndedIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, d := t.Context(), w.desk("desk")
		grant := d.login("hanako")[ceremony.ScopeLinks]
		says := func(want ceremony.LinkEnd) {
			t.Helper()
			if links, err := d.links(grant); err != nil || len(links.Links) != 1 || links.Links[0].Why != want {
				t.Errorf("%+v, %v; want %s", links, err, want)
			}
		}
		token, _ := w.rp(ctx).login(ctx, "hanako")
		w.post("/revoke", url.Values{"token": {token.RefreshToken}}, "bank", w.secret)
		says(ceremony.EndedByParty)
		token, _ = w.rp(ctx).login(ctx, "hanako")
		w.refresh(token.RefreshToken)
		w.refresh(token.RefreshToken)
		says(ceremony.EndedByMisuse)
		token, _ = w.rp(ctx).login(ctx, "hanako")
		w.turn("hanako", feed.Held)
		w.refresh(token.RefreshToken)
		says(ceremony.EndedByCertificate)
	})
}
