package pages

import (
	"time"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

// supportPage is the number that the person tells who helps (サポート番号).
type supportPage struct {
	basePage
	Number string // in two groups, as it is read out; "" when there is none
	Until  time.Time
	Over   bool // there was one, and its time is over
}

// supportPoll is how often the page looks whether its number is over.
const supportPoll = 5 * time.Second

func (v *visit) support() {
	p := supportPage{basePage: v.page()}
	p.Trouble = v.said().trouble
	n, open := v.phone.SupportNumber()
	switch {
	case open:
		p.Number, p.Until = n.Number[:3]+" "+n.Number[3:], n.EndsAt
	case n.Number != "":
		p.Over = true
	}
	sc := ui.Screen{Page: "support", Data: p, Bad: p.Trouble != nil}
	if open {
		sc.Poll = supportPoll
	}
	v.show(sc)
}

func (v *visit) makeSupport() {
	if _, err := v.phone.MakeSupportNumber(v.r.Context()); err != nil {
		v.log(err)
		v.tell(left{path: "/support", trouble: ui.TroubleOf(v.w, words(err))})
		return
	}
	v.goTo("/support")
}

// supportWay is the way to a support number, for a phone that can have one.
func (v *visit) supportWay() []way {
	if v.look.Stage == phone.StageNone {
		return nil
	}
	return []way{{v.both("support.title"), v.base + "/support"}}
}
