package pages

import (
	"strings"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

type secretPage struct {
	basePage
	Form              string // sent back by the form, which is worked on once
	Wrong, WrongAgain ui.Wrong
	WrongPassword     ui.Wrong         // where a password is asked for beside a PIN
	Card              *phone.CardTries // of the card that is held to the phone; nil when it is not known
}

// CardLeft is what is left of the card's "pin" or "password"; -1 when it is not known.
func (p secretPage) CardLeft(which string) int {
	switch {
	case p.Card == nil:
		return -1
	case which == "pin":
		return p.Card.PIN
	}
	return p.Card.Password
}

// cardPage is secretPage for a secret of the card: what is left of its tries is shown
// while it is held to the phone.
func (v *visit) cardPage() secretPage {
	p := v.secretPage()
	p.Card = v.cardTries()
	return p
}

// cardTries asks the card that is held to the phone; nil when there is none.
func (v *visit) cardTries() *phone.CardTries {
	if v.look.Tapped {
		if left, known := v.phone.CardTries(v.r.Context()); known {
			return &left
		}
	}
	return nil
}

// secretPage is a page with a field for a secret, with what its form said before.
func (v *visit) secretPage() secretPage {
	l := v.said()
	p := secretPage{basePage: v.page(), Wrong: v.wrong(l.wrong["first"]), WrongAgain: v.wrong(l.wrong["again"]), WrongPassword: v.wrong(l.wrong["password"])}
	p.Trouble = l.trouble
	return p
}

// bad tells whether the page came back with a problem.
func (p secretPage) bad() bool {
	return p.Trouble != nil || p.Wrong.Words != "" || p.WrongAgain.Words != "" || p.WrongPassword.Words != ""
}

// wrong is what was wrong with an entry of a secret, with the code that a script
// would have got; key is "" when nothing was.
func (v *visit) wrong(key string) ui.Wrong {
	if key == "" {
		return ui.Wrong{}
	}
	code := phone.ErrSecretForm.Code
	switch {
	case key == "wrong.twice":
		code = phone.ErrEntriesDiffer.Code
	case strings.HasPrefix(key, "weak."):
		code = phone.ErrWeakSecret.Code
	}
	return ui.Wrong{Words: v.say(key), Code: code}
}

// notTaken goes back to the page at path and says there why a secret was not
// taken: beside its field, or, when it is not about what was typed, above all.
func (v *visit) notTaken(path string, err error) {
	form := "wrong.pin.form"
	if which, _ := problem.From(err).Extra["which"].(string); which == string(element.Password) {
		form = "wrong.password.form"
	}
	switch weak := weakReason(err); {
	case weak != "":
		v.tell(left{path: path, wrong: map[string]string{"first": weak}})
	case isCode(err, phone.ErrEntriesDiffer.Code):
		v.tell(left{path: path, wrong: map[string]string{"again": "wrong.twice"}})
	case isCode(err, phone.ErrSecretForm.Code):
		v.tell(left{path: path, wrong: map[string]string{"first": form}})
	default:
		v.log(err)
		v.tell(left{path: path, trouble: ui.TroubleOf(v.w, words(err))})
	}
}

func (v *visit) pin() {
	if v.early(phone.StageApplied) {
		return
	}
	p := v.secretPage()
	v.show(ui.Screen{Page: "pin", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) setPIN() {
	if v.early(phone.StageApplied) {
		return
	}
	pin, err := phone.TwicePIN(v.r.PostFormValue("pin"), v.r.PostFormValue("again"))
	if err == nil {
		err = v.phone.CheckPIN(v.r.Context(), pin)
	}
	if err != nil {
		v.notTaken("/enrol/pin", err)
		return
	}
	v.draft.change(func(d *draft) { d.pin = pin })
	v.goTo("/enrol/password")
}

func (v *visit) password() {
	if v.early(phone.StageApplied) {
		return
	}
	if v.draft.entered().pin.IsZero() {
		v.goTo("/enrol/pin")
		return
	}
	p := walkPage{v.secretPage(), enrolling}
	v.show(ui.Screen{Page: "password", Data: p, Quiet: true, Bad: p.bad()})
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
	password, err := phone.TwicePassword(v.r.PostFormValue("password"), v.r.PostFormValue("again"))
	if err == nil {
		err = v.phone.CheckPassword(v.r.Context(), password, e.card)
	}
	if err != nil {
		v.notTaken("/enrol/password", err)
		return
	}
	if err := v.phone.MakeKeys(v.r.Context(), e.pin, password, e.card); err != nil {
		if e := v.see(); e == nil && v.look.Stage != phone.StageApplied {
			v.leaveWord(err, "/enrol") // the application has ended, or got further: nothing is asked here any more
			return
		}
		v.notTaken("/enrol/password", err)
		return
	}
	v.draft.forget()
	v.goTo("/enrol/register")
}

// unlock compares the PIN for its own sake: it shows that the phone is still in
// its holder's hands, which ends a hold for silence at the next check-in.
func (v *visit) unlock() {
	p := unlockPage{v.secretPage(), v.lock("", "unlock")}
	p.Form = v.form()
	v.show(ui.Screen{Page: "unlock", Data: p, Quiet: true, Bad: p.bad()})
}

type unlockPage struct {
	secretPage
	Lock *lockPart
}

func (v *visit) doUnlock() {
	v.once("/unlock", func() {
		pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
		if said := v.r.PostFormValue(lockField); said == "" && err != nil {
			err = phone.ErrSecretForm
		} else {
			err = v.unlockBy(said, pin)
		}
		if err != nil {
			v.notTaken("/unlock", err)
			return
		}
		v.goTo("/?done=unlocked")
	})
}
