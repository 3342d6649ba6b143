package pages

import (
	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// The phone's two secrets: changed by who knows them, and set anew by who does not
// (暗証番号・パスワード).

// secrets is where both are, with the tries that are left and every way on.
func (v *visit) secrets() {
	if v.unregistered() {
		return
	}
	v.showAt("home", ui.Screen{Page: "secrets", Data: v.page()})
}

// changePage asks for the present secret and twice for the next.
type changePage struct {
	secretPage
	Which element.Which
	At    string
}

// Password tells whether it is the signature password that is changed.
func (p changePage) Password() bool { return p.Which == element.Password }

func (v *visit) changeSecret(which element.Which, at string) {
	if v.unregistered() {
		return
	}
	p := changePage{v.secretPage(), which, at}
	p.Form = v.form()
	v.show(ui.Screen{Page: "changesecret", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) changePIN()      { v.changeSecret(element.PIN, "/change-pin") }
func (v *visit) changePassword() { v.changeSecret(element.Password, "/change-password") }

func (v *visit) doChangePIN() {
	v.once("/change-pin", func() {
		old, err := secret.ParsePIN(v.r.PostFormValue("old"))
		if err != nil {
			v.tell(left{path: "/change-pin", wrong: map[string]string{"password": "wrong.pin.form"}})
			return
		}
		next, err := phone.TwicePIN(v.r.PostFormValue("pin"), v.r.PostFormValue("again"))
		if err == nil {
			err = v.phone.ChangePIN(v.r.Context(), old, next)
		}
		v.changed("/change-pin", "pin", err)
	})
}

func (v *visit) doChangePassword() {
	v.once("/change-password", func() {
		old, err := secret.ParsePassword(v.r.PostFormValue("old"))
		if err != nil {
			v.tell(left{path: "/change-password", wrong: map[string]string{"password": "wrong.password.form"}})
			return
		}
		next, err := phone.TwicePassword(v.r.PostFormValue("password"), v.r.PostFormValue("again"))
		if err == nil {
			err = v.phone.ChangePassword(v.r.Context(), old, next)
		}
		v.changed("/change-password", "password", err)
	})
}

// changed leads home when a secret was changed, and back to its form when not.
func (v *visit) changed(path, done string, err error) {
	if err != nil {
		v.notTaken(path, err)
		return
	}
	v.goTo("/?done=" + done)
}

// resetPIN sets a new PIN; the phone's signature password proves the holder.
func (v *visit) resetPIN() {
	if v.unregistered() {
		return
	}
	p := v.secretPage()
	p.Form = v.form()
	v.show(ui.Screen{Page: "resetpin", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) doResetPIN() {
	v.once("/reset-pin", func() {
		password, err := secret.ParsePassword(v.r.PostFormValue("password"))
		if err != nil {
			v.tell(left{path: "/reset-pin", wrong: map[string]string{"password": "wrong.password.form"}})
			return
		}
		pin, err := phone.TwicePIN(v.r.PostFormValue("pin"), v.r.PostFormValue("again"))
		if err == nil {
			err = v.phone.ResetPIN(v.r.Context(), password, pin)
		}
		v.changed("/reset-pin", "pin", err)
	})
}

// forgot says what becomes of a signature password that nobody knows, before the card
// is asked for: its key goes with it, and another comes with another password.
func (v *visit) forgot() {
	if v.look.Signed || v.look.Stage == phone.StageReissue {
		v.goTo("/enrol") // on its way already
		return
	}
	if v.unregistered() {
		return
	}
	v.show(ui.Screen{Page: "forgot", Data: v.page(), Quiet: true})
}
