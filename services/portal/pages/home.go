package pages

import (
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// homeUses is how many uses the home page shows; the rest is one press away.
const homeUses = 5

type homePage struct {
	Home         portal.Home
	Cross        bool          // a session of another device's approval: shorter, and said so
	Certificates []certificate // that count
	Ended        []certificate // before them
	Uses         []use
	More         bool
	Todo         []todo
	CanSuspend   bool            // there is a phone to suspend, and this login can
	Charges      []portal.Charge // whose phones this person may stop
}

// use is one line of the uses.
type use struct {
	ID       string
	At       time.Time
	Name     ui.Text
	Purpose  ui.Text
	Channel  string
	Verdict  string
	Code     string
	Why      ui.Text // the verifier's sentence for Code
	Claims   []string
	Rejected bool

	// In full, on the use's own page.
	Kind     string
	Category ui.Text
	How      []string // it was unlocked
	Risk     string
	Place    ui.Text // of the terminal
	Terminal string  // its id
	Receipt  string  // number
	Raisable bool    // the holder can demand more of this purpose

	Documents []ceremony.UsedDocument // that were signed, or were to be
}

// Signed says whether a signature was given, and in it the certificate.
func (u use) Signed() bool { return u.Kind == string(ceremony.SignDoc) && !u.Rejected }

func (h *Handler) gather(w http.ResponseWriter, r *http.Request) (homePage, bool) {
	home, err := h.opt.Portal.HomeOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return homePage{}, false
	}
	return pageOf(home, h.opt.Now()), true
}

// pageOf puts in order what the home page shows as of at.
func pageOf(home portal.Home, at time.Time) homePage {
	p := homePage{Home: home, Cross: home.Session.Channel == string(ceremony.Cross)}
	p.Certificates, p.Ended = certificatesOf(home.Snapshot.Certificates, at)
	p.CanSuspend = suspendable(home, p.Certificates)
	p.Todo = once(append(todoOf(p.Certificates), renewals(p.Certificates, at)...))
	for _, u := range home.Snapshot.Uses {
		p.Uses = append(p.Uses, useOf(u))
	}
	return p
}

// once keeps the first of each kind.
func once(all []todo) []todo {
	var out []todo
	seen := map[string]bool{}
	for _, t := range all {
		if !seen[t.Code] {
			seen[t.Code] = true
			out = append(out, t)
		}
	}
	return out
}

func (h *Handler) home(w http.ResponseWriter, r *http.Request) {
	p, ok := h.gather(w, r)
	if !ok {
		return
	}
	if len(p.Uses) > homeUses {
		p.Uses, p.More = p.Uses[:homeUses], true
	}
	// Without an answer the page still leads to where it is asked again.
	if all, err := h.opt.Portal.Trusting(r.Context(), h.cookie(r, sessionCookie)); err == nil {
		p.Charges = active(all.Charges, "")
	}
	h.show(w, r, ui.Screen{Page: "home", Data: p})
}

func (h *Handler) uses(w http.ResponseWriter, r *http.Request) {
	if p, ok := h.gather(w, r); ok {
		h.show(w, r, ui.Screen{Page: "uses", Data: p})
	}
}
