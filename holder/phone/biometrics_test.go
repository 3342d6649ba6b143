package phone_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/holder/element"
	"tegata/holder/element/elementtest"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
)

// withFinger is a registered phone whose holder enrolled a finger.
func withFinger(t *testing.T) (*town, *phone.Phone, *checkpoint, *elementtest.Finger) {
	t.Helper()
	w, p, c := registered(t)
	f := elementtest.NewFinger()
	w.enrolFinger(p, f)
	return w, p, c, f
}

func (w *town) enrolFinger(p *phone.Phone, f *elementtest.Finger) {
	w.t.Helper()
	creation, err := p.BeginBiometrics(w.t.Context(), pin(w.t, phonePIN))
	w.must(err)
	w.must(p.EnrolBiometrics(w.t.Context(), f.Create(w.t, creation, phoneOrigin)))
}

// touch puts a finger down for a request, or for its own sake when ask is "".
func (w *town) touch(p *phone.Phone, f *elementtest.Finger, ask string) *element.Assertion {
	w.t.Helper()
	c, err := p.Challenge(w.t.Context(), ask)
	w.must(err)
	return f.Get(w.t, c, phoneOrigin)
}

func byFinger(shown phone.Ask, a *element.Assertion) phone.Reply {
	return phone.Reply{Shown: shown.Shown, Approve: true, Unlock: element.Unlock{Assertion: a}}
}

// history is the newest entries, newest first.
func history(t *testing.T, p *phone.Phone, n int) []string {
	t.Helper()
	uses, err := p.Uses(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, u := range uses {
		all = append(all, u.Kind+" "+u.Result+" "+u.Code)
	}
	return all
}

// r3 makes a request of the class that wants the password.
func (c *checkpoint) r3(q *ceremony.Request) {
	q.Purpose, q.Kind, q.Risk, q.Claims = ceremony.Purpose{Code: "account", Sentence: c.reg.Purposes[2].Sentence}, ceremony.Write, ceremony.R3, nil
	q.Write = []ceremony.Line{{Label: ceremony.Text{JA: "口座", EN: "Account"}, Value: ceremony.Text{JA: "普通", EN: "Ordinary"}}}
}

func TestLoggingInByFinger(t *testing.T) {
	w, p, c, f := withFinger(t)
	a, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	if _, err := p.Answer(t.Context(), a.ID, byFinger(a, w.touch(p, elementtest.NewFinger(), a.ID))); code(err) != "biometrics-failed" {
		t.Fatalf("a strange finger: %v", err)
	}
	out, err := p.Answer(t.Context(), a.ID, byFinger(a, w.touch(p, f, a.ID)))
	w.must(err)
	if got := c.last(); !out.Approved || !slices.Equal(got.AMR, []string{"user", "swk", "mfa"}) {
		t.Errorf("answer %+v", got)
	}
	got := history(t, p, 20)
	for _, want := range []string{"login approved ", "unlock failed biometrics-failed", "biometrics done "} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in the history %q", want, got)
		}
	}
}

// A finger put down for one request opens nothing for another that waits.
func TestAFingerIsForOneRequest(t *testing.T) {
	w, p, c, f := withFinger(t)
	first, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	second, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	if _, err := p.Answer(t.Context(), second.ID, byFinger(second, w.touch(p, f, first.ID))); code(err) != "biometrics-late" {
		t.Errorf("another request: %v", err)
	}
	if _, err := p.Answer(t.Context(), first.ID, byFinger(first, w.touch(p, f, ""))); code(err) != "biometrics-late" {
		t.Errorf("a finger for nothing: %v", err)
	}
	if len(c.answers) != 0 {
		t.Errorf("%d answers", len(c.answers))
	}
}

