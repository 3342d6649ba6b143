package oidc_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/verifier/oidc"
)

// endSign ends a holder's signature certificate with a reason of RFC 5280, section 5.3.1.
func (w *world) endSign(name string, reason int) {
	w.t.Helper()
	c := w.holders[name].sign[0]
	w.enter("phone-sign", c, feed.Revoked)
	e := w.entries[pki.SerialOf(c).String()]
	e.Reason = reason
	w.entries[e.Serial] = e
	w.tell()
}

// renewSign gives a holder another signature certificate, which is good from now on.
func (w *world) renewSign(name string) {
	w.t.Helper()
	h := w.holders[name]
	h.sign = append(h.sign[:0:0], w.sign.Issue(w.t, h.key.Public(), pkitest.Leaf{}))
	w.holders[name] = h
	w.enter("phone-sign", h.sign[0], feed.Good)
	e := w.entries[pki.SerialOf(h.sign[0]).String()]
	e.GoodMS = w.Now().UnixMilli()
	w.entries[e.Serial] = e
	w.tell()
}

// signTry has a person try to sign what was pushed, and returns what the phone was told
// and the page that the browser is at afterwards.
func (b *broker) signTry(v *browser, address, with, name string) (*problem.Problem, page) {
	b.w.t.Helper()
	p := v.get(address)
	p = v.post(p.at.Path+"/ask", url.Values{"with": {with}})
	redirect, err := b.w.answer(b.w.requestIn(p), name, func(a *ceremony.Answer) {
		if with == "other" {
			a.Match = numberOn(b.w.t, p)
		}
	})
	if err == nil {
		b.w.t.Fatalf("it passed, and leads to %s", redirect)
	}
	told := problem.From(err)
	if with == "other" {
		return told, v.get(b.w.origin + p.at.Path)
	}
	back, _ := told.Extra["redirect"].(string)
	return told, v.get(back)
}

// refusePath is where a page's button goes by which the person goes back to the client.
func refusePath(p page) string { return regexp.MustCompile(`/login/[^"/]+/refuse`).FindString(p.text) }

// goesBack presses that button and returns what the client is told.
func (b *browser) goesBack(p page) url.Values {
	b.w.t.Helper()
	return b.w.arrived(b.post(refusePath(p), nil))
}

// A person moved, and what their signature certificate says is not so any more. Person and
// party hear that, and how it goes on; logging in goes on all the while.
func TestAPersonWhoMovedCannotSignAndHearsWhy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		if err := w.store.OIDC().PutManaged(t.Context(), clerk, oidc.Managed{Client: "broker", At: w.Now()}); err != nil {
			t.Fatal(err)
		}
		sub := idClaims(t, b.signedBy("hanako", b.pushSign(b.bring(brought())))).Sub
		w.endSign("hanako", 3)
		document := b.bring(brought())
		for _, with := range []string{"this", "other"} {
			v := w.browser()
			told, p := b.signTry(v, b.pushSign(document), with, "hanako")
			if told.Code != "certificate-data-changed" || !strings.Contains(told.JA.Detail, "署名用を新しくする") || told.Kind != problem.Refused {
				t.Errorf("%s: the phone is told %v", with, told)
			}
			for _, says := range []string{"住所や氏名などが変わった", "窓口", "24時間", "ログインは、いまのままできます", "サービスに戻る", "certificate-data-changed"} {
				if !strings.Contains(p.text, says) {
					t.Errorf("%s: the page does not say %q: %s", with, says, p.text)
				}
			}
			if strings.Contains(p.text, "もう一度ためす") || strings.Contains(p.text, "利用申請をやり直して") {
				t.Errorf("%s: it would fail again: %s", with, p.text)
			}
			q := v.goesBack(p)
			description := q.Get("error_description")
			if q.Get("error") != "access_denied" || !strings.HasPrefix(description, "certificate-data-changed: ") || q.Has("code") || q.Get("iss") != w.origin {
				t.Errorf("%s: the party is told %v", with, q)
			}
			if strings.ContainsFunc(description, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }) {
				t.Errorf("RFC 6749, section 4.1.2.1: %q", description)
			}
		}
		traffic, err := w.store.OIDC().TrafficOf(t.Context(), "broker")
		if err != nil || len(traffic) == 0 || traffic[0].Error != "access_denied" || traffic[0].Cause != "certificate-data-changed" {
			t.Errorf("its developer reads %+v, %v", traffic, err)
		}

		_, plain := b.redeem(b.code(), b.proof(b.pop, "POST", "/token", ""))
		if got := idClaims(t, plain).Sub; got != sub {
			t.Errorf("a login: sub %q, want %q", got, sub)
		}
		w.renewSign("hanako")
		if told, _ := b.signTry(w.browser(), b.pushSign(document), "this", "hanako"); told.Code != "cooling-off" {
			t.Errorf("at once with the new one: %v", told)
		}
		w.advance(24*time.Hour + time.Minute)
		if got := idClaims(t, b.signedBy("hanako", b.pushSign(b.bring(brought())))).Sub; got != sub {
			t.Errorf("with the new one: sub %q, want %q", got, sub)
		}
	})
}

// Whatever else ended a certificate is the person's to tell: the party hears of no lost
// phone.
func TestAPartyHearsOfNoOtherEndOfACertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		document := b.bring(brought())
		w.endSign("hanako", 1)
		v := w.browser()
		told, p := b.signTry(v, b.pushSign(document), "this", "hanako")
		if told.Code != "certificate-revoked" || !strings.Contains(p.text, "もう一度ためす") {
			t.Errorf("%v: %s", told, p.text)
		}
		q := v.goesBack(p)
		if q.Get("error") != "access_denied" || q.Has("error_description") {
			t.Errorf("the party is told %v", q)
		}
		// After a move the other phone tries: what the party hears is of the last answer.
		w.endSign("taro", 3)
		v = w.browser()
		_, p = b.signTry(v, b.pushSign(document), "this", "taro")
		login := w.origin + strings.TrimSuffix(refusePath(p), "/refuse")
		_, p = b.signTry(v, login, "this", "hanako")
		q = v.goesBack(p)
		if q.Get("error") != "access_denied" || q.Has("error_description") {
			t.Errorf("after another answer the party is told %v", q)
		}
	})
}
