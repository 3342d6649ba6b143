package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store"
)

// Pressing again, or the page in a second tab, does not lose an approval on its way.
func TestAStandingRequestIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, b := w.rp(t.Context()), w.browser()
		p := b.get(r.url())
		page := p.at.Path
		p = b.post(page+"/ask", url.Values{"with": {"this"}})
		first := w.requestIn(p)
		if again := w.requestIn(b.post(page+"/ask", url.Values{"with": {"this"}})); again != first {
			t.Errorf("asked anew: %s, then %s", first, again)
		}
		redirect, err := w.answer(first, "hanako")
		if err != nil {
			t.Fatal(err)
		}
		// Answered, and the way back was lost: who presses again is asked anew, by this way or
		// another, and the approval counts all the same when it comes.
		if again := w.requestIn(b.post(page+"/ask", url.Values{"with": {"this"}})); again == first {
			t.Error("who lost the way back is sent to a request that was answered")
		}
		b.post(page+"/ask", url.Values{"with": {"other"}})
		if _, _, err := r.tokens(t.Context(), w.arrived(b.get(redirect))); err != nil {
			t.Error(err)
		}
		// A QR code that nobody can scan any more does not stand; nor does what has expired.
		r = w.rp(t.Context())
		p = b.get(r.url())
		page = p.at.Path
		first = w.requestIn(b.post(page+"/ask", url.Values{"with": {"other"}}))
		if again := w.requestIn(b.post(page+"/ask", url.Values{"with": {"other"}})); again != first {
			t.Error("the code of a moment ago does not stand")
		}
		w.advance(ceremony.MaxQR + time.Second)
		second := w.requestIn(b.post(page+"/ask", url.Values{"with": {"other"}}))
		if second == first {
			t.Error("the code of a minute ago stands")
		}
		p = b.post(page+"/ask", url.Values{"with": {"this"}})
		third := w.requestIn(p)
		w.advance(5*time.Minute + time.Second)
		if again := w.requestIn(b.post(page+"/ask", url.Values{"with": {"this"}})); again == third || third == second {
			t.Error("an expired request stands")
		}
	})
}

// A login goes the way that was chosen last: an answer from another device, after this one
// was chosen, logs nobody in (docs/decisions/515). What is asked here goes on.
func TestAnAnswerFromTheWayThatWasLeftLogsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, b := w.rp(t.Context()), w.browser()
		page := b.get(r.url()).at.Path
		p := b.post(page+"/ask", url.Values{"with": {"other"}})
		left, number := w.requestIn(p), numberOn(t, p)
		here := w.requestIn(b.post(page+"/ask", url.Values{"with": {"this"}}))
		if redirect, err := w.answer(left, "taro", func(a *ceremony.Answer) { a.Match = number }); err != nil || redirect != "" {
			t.Fatalf("%q, %v", redirect, err)
		}
		for _, at := range []string{"/wait", "", "/phone"} {
			if p := b.get(w.origin + page + at); strings.HasSuffix(p.at.Path, "/done") || strings.HasPrefix(p.away, redirectURI) {
				t.Errorf("%s leads to %s, %s", at, p.at, p.away)
			}
		}
		redirect, err := w.answer(here, "hanako")
		if err != nil {
			t.Fatal(err)
		}
		_, id, err := r.tokens(t.Context(), w.arrived(b.get(redirect)))
		if err != nil {
			t.Fatal(err)
		}
		if _, hanako := w.rp(t.Context()).login(t.Context(), "hanako"); id.Subject != hanako.Subject {
			t.Error("the login is who answered on the way that was left")
		}
	})
}

func TestThePhoneIsAskedFiveTimesInALogin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, b := w.rp(t.Context()), w.browser()
		page := b.get(r.url()).at.Path
		for i := range 5 {
			with := []string{"this", "other"}[i%2] // another way is another request
			if p := b.post(page+"/ask", url.Values{"with": {with}}); p.status != 200 {
				t.Fatalf("number %d: %d %s", i+1, p.status, p.text)
			}
		}
		p := b.post(page+"/ask", url.Values{"with": {"other"}})
		if p.status != 429 || !strings.Contains(p.text, "尋ねた回数が多すぎます") {
			t.Errorf("number 6: %d %s", p.status, p.text)
		}
		// The fifth stands, and the login can still be finished by it.
		p = b.post(page+"/ask", url.Values{"with": {"this"}})
		redirect, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		if w.arrived(b.get(redirect)).Get("code") == "" {
			t.Error("no code")
		}
	})
}

func TestVisitsAreLimitedBySource(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		tooMany := 0
		for range 650 {
			res, err := client.Get(w.origin + "/authorize")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode == http.StatusTooManyRequests {
				tooMany++
			}
		}
		if tooMany == 0 || tooMany > 50 {
			t.Errorf("%d of 650 visits were too many", tooMany)
		}
		w.rp(t.Context()) // discovery is no visit
		if p := w.browser().get(w.origin + "/about"); p.status != 200 {
			t.Errorf("another page: %d", p.status)
		}
	})
}

// What a person gave rests with the grant, which ends, and not with the login beside it.
func TestWhatWasGivenEndsWithItsGrant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r, b := w.rp(ctx, "name", "address"), w.browser()
		p := b.get(r.url())
		id := strings.TrimPrefix(p.at.Path, "/login/")
		p = b.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
		redirect, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := r.tokens(ctx, w.arrived(b.get(redirect)))
		if err != nil {
			t.Fatal(err)
		}
		if found := w.resting("手形 花子"); len(found) == 0 {
			t.Fatal("the name is nowhere: this test looks at nothing")
		}
		if l, err := w.store.OIDC().Login(ctx, id, w.Now()); err != nil || l.Content == "" || strings.Contains(l.Content, "手形 花子") {
			t.Errorf("the login: %v, %s", err, l.Content)
		}
		if status, _, _ := w.post("/revoke", url.Values{"token": {token.RefreshToken}}, "bank", w.secret); status != 200 {
			t.Fatalf("%d", status)
		}
		if found := w.resting("手形 花子"); len(found) != 0 {
			t.Errorf("after the grant's end the name rests in %v", found)
		}
	})
}

// resting lists the provider's tables that hold a text.
func (w *world) resting(text string) (tables []string) {
	w.t.Helper()
	for table, column := range map[string]string{"oidc_login": "content", "oidc_grant": "content", "oidc_token": "content", "oidc_sign_transaction": "about"} {
		err := w.db.Read(w.t.Context(), func(tx store.Tx) error {
			var n int
			err := tx.QueryRow(w.t.Context(), "SELECT count(*) FROM "+table+" WHERE "+column+" LIKE $1", "%"+text+"%").Scan(&n)
			if n > 0 {
				tables = append(tables, table)
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return tables
}