// What thieves have, and what it opens. docs/threats.md says the same.
func TestPlayingThiefWithBiometrics(t *testing.T) {
	japan := time.FixedZone("", 9*60*60)
	for _, c := range []struct {
		name  string
		steal func(*testing.T, *town, *phone.Phone) // what happened before
		r3    bool
		want  string // code of the refusal; "" when it opens
	}{
		{"a finger by day opens a login: that is what it is for", nil, false, ""},
		{"a finger by day does not open what weighs more", nil, true, "biometrics-not-for-this"},
		{"a sleeping finger at night", func(_ *testing.T, w *town, _ *phone.Phone) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.now = time.Date(2026, 11, 23, 2, 0, 0, 0, japan)
		}, false, "biometrics-quiet-hours"},
		{"a finger three days after its owner last typed the PIN", func(_ *testing.T, w *town, _ *phone.Phone) { w.pass(72 * time.Hour) }, false, "pin-needed-again"},
		{"a finger after guesses at the PIN blocked it", func(t *testing.T, _ *town, p *phone.Phone) {
			for range 3 {
				p.Unlock(t.Context(), pin(t, "9753"))
			}
		}, false, "phone-pin-blocked"},
		{"a finger after five that were not known", func(t *testing.T, w *town, p *phone.Phone) {
			for range 5 {
				_, err := p.Challenge(t.Context(), "")
				w.must(err)
			}
		}, false, "biometrics-out-of-tries"},
		{"a finger after its owner stopped it", func(t *testing.T, w *town, p *phone.Phone) { w.must(p.StopBiometrics(t.Context())) }, false, "no-biometrics"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, p, _, f := withFinger(t)
			if c.steal != nil {
				c.steal(t, w, p)
			}
			door := newCheckpoint(w) // its registration is of now
			var edit func(*ceremony.Request)
			if c.r3 {
				edit = door.r3
			}
			a, err := p.FetchElsewhere(t.Context(), door.ask(edit))
			w.must(err)
			challenge, err := p.Challenge(t.Context(), a.ID)
			if err == nil {
				_, err = p.Answer(t.Context(), a.ID, byFinger(a, f.Get(t, challenge, phoneOrigin)))
			}
			if c.want == "" && err != nil || c.want != "" && code(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.want != "" && len(door.answers) != 0 {
				t.Error("an answer went out")
			}
		})
	}
	// Without the phone's pages in between: the assertion is a good one, and R3 wants the password all the same.
	w, p, c, f := withFinger(t)
	a, err := p.Fetch(t.Context(), c.ask(c.r3))
	w.must(err)
	if _, err := p.Answer(t.Context(), a.ID, byFinger(a, w.touch(p, f, ""))); code(err) != "biometrics-not-for-this" {
		t.Errorf("R3: %v", err)
	}
	// A thief with an unlocked phone and no secrets enrols no finger of his own.
	if _, err := p.BeginBiometrics(t.Context(), pin(t, "9753")); code(err) != "wrong-phone-pin" {
		t.Errorf("another finger without the PIN: %v", err)
	}
	if err := p.EnrolBiometrics(t.Context(), elementtest.NewFinger().Create(t, element.Creation{Challenge: make([]byte, 32), RPID: "phone.localhost"}, phoneOrigin)); code(err) != "biometrics-late" {
		t.Errorf("another finger without having begun: %v", err)
	}
}

// A finger is an unlock for the lease: it ends a silence, and the authority hears
// of it at once.
func TestAFingerRenewsTheLease(t *testing.T) {
	w, p, _, f := withFinger(t)
	w.pass(48 * time.Hour)
	w.must(p.UnlockWith(t.Context(), *w.touch(p, f, "")))
	l, err := p.Look(t.Context())
	w.must(err)
	if !p.Element().LastUnlock().Equal(w.clock()) || !l.LastCheckIn.Equal(w.clock()) {
		t.Errorf("last unlock %v, last check-in %v", p.Element().LastUnlock(), l.LastCheckIn)
	}
	if err := p.UnlockWith(t.Context(), element.Assertion{}); code(err) != "biometrics-late" {
		t.Errorf("nothing was asked: %v", err)
	}
}

// What only the page heard of is told too: each failure is in the history, and
// after the fifth the PIN is asked for.
func TestFailuresThatOnlyThePageHeardOf(t *testing.T) {
	w, p, _, _ := withFinger(t)
	for i := range 5 {
		_, err := p.Challenge(t.Context(), "")
		w.must(err)
		want := "biometrics-failed"
		if i == 4 {
			want = "biometrics-out-of-tries"
		}
		if err := p.BiometricsFailed(t.Context()); code(err) != want {
			t.Errorf("failure %d: %v", i+1, err)
		}
		if got := history(t, p, 1); got[0] != "unlock failed "+want {
			t.Errorf("history %q", got)
		}
	}
	if _, err := p.Challenge(t.Context(), ""); code(err) != "biometrics-out-of-tries" {
		t.Errorf("a sixth: %v", err)
	}
	p = w.restart("a")
	l, err := p.Look(t.Context())
	w.must(err)
	if l.Biometrics.Tries != 0 || l.Biometrics.Why == nil || l.Biometrics.Why.Code != "biometrics-out-of-tries" {
		t.Errorf("after a restart %+v", l.Biometrics)
	}
	w.must(p.Unlock(t.Context(), pin(t, phonePIN)))
	if _, err := p.Challenge(t.Context(), ""); err != nil {
		t.Errorf("after the PIN: %v", err)
	}
}

