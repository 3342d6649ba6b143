package pages

import (
	"net/http"

	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// mountCardPIN is the screens of what a card says under its PIN (4けた → かざす).
func mountCardPIN(on func(string, func(*visit)), k walk) {
	on("POST /p/{id}"+k.At, func(v *visit) { v.setCardPIN(k) })
	on(http.MethodGet+" /p/{id}"+k.At+"/tap", func(v *visit) { v.cardPINTap(k) })
	on("POST /p/{id}"+k.At+"/read", func(v *visit) { v.cardPINRead(k) })
}

func (v *visit) setCardPIN(k walk) {
	if k == revoking && v.r.PostFormValue("sure") != "yes" { // it cannot be undone
		v.tell(left{path: k.At, wrong: map[string]string{"sure": "stop.wrong"}})
		return
	}
	var change *phone.Loosening
	if k == loosening {
		if change = v.opened(); change == nil { // too old, or done already
			v.goTo(k.At)
			return
		}
		if !v.shownChange(change) {
			v.leaveWord(errOtherChange, k.At)
			return
		}
	}
	address := ""
	if k == contacting {
		if address = v.address(); address == "" { // too old, or done already
			v.goTo("/address")
			return
		}
		if v.field("address") != address {
			v.leaveWord(errOtherAddress, k.At)
			return
		}
	}
	pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
	if err != nil {
		v.notTaken(k.At, phone.ErrSecretForm)
		return
	}
	v.draft.change(func(d *draft) { d.cardPIN, d.cardFor, d.confirmed, d.addressOK = pin, k, change, address })
	v.goTo(k.At + "/tap")
}

// cardPIN is what was typed for k, and for nothing else: what was typed to stop a phone
// must never bring one back.
func (v *visit) cardPIN(k walk) secret.PIN {
	if e := v.draft.entered(); e.cardFor == k {
		return e.cardPIN
	}
	return secret.PIN{}
}

func (v *visit) cardPINTap(k walk) {
	if v.cardPIN(k).IsZero() {
		v.goTo(k.At)
		return
	}
	v.tap(tapPage{walk: k, Back: k.At, Do: k.At + "/read", PIN: true, Step: 2})
}

// cardPINRead has the card say it. The PIN that was typed is compared once: pressed
// twice, it must not cost a second try.
func (v *visit) cardPINRead(k walk) {
	pin := v.cardPIN(k)
	if pin.IsZero() {
		v.goTo(k.At)
		return
	}
	if !v.phone.Arrives(v.r.Context()) {
		v.leaveWord(phone.ErrNoCard, k.At+"/tap")
		return
	}
	err := v.saysByPIN(k, pin)
	switch {
	case err == nil:
		v.draft.forget()
	case isCode(err, phone.ErrCardPIN.Code, phone.ErrCardPINBlocked.Code):
		v.draft.forget()
		v.leaveWord(err, k.At)
	default: // the card may have signed its word: only the problem knows what became of it
		v.leaveTrouble(err, k.At+"/tap", ui.Text{})
	}
}

// saysByPIN is the act of k, and leads to where its end is told.
func (v *visit) saysByPIN(k walk, pin secret.PIN) error {
	switch k {
	case finding:
		err := v.phone.Found(v.r.Context(), pin)
		if err == nil {
			v.goTo("/?done=found")
		}
		return err
	case revoking:
		receipt, err := v.phone.RevokeByCard(v.r.Context(), pin)
		if err == nil {
			v.draft.change(func(d *draft) { d.receipt = &receipt })
			v.goTo(k.At + "/done")
		}
		return err
	case loosening:
		l := v.confirmed()
		if l == nil {
			v.goTo("/loosen")
			return nil
		}
		err := v.phone.Loosen(v.r.Context(), pin, *l)
		if err == nil {
			v.draft.change(func(d *draft) {
				if d.loosening == l { // and not another that was opened meanwhile
					d.loosening, d.loosened = nil, true
				}
			})
			v.goTo("/?done=loosened")
		}
		return err
	}
	if k == contacting || k == keeping {
		return v.saysAddress(k, pin)
	}
	_, err := v.phone.ReportLost(v.r.Context(), pin)
	if err == nil {
		v.goTo("/?done=reported")
	}
	return err
}
