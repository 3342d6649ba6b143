package pages

import (
	"time"

	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// compatPage is compatibility mode: the PIN that switches it on, or the code for the
// terminal while it is on.
type compatPage struct {
	secretPage
	Code       string // "" while it is off
	Until      time.Time
	Tries      int
	Signatures int
}

func (v *visit) compat() {
	if v.unregistered() {
		return
	}
	p := compatPage{secretPage: v.secretPage()}
	p.Form = v.form()
	sc := ui.Screen{Page: "compat", Data: &p, Bad: p.bad(), Quiet: true}
	if c, on := v.phone.IsCompatible(); on {
		c.Code.Reveal(func(digits []byte) { p.Code = string(digits) })
		p.Until, p.Tries, p.Signatures = c.Until, c.Tries, c.Signatures
		sc.Poll = 2 * time.Second
	}
	v.show(sc)
}

func (v *visit) doCompat() {
	v.once("/compat", func() {
		pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
		if err != nil {
			err = phone.ErrSecretForm
		} else {
			_, err = v.phone.Compatible(v.r.Context(), pin)
		}
		if err != nil {
			v.notTaken("/compat", err)
			return
		}
		v.goTo("/compat")
	})
}

func (v *visit) endCompat() {
	v.phone.EndCompatible()
	v.goTo("/present?anew=1")
}
