package pages

import (
	"strings"

	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// Where notices go is changed with the card (お知らせの送り先), and taken back with it. No page
// shows where they go now: the phone does not know.
//
//	新しいアドレス → 内容、カードの4けた → かざす → 完了

// contactPage asks for the new address, or leads to where a change is taken back.
type contactPage struct {
	basePage
	Address string // entered before
	Wrong   string
}

func (v *visit) contact() {
	p, l := contactPage{basePage: v.page()}, v.said()
	p.Trouble = l.trouble
	if key := l.wrong["address"]; key != "" {
		p.Address, p.Wrong = l.entered.Get("address"), v.say(key)
	}
	v.show(ui.Screen{Page: "address", Data: p, Bad: p.Wrong != "" || p.Trouble != nil})
}

func (v *visit) setContact() {
	address := strings.TrimSpace(v.r.PostFormValue("address"))
	if phone.CheckContact(address) != nil {
		v.tell(left{path: "/address", wrong: map[string]string{"address": "address.wrong"}, entered: map[string][]string{"address": {address}}})
		return
	}
	v.draft.change(func(d *draft) { d.address = address })
	v.goTo(contacting.At)
}

// address is what was typed last; "" when nothing was, or too long ago.
func (v *visit) address() (s string) {
	v.draft.change(func(d *draft) { s = d.address })
	return s
}

// contactCardPage says what is about to be changed, before the card's PIN is asked for.
// Its form carries which address that is.
type contactCardPage struct {
	walkPage
	Address string
}

func (v *visit) contactCard() {
	address := v.address()
	if address == "" {
		v.goTo("/address")
		return
	}
	p := contactCardPage{walkPage{v.cardPage(), contacting}, address}
	v.show(ui.Screen{Page: "addresscard", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) contactKeep() {
	p := walkPage{v.cardPage(), keeping}
	v.show(ui.Screen{Page: "addresskeep", Data: p, Quiet: true, Bad: p.bad()})
}

// saysAddress has the card say where notices shall go, or that they shall go on where
// they do.
func (v *visit) saysAddress(k walk, pin secret.PIN) error {
	if k == keeping {
		err := v.phone.KeepContact(v.r.Context(), pin)
		if err == nil {
			v.goTo("/?done=address-kept")
		}
		return err
	}
	confirmed := ""
	v.draft.change(func(d *draft) { confirmed = d.addressOK })
	if confirmed == "" {
		v.goTo("/address")
		return nil
	}
	from, err := v.phone.ChangeContact(v.r.Context(), pin, confirmed)
	if err == nil {
		v.draft.change(func(d *draft) {
			if d.address == confirmed { // and not another that was entered meanwhile
				d.address = ""
			}
			d.addressAt = from
		})
		if from.IsZero() { // it is the present one: a change to another was taken back
			v.goTo("/?done=address-kept")
			return nil
		}
		v.goTo("/?done=address")
	}
	return err
}
