package pages

import (
	"slices"
	"time"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

// A phone that was reported lost, or is suspected, is in its holder's hand again
// (見つかった): what happened is shown first, then the card says so under its PIN.
//
//	何があったか、カードの4けた → かざす → 完了

type foundPage struct {
	walkPage
	Since         time.Time // of the hold; zero when it could not be asked
	Before, After []entry   // what the phone knows of the day before, and of the time since
}

// dayBefore is how much of the time before the hold is shown: who loses a phone
// misses it some time before reporting it.
const dayBefore = 24 * time.Hour

func (v *visit) found() {
	if err := v.seeNow(); err != nil {
		v.fail(err, way{})
		return
	}
	if v.look.Liftable == "" {
		v.goTo("/certificate")
		return
	}
	uses, err := v.phone.Uses(v.r.Context(), historyRead)
	if err != nil {
		v.fail(err, way{})
		return
	}
	p := foundPage{walkPage: walkPage{v.cardPage(), finding}, Since: v.look.Certificates[0].Since}
	since := p.Since
	if since.IsZero() {
		since = v.look.LastCheckIn
	}
	uses = slices.DeleteFunc(uses, func(u phone.Use) bool { return u.At.Before(since.Add(-dayBefore)) })
	n := slices.IndexFunc(uses, func(u phone.Use) bool { return u.At.Before(since) })
	if n < 0 {
		n = len(uses)
	}
	p.After, p.Before = folded(uses[:n]), folded(uses[n:])
	v.show(ui.Screen{Page: "found", Data: p, Quiet: true, Bad: p.bad()})
}

// lostCard reports a phone lost with the card of its holder, on this phone: any one
// will do, and nothing of it stays here.
func (v *visit) lostCard() {
	p := walkPage{v.cardPage(), reporting}
	v.show(ui.Screen{Page: "lostcard", Data: p, Quiet: true, Bad: p.bad()})
}
