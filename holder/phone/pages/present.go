package pages

import (
	"net/url"

	"tegata/holder/phone"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

type presentPage struct {
	basePage
	At   string // where the phone is held; "" when nowhere
	Took bool   // a request was handed over, and is being fetched
	Hold string // the sandbox's page that holds this phone to a terminal; "" outside
}

// present is the screen that waits for a terminal to hand a request over, and moves on to
// the request. What cannot be shown is said until the person begins again.
func (v *visit) present() {
	p := presentPage{At: v.phone.PresentedAt()}
	if h, any := v.phone.Handed(); any && v.r.URL.Query().Get("anew") == "" {
		if h.Ask != "" {
			if _, err := v.phone.Asked(v.r.Context(), h.Ask); err == nil {
				v.goTo(requestPath(h.Ask))
				return
			} // answered, or over: what comes next
		}
		if h.Err != nil {
			v.notHanded(h)
			return
		}
		p.Took = !h.Over()
	}
	p.basePage = v.page()
	if v.h.opt.Hold != "" {
		p.Hold = v.h.opt.Hold + "?" + url.Values{"phone": {v.phone.ID()}, "back": {v.h.opt.Origin + v.base + v.path()}}.Encode()
	}
	sc := ui.Screen{Page: "present", Data: p, Quiet: true}
	if p.At != "" || p.Took {
		sc.Poll = tapPoll
	}
	v.show(sc)
}

// notHanded says why a request that was handed over is not shown. Where it leads elsewhere
// the person is asked, as after a scan; what could not be checked may be tried again.
func (v *visit) notHanded(h phone.Handed) {
	link := "/request?" + url.Values{"request_uri": {h.Link}}.Encode()
	switch {
	case isCode(h.Err, phone.ErrElsewhere.Code):
		v.goTo(link)
	case problem.From(h.Err).Kind == problem.CouldNotCheck:
		v.fail(h.Err, v.again(link))
	default:
		v.fail(h.Err, way{v.both("present.anew"), v.base + "/present?anew=1"})
	}
}

// takeAway takes the phone away from the terminal.
func (v *visit) takeAway() {
	v.phone.TakeAway()
	v.goTo("/present")
}
