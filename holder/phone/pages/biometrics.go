package pages

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// lockField is the form field in which the script hands over what the platform's
// lock said: an assertion or a new credential in JSON, or {"failed": "…"}.
const lockField = "lock"

// lockPart is the button that unlocks with the platform's lock, or why there is
// none now. Without script it is not there, and the PIN is.
type lockPart struct {
	Base  string
	Ask   string // id of the request; "" when nobody asks
	Kind  string // of the request, or "unlock"
	Tries int
	First bool // preferred
	Why   *ui.Text
}

// lock is nil when nothing is enrolled.
func (v *visit) lock(ask, kind string) *lockPart {
	b := v.look.Biometrics
	if !b.Enrolled {
		return nil
	}
	l := &lockPart{Base: v.base, Ask: ask, Kind: kind, Tries: b.Tries, First: b.Preferred && b.Why == nil}
	l.Why = why(b)
	return l
}

// why is the sentence why only the PIN unlocks now; nil when biometrics do.
func why(b phone.Biometrics) *ui.Text {
	if b.Why == nil {
		return nil
	}
	return &ui.Text{JA: b.Why.JA.Title, EN: b.Why.EN.Title}
}

// challenge begins an unlock by the platform's lock. Only the script asks; when
// it is refused, the script sends the form, and the page says why.
func (v *visit) challenge() {
	c, err := v.phone.Challenge(v.r.Context(), v.r.PostFormValue("ask"))
	if err != nil {
		httpd.WriteProblem(v.w, v.r, words(err))
		return
	}
	httpd.WriteJSON(v.w, http.StatusOK, c)
}

// assertion reads what the platform's lock said about a person. That it said
// nothing is written down by the phone, and is the error.
func (v *visit) assertion(said string) (*element.Assertion, error) {
	var in struct {
		element.Assertion
		Failed string `json:"failed"`
	}
	if err := json.Unmarshal([]byte(said), &in); err != nil || in.Failed != "" {
		return nil, v.phone.BiometricsFailed(v.r.Context())
	}
	return &in.Assertion, nil
}

// unlockBy unlocks for its own sake: by what the platform's lock said, or by the
// PIN when it said nothing.
func (v *visit) unlockBy(said string, pin secret.PIN) error {
	if said == "" {
		return v.phone.Unlock(v.r.Context(), pin)
	}
	a, err := v.assertion(said)
	if err != nil {
		return err
	}
	return v.phone.UnlockWith(v.r.Context(), *a)
}

// biometricsPage is 生体認証の利用.
type biometricsPage struct {
	secretPage
	Done string   // what was just done, shown once
	Why  *ui.Text // only the PIN unlocks now
}

func (v *visit) biometrics() {
	if v.unregistered() {
		return
	}
	p := biometricsPage{secretPage: v.secretPage(), Why: why(v.look.Biometrics)}
	p.Form = v.form()
	switch done := v.r.URL.Query().Get("done"); done {
	case "enrolled", "stopped":
		p.Done = done
	}
	v.showAt("home", ui.Screen{Page: "biometrics", Data: p, Bad: p.bad()})
}

// unregistered says that there is nothing to unlock yet.
func (v *visit) unregistered() bool {
	if len(v.look.Certificates) > 0 {
		return false
	}
	v.fail(phone.ErrNotRegistered, way{v.both("services.enrol"), v.base + "/enrol"})
	return true
}

// beginBiometrics takes the PIN; the platform's lock is asked on the next page,
// by a press, as some browsers want it.
func (v *visit) beginBiometrics() {
	v.once("/biometrics", func() {
		pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
		if err != nil {
			v.notTaken("/biometrics", phone.ErrSecretForm)
			return
		}
		c, err := v.phone.BeginBiometrics(v.r.Context(), pin)
		if err != nil {
			v.notTaken("/biometrics", err)
			return
		}
		v.draft.change(func(d *draft) { d.creation = &c })
		v.goTo("/biometrics/enrol")
	})
}

type enrolLockPage struct {
	basePage
	Challenge, User string // base64
	RP              string
}

func enrolLockPageOf(p basePage, c element.Creation) enrolLockPage {
	return enrolLockPage{p, base64.StdEncoding.EncodeToString(c.Challenge), base64.StdEncoding.EncodeToString(c.User), c.RPID}
}

