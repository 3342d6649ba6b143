package pages

import (
	"errors"
	"net/http"

	"tegata/internal/problem"
	"tegata/internal/ui"
)

// way is one way on from a problem.
type way struct {
	label ui.Text
	url   string
}

func (v *visit) action(w way) ui.Action {
	return ui.Action{Label: w.label.In(ui.LangOf(v.r)), URL: w.url}
}

// again is the way to the page at path of this phone, to take the same step once more.
func (v *visit) again(path string) way { return way{v.both("again"), v.base + path} }

// failure is what the page of a problem shows.
type failure struct {
	trouble *ui.Trouble
	ways    []way // the one thing to do now first
}

// fail shows the page of a problem inside the phone, with one way on.
func (v *visit) fail(err error, next way) { v.failSafe(err, unharmed(), next) }

// failSafe is fail with what is safe. After a form the problem has an address of
// its own. What could not be checked may be tried again: where next does not say
// how, by opening the same page.
func (v *visit) failSafe(err error, safe ui.Text, next way) {
	v.log(err)
	posted := v.r.Method == http.MethodPost
	t := ui.TroubleOf(v.w, words(err)).With(safe, ui.Action{})
	if next.url == "" && !posted && t.Kind == problem.CouldNotCheck {
		next = way{v.both("again"), v.r.URL.RequestURI()}
	}
	f := failure{t, []way{{v.both("back.home"), v.base + "/"}}}
	if next.url != "" {
		f.ways = append([]way{next}, f.ways...)
	}
	if posted {
		v.draft.change(func(d *draft) { d.failed = &f })
		v.goTo("/trouble")
		return
	}
	v.showFailure(f)
}

func (v *visit) showFailure(f failure) {
	t := *f.trouble
	t.Next = v.action(f.ways[0])
	p := ui.TroublePage{Trouble: &t}
	for _, w := range append(f.ways[1:len(f.ways):len(f.ways)], v.supportWay()...) {
		p.More = append(p.More, v.action(w))
	}
	v.show(ui.Screen{Page: "trouble", Data: p, Status: t.Status})
}

// trouble is the page of what the last form failed with.
func (v *visit) trouble() {
	var f *failure
	v.draft.change(func(d *draft) { f = d.failed })
	if f == nil {
		v.goTo("/")
		return
	}
	v.showFailure(*f)
}

// fail shows the page of a problem outside of every phone.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if p := problem.From(err); p.Kind == problem.OurFault {
		h.opt.Log.ErrorContext(r.Context(), "phone", "error", err)
	}
	h.showTrouble(w, r, ui.TroubleOf(w, words(err)))
}

func (h *Handler) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	t.Next = ui.Action{Label: h.site.Say(ui.LangOf(r), "back.list"), URL: "/"}
	if err := h.site.Render(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t}, Status: t.Status}); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", "trouble", "error", err)
	}
}

// log keeps our own faults for the operator; a refusal is the person's.
func (v *visit) log(err error) {
	if problem.From(words(err)).Kind == problem.OurFault {
		v.h.opt.Log.ErrorContext(v.r.Context(), "phone", "error", err)
	}
}

// unharmed is what a failure on the phone leaves as it was.
func unharmed() ui.Text {
	return ui.Text{JA: "証明書は使われていません。", EN: "Your certificates were not used."}
}

// isCode reports whether err is the problem of that code.
func isCode(err error, codes ...string) bool {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return false
	}
	for _, c := range codes {
		if p.Code == c {
			return true
		}
	}
	return false
}