func TestPreferringAWayOfUnlocking(t *testing.T) {
	w, p, _ := registered(t)
	look := func() phone.Biometrics {
		t.Helper()
		l, err := p.Look(t.Context())
		w.must(err)
		return l.Biometrics
	}
	if err := p.Prefer(t.Context(), phone.PreferLock); code(err) != "no-biometrics" {
		t.Errorf("before anything is enrolled: %v", err)
	}
	if err := p.Prefer(t.Context(), "nose"); code(err) != "setting-unknown" {
		t.Errorf("another way: %v", err)
	}
	w.enrolFinger(p, elementtest.NewFinger())
	if look().Preferred {
		t.Error("preferred without being chosen")
	}
	w.must(p.Prefer(t.Context(), phone.PreferLock))
	p = w.restart("a")
	if b := look(); !b.Preferred || !b.Enrolled || b.Why != nil || b.Tries != 5 {
		t.Errorf("got %+v", b)
	}
	w.must(p.Prefer(t.Context(), phone.PreferPIN))
	if look().Preferred {
		t.Error("the PIN was chosen")
	}
	w.must(p.Prefer(t.Context(), phone.PreferLock))
	w.must(p.StopBiometrics(t.Context()))
	if b := look(); b.Preferred || b.Enrolled || b.Why == nil || b.Why.Code != "no-biometrics" {
		t.Errorf("after stopping %+v", b)
	}
	if got := history(t, p, 1); got[0] != "biometrics-stopped done " {
		t.Errorf("history %q", got)
	}
	w.must(p.Reset(t.Context()))
	if l, err := p.Look(t.Context()); err != nil || l.Prefer != "" {
		t.Errorf("after a reset %+v, %v", l.Record, err)
	}
}

func TestQuietHoursAreChangedUnderThePIN(t *testing.T) {
	w, p, _, _ := withFinger(t)
	noon := element.Quiet{From: 11 * 60, To: 13 * 60}
	if err := p.SetQuiet(t.Context(), pin(t, "9753"), noon); code(err) != "wrong-phone-pin" {
		t.Errorf("with another PIN: %v", err)
	}
	w.must(p.SetQuiet(t.Context(), pin(t, phonePIN), noon))
	if _, err := p.Challenge(t.Context(), ""); code(err) != "biometrics-quiet-hours" {
		t.Errorf("at noon: %v", err)
	}
	if got := fmt.Sprint(history(t, p, 2)); got != "[quiet-hours done  quiet-hours failed wrong-phone-pin]" {
		t.Errorf("history %s", got)
	}
}

func TestACredentialThatIsRefused(t *testing.T) {
	w, p, _ := registered(t)
	f := elementtest.NewFinger()
	f.Options.BackupEligible = true
	creation, err := p.BeginBiometrics(t.Context(), pin(t, phonePIN))
	w.must(err)
	if err := p.EnrolBiometrics(t.Context(), f.Create(t, creation, phoneOrigin)); code(err) != "credential-not-on-device" {
		t.Errorf("one that is synchronised: %v", err)
	}
	creation, err = p.BeginBiometrics(t.Context(), pin(t, phonePIN))
	w.must(err)
	if err := p.EnrolBiometrics(t.Context(), elementtest.NewFinger().Create(t, creation, "http://street.localhost:8400")); code(err) != "credential-refused" {
		t.Errorf("one of another page: %v", err)
	}
	if got := history(t, p, 2); !slices.Equal(got, []string{"biometrics failed credential-refused", "biometrics failed credential-not-on-device"}) {
		t.Errorf("history %q", got)
	}
}

// finger presses the button of the platform's lock, as the script does: the form
// is sent with what the lock answered.
func (s *screen) finger(f *elementtest.Finger, ask, form string) {
	s.t.Helper()
	here := s.path
	r, err := s.client.PostForm(s.base+"/p/a/biometrics/challenge", typed("ask", ask))
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	var c element.Challenge
	said := `{"failed": "Error"}`
	if r.StatusCode == http.StatusOK {
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			s.t.Fatal(err)
		}
		answer, err := json.Marshal(f.Get(s.t, c, phoneOrigin))
		if err != nil {
			s.t.Fatal(err)
		}
		said = string(answer)
	}
	s.path = here
	s.press(form, typed("decision", "approve", "lock", said))
}

