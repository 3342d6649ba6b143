package pages

import (
	"net/url"

	"tegata/internal/ui"
)

type tapPage struct {
	basePage
	walk
	Step int
	Back string // the screen before
	Do   string // where the form is sent that has the card read
	PIN  bool   // the card's PIN was typed, not its password
	Auto bool   // read as soon as the card is there
	Left int    // tries of the card's secret that was typed; -1 when it is not known
	Hold string // the sandbox's page that holds a card to this phone
}

// tap is the screen that waits for a card.
func (v *visit) tap(p tapPage) {
	p.basePage = v.page()
	// After a failure the person decides, not a card that is still there; whoever
	// comes back to this screen, or reloads it, has decided.
	if l := v.said(); !l.seen || ui.Polling(v.r) {
		p.Trouble = l.trouble
	} else {
		v.draft.change(func(d *draft) { d.left = left{} })
	}
	typed := "password"
	if p.PIN {
		typed = "pin"
	}
	p.Left = secretPage{Card: v.cardTries()}.CardLeft(typed)
	// A last try is never used up by a card that is held too early.
	p.Auto = p.Trouble == nil && (p.Left > 1 || p.Left < 0)
	if v.h.opt.Hold != "" {
		p.Hold = v.h.opt.Hold + "?" + url.Values{"reader": {v.look.Reader}, "back": {v.h.opt.Origin + v.base + v.path()}}.Encode()
	}
	v.show(ui.Screen{Page: "tap", Data: p, Quiet: true, Poll: tapPoll, Bad: p.Trouble != nil})
}