func (v *visit) enrolBiometrics() {
	c := v.draft.entered().creation
	if c == nil {
		v.goTo("/biometrics")
		return
	}
	v.show(ui.Screen{Page: "enrollock", Data: enrolLockPageOf(v.page(), *c), Quiet: true})
}

func (v *visit) doEnrolBiometrics() {
	v.draft.change(func(d *draft) { d.creation = nil })
	var in struct {
		element.Attestation
		Failed string `json:"failed"`
	}
	var err error
	if json.Unmarshal([]byte(v.r.PostFormValue(lockField)), &in) == nil && in.Failed == "" {
		err = v.phone.EnrolBiometrics(v.r.Context(), in.Attestation)
	} else {
		err = v.phone.BiometricsCancelled(v.r.Context())
	}
	if err != nil {
		v.leaveWord(err, "/biometrics")
		return
	}
	v.goTo("/biometrics?done=enrolled")
}

func (v *visit) stopBiometrics() {
	if err := v.phone.StopBiometrics(v.r.Context()); err != nil {
		v.leaveWord(err, "/biometrics")
		return
	}
	v.goTo("/biometrics?done=stopped")
}

// methodsPage is 認証方法の設定.
type methodsPage struct {
	basePage
	Done  string
	Quiet quiet
}

// quiet are the hours in which the platform's lock does not unlock, as shown.
type quiet struct {
	None     bool
	From, To string // 23:00
}

func quietOf(q element.Quiet) quiet {
	at := func(minutes int) string { return fmt.Sprintf("%d:%02d", minutes/60, minutes%60) }
	return quiet{None: q.From == q.To, From: at(q.From), To: at(q.To)}
}

func (v *visit) methods() {
	if v.unregistered() {
		return
	}
	p := methodsPage{basePage: v.page(), Quiet: quietOf(v.look.Biometrics.Quiet)}
	p.Trouble = v.said().trouble
	switch done := v.r.URL.Query().Get("done"); done {
	case "preferred", "quiet":
		p.Done = done
	}
	v.showAt("home", ui.Screen{Page: "methods", Data: p, Bad: p.Trouble != nil})
}

func (v *visit) prefer() {
	if err := v.phone.Prefer(v.r.Context(), v.r.PostFormValue("way")); err != nil {
		v.leaveWord(err, "/methods")
		return
	}
	v.goTo("/methods?done=preferred")
}

type quietPage struct {
	secretPage
	Hours    []string // 0:00 to 23:00
	From, To string
}

func (v *visit) quietPage() quietPage {
	p := quietPage{secretPage: secretPage{basePage: v.page()}}
	for h := range 24 {
		p.Hours = append(p.Hours, quietOf(element.Quiet{From: h * 60}).From)
	}
	return p
}

func (v *visit) quiet() {
	if v.unregistered() {
		return
	}
	p, now := v.quietPage(), quietOf(v.look.Biometrics.Quiet)
	p.secretPage = v.secretPage()
	p.Form, p.From, p.To = v.form(), now.From, now.To
	if l := v.said(); l.entered.Get("from") != "" {
		p.From, p.To = l.entered.Get("from"), l.entered.Get("to")
	}
	v.showAt("home", ui.Screen{Page: "quiet", Data: p, Bad: p.bad()})
}

func (v *visit) setQuiet() {
	v.once("/quiet", func() {
		from, to := v.field("from"), v.field("to")
		pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
		if err != nil {
			err = phone.ErrSecretForm
		} else {
			err = v.phone.SetQuiet(v.r.Context(), pin, element.Quiet{From: hour(from), To: hour(to)})
		}
		if err != nil {
			v.notTaken("/quiet", err)
			v.draft.change(func(d *draft) { d.left.entered = url.Values{"from": {from}, "to": {to}} })
			return
		}
		v.goTo("/methods?done=quiet")
	})
}

// hour is one of the page's own values in minutes; -1, which the phone refuses,
// for anything else.
func hour(s string) int {
	h, err := strconv.Atoi(strings.TrimSuffix(s, ":00"))
	if err != nil || h < 0 || h > 23 {
		return -1
	}
	return h * 60
}