func TestBiometricsByTheScreensAlone(t *testing.T) {
	w, p, c := registered(t)
	s, f := w.screen(t), elementtest.NewFinger()
	s.open("/p/a/")
	s.press("/hold", typed("phone", "a"))
	s.open("/p/a/biometrics/enrol") // out of order
	s.at("/p/a/biometrics", "生体認証の利用", "新しい指紋や顔が追加されたかどうかがわかりません")
	s.press("/biometrics", typed("pin", "12"))
	s.at("/p/a/biometrics", "番号： secret-form")
	s.press("/biometrics", typed("pin", "9753"))
	s.at("/p/a/biometrics", "スマホの暗証番号（4けた）が違います。", "あと2回入力できます")
	s.press("/biometrics", typed("pin", phonePIN))
	s.at("/p/a/biometrics/enrol", "画面ロックを登録する")
	s.press("/biometrics/enrol", typed("lock", `{"failed":"NotAllowedError"}`))
	if got := history(t, p, 1); got[0] != "biometrics failed credential-refused" {
		t.Errorf("cancelled at the platform, and the history says %v", got)
	}
	s.at("/p/a/biometrics", "画面ロック（指紋・顔など）を登録できませんでした。", "番号： credential-refused")
	s.press("/biometrics", typed("pin", phonePIN))
	challenge, err := base64.StdEncoding.DecodeString(html.UnescapeString(regexp.MustCompile(`data-challenge="([^"]*)"`).FindStringSubmatch(s.body)[1]))
	w.must(err)
	made, err := json.Marshal(f.Create(t, element.Creation{Challenge: challenge, RPID: "phone.localhost"}, phoneOrigin))
	w.must(err)
	s.press("/biometrics/enrol", typed("lock", string(made)))
	s.at("/p/a/biometrics", "画面ロック（指紋・顔など）を使えるようになりました。", "使っています")

	s.open("/p/a/methods")
	s.at("/p/a/methods", "23:00から6:00までは、暗証番号だけが使えます。")
	s.press("/methods", typed("way", "nose"))
	s.at("/p/a/methods", "この設定は選べません。")
	s.press("/methods", typed("way", "lock"))
	s.at("/p/a/methods", "先に出すものを変えました。")
	s.open("/p/a/quiet")
	s.press("/quiet", typed("from", "23:30", "to", "6:00", "pin", phonePIN))
	s.at("/p/a/quiet", "この設定は選べません。")
	s.press("/quiet", typed("from", "22:00", "to", "5:00", "pin", phonePIN))
	s.at("/p/a/methods", "22:00から5:00までは、暗証番号だけが使えます。")

	s.open(strings.TrimPrefix(c.ask(nil), phoneOrigin))
	here := s.path
	ask := strings.TrimPrefix(here, "/p/a/request/")
	s.at(here, "あと5回ためせます", "暗証番号を使う")
	if !regexp.MustCompile(`<div data-lock [^>]*hidden>`).MatchString(s.body) {
		t.Error("without script the button is there")
	}
	s.finger(elementtest.NewFinger(), ask, "/request/"+ask)
	s.at(here, "画面ロック（指紋・顔など）で確認できませんでした。", "あと4回ためせます", "番号： biometrics-failed")
	s.finger(f, ask, "/request/"+ask)
	s.at(here+"/done", "送りました")
	if got := c.last(); !slices.Contains(got.AMR, "user") {
		t.Errorf("amr %v", got.AMR)
	}

	s.open(strings.TrimPrefix(c.ask(c.r3), phoneOrigin)) // needs the password: no button
	if strings.Contains(s.body, "data-lock") || strings.Contains(s.body, "lock.js") {
		t.Error("R3 offers the screen lock")
	}
	s.open("/p/a/unlock")
	s.finger(f, "", "/unlock")
	s.at("/p/a/", "本人であることを確かめました。")
	for range 5 {
		s.open("/p/a/unlock")
		s.finger(elementtest.NewFinger(), "", "/unlock")
	}
	s.at("/p/a/unlock", "5回続けて確認できませんでした。", "番号： biometrics-out-of-tries")
	s.press("/unlock", typed("pin", phonePIN))
	s.at("/p/a/", "本人であることを確かめました。")
	s.open("/p/a/history")
	s.at("/p/a/history", "生体認証の登録", "画面ロックを使わない時間の変更", "番号： biometrics-failed")
	s.open("/p/a/biometrics")
	s.press("/biometrics/stop", nil)
	s.at("/p/a/biometrics", "画面ロックを使うのをやめました。")
	s.open("/p/a/methods")
	s.at("/p/a/methods", "いまは暗証番号だけです。")
}

func TestBiometricsNeedARegistration(t *testing.T) {
	w := newTown(t)
	w.phone("a")
	s := w.screen(t)
	for _, path := range []string{"/p/a/biometrics", "/p/a/methods", "/p/a/quiet"} {
		s.open(path)
		s.at(path, "このスマホには、使える電子証明書がありません。")
	}
}
