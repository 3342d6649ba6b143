package pages

import (
	"net/http"
	"strings"

	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

type secretPage struct {
	basePage
	Wrong, WrongAgain ui.Wrong
}

// wrong is what was wrong with an entry of a secret, with the code that a script
// would have got.
func (v *visit) wrong(key string) ui.Wrong {
	code := phone.ErrSecretForm.Code
	switch {
	case key == "wrong.twice":
		code = phone.ErrEntriesDiffer.Code
	case strings.HasPrefix(key, "weak."):
		code = phone.ErrWeakSecret.Code
	}
	return ui.Wrong{Words: v.say(key), Code: code}
}

func (v *visit) pin() {
	if v.early(phone.StageApplied) {
		return
	}
	p := secretPage{basePage: v.page()}
	p.Trouble = v.said()
	v.show(ui.Screen{Page: "pin", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) setPIN() {
	if v.early(phone.StageApplied) {
		return
	}
	p := secretPage{basePage: v.page()}
	pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
	again, err2 := secret.ParsePIN(v.r.PostFormValue("again"))
	switch {
	case err != nil:
		p.Wrong = v.wrong("wrong.pin.form")
	case err2 != nil || !pin.Equal(again):
		p.WrongAgain = v.wrong("wrong.twice")
	default:
		if err = v.phone.CheckPIN(v.r.Context(), pin); err == nil {
			v.draft.change(func(d *draft) { d.pin = pin })
			v.goTo("/enrol/password")
			return
		}
		if key := weakReason(err); key != "" {
			p.Wrong = v.wrong(key)
		} else {
			v.log(err)
			p.Trouble = ui.TroubleOf(v.w, words(err))
		}
	}
	v.show(ui.Screen{Page: "pin", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}

func (v *visit) password() {
	if v.early(phone.StageApplied) {
		return
	}
	if v.draft.entered().pin.IsZero() {
		v.goTo("/enrol/pin")
		return
	}
	p := secretPage{basePage: v.page()}
	p.Trouble = v.said()
	v.show(ui.Screen{Page: "password", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) setPassword() {
	if v.early(phone.StageApplied) {
		return
	}
	e := v.draft.entered()
	if e.pin.IsZero() {
		v.goTo("/enrol/pin")
		return
	}
	p := secretPage{basePage: v.page()}
	pw, err := secret.ParsePassword(v.r.PostFormValue("password"))
	again, err2 := secret.ParsePassword(v.r.PostFormValue("again"))
	switch {
	case err != nil:
		p.Wrong = v.wrong("wrong.password.form")
	case err2 != nil || !pw.Equal(again):
		p.WrongAgain = v.wrong("wrong.twice")
	default:
		err = v.phone.CheckPassword(v.r.Context(), pw, e.card)
		if err == nil {
			err = v.phone.MakeKeys(v.r.Context(), e.pin, pw, e.card)
		}
		if err == nil {
			v.draft.forget()
			v.goTo("/enrol/register")
			return
		}
		if key := weakReason(err); key != "" {
			p.Wrong = v.wrong(key)
			break
		}
		if e := v.see(); e == nil && v.look.Stage != phone.StageApplied {
			v.leaveWord(err, "/enrol") // the application has ended, or got further: nothing is asked here any more
			return
		}
		v.log(err)
		p.Trouble = ui.TroubleOf(v.w, words(err))
	}
	v.show(ui.Screen{Page: "password", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}

// unlock compares the PIN for its own sake: it shows that the phone is still in
// its holder's hands, which ends a hold for silence at the next check-in.
func (v *visit) unlock() {
	v.show(ui.Screen{Page: "unlock", Data: secretPage{basePage: v.page()}, Quiet: true})
}

func (v *visit) doUnlock() {
	p := secretPage{basePage: v.page()}
	pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
	if err != nil {
		p.Wrong = v.wrong("wrong.pin.form")
	} else if err = v.phone.Unlock(v.r.Context(), pin); err == nil {
		v.goTo("/?done=unlocked")
		return
	} else {
		v.log(err)
		p.Trouble = ui.TroubleOf(v.w, words(err))
		if e := v.see(); e == nil { // a try is gone
			p.Look = v.look
		}
	}
	v.show(ui.Screen{Page: "unlock", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}

// resetPIN sets a new PIN; the phone's signature password proves the holder.
func (v *visit) resetPIN() {
	v.show(ui.Screen{Page: "resetpin", Data: resetPage{secretPage: secretPage{basePage: v.page()}}, Quiet: true})
}

type resetPage struct {
	secretPage
	WrongPassword ui.Wrong
}

func (v *visit) doResetPIN() {
	p := resetPage{secretPage: secretPage{basePage: v.page()}}
	password, err0 := secret.ParsePassword(v.r.PostFormValue("password"))
	pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
	again, err2 := secret.ParsePIN(v.r.PostFormValue("again"))
	switch {
	case err0 != nil:
		p.WrongPassword = v.wrong("wrong.password.form")
	case err != nil:
		p.Wrong = v.wrong("wrong.pin.form")
	case err2 != nil || !pin.Equal(again):
		p.WrongAgain = v.wrong("wrong.twice")
	default:
		err = v.phone.ResetPIN(v.r.Context(), password, pin)
		if err == nil {
			v.goTo("/?done=pin")
			return
		}
		if key := weakReason(err); key != "" {
			p.Wrong = v.wrong(key)
			break
		}
		v.log(err)
		p.Trouble = ui.TroubleOf(v.w, words(err))
		if e := v.see(); e == nil {
			p.Look = v.look
		}
	}
	v.show(ui.Screen{Page: "resetpin", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}
