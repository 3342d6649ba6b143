package pages

import (
	"strings"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

type settingsPage struct {
	basePage
	Switches []toggle
	Boots    []string
}

// toggle is one of the phone's switches.
type toggle struct {
	Name string
	On   bool
}

func (v *visit) settings() {
	p := settingsPage{
		basePage: v.page(),
		Switches: []toggle{{"nfc", v.look.NFC}, {"network", v.look.Network}, {"power", v.look.Power}},
		Boots:    boots(),
	}
	p.Trouble = v.said().trouble
	v.showAt("settings", ui.Screen{Page: "settings", Data: p})
}

// set changes one setting and comes back to where it was changed.
func (v *visit) set() {
	on, value := v.r.PostFormValue("on") == "yes", v.r.PostFormValue("value")
	var c phone.Change
	switch v.r.PostFormValue("what") {
	case "nfc":
		c.NFC = &on
	case "network":
		c.Network = &on
	case "power":
		c.Power = &on
	case "model":
		c.Model = &value
	case "boot":
		c.Boot = &value
	default:
		v.goTo("/settings")
		return
	}
	to := "/settings"
	if c.Power != nil {
		to = "/"
	}
	if err := v.phone.Set(v.r.Context(), c); err != nil {
		v.log(err)
		v.tell(left{path: to, trouble: ui.TroubleOf(v.w, words(err))})
		return
	}
	v.goTo(to)
}

// removeCard takes away what is held to the phone: always possible.
func (v *visit) removeCard() {
	back := v.backHere(v.r.PostFormValue("back"))
	if err := v.phone.RemoveCard(v.r.Context()); err != nil {
		v.log(err)
		page, _, _ := strings.Cut(back, "?")
		v.tell(left{path: page, trouble: ui.TroubleOf(v.w, words(err))})
		return
	}
	v.goTo(back)
}
