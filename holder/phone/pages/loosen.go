package pages

import (
	"net/url"

	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// The holder's limits are loosened with the card (制限をゆるめる): what was prepared at the
// portal is read here in words, then the card says so under its PIN.
//
//	準備した変更を開く → 内容、カードの4けた → かざす → 完了

// loosenPage asks which change.
type loosenPage struct {
	basePage
	Link  string // entered before
	Wrong string
}

// loosen opens the change that a link brought, or asks for it.
func (v *visit) loosen() {
	if link := v.r.URL.Query().Get("change"); link != "" {
		v.openLoosening(link)
		return
	}
	p, l := loosenPage{basePage: v.page()}, v.said()
	p.Trouble = l.trouble
	if key := l.wrong["link"]; key != "" {
		p.Link, p.Wrong = l.entered.Get("link"), v.say(key)
	}
	v.show(ui.Screen{Page: "loosen", Data: p, Bad: p.Wrong != "" || p.Trouble != nil})
}

// doLoosen takes a link, or the wish that every limit shall end.
func (v *visit) doLoosen() {
	link := v.r.PostFormValue("link")
	if v.r.PostFormValue("which") == "every" {
		link = ""
	} else if link == "" {
		v.tell(left{path: "/loosen", wrong: map[string]string{"link": "loosen.link.wrong"}})
		return
	}
	v.openLoosening(link)
}

func (v *visit) openLoosening(link string) {
	l, err := v.phone.LooseningOf(v.r.Context(), link)
	if err != nil {
		if isCode(err, phone.ErrElsewhere.Code) { // a change is prepared nowhere else
			err = phone.ErrLoosenLink.Because(err)
		}
		next := v.again("/loosen")
		if problem.From(err).Kind != problem.CouldNotCheck {
			next = way{}
		}
		v.failSafe(err, v.both("loosen.unchanged"), next)
		return
	}
	v.draft.change(func(d *draft) { d.loosening, d.loosened = &l, false })
	v.goTo(loosening.At)
}

// opened is the change that was opened last; nil when there is none, or it is too old.
func (v *visit) opened() (l *phone.Loosening) {
	v.draft.change(func(d *draft) { l = d.loosening })
	return l
}

// confirmed is the change whose page the card's PIN was typed on. What another page opened
// since then is not confirmed by it.
func (v *visit) confirmed() (l *phone.Loosening) {
	v.draft.change(func(d *draft) { l = d.confirmed })
	return l
}

// shownChange tells whether the form says that this very change was on its page.
func (v *visit) shownChange(l *phone.Loosening) bool {
	return v.field("proposal") == l.ID && v.field("rules") == l.To.Hash()
}

// loosenCardPage says what is about to be allowed, before the card's PIN is asked for.
// Its form carries which change and which rules that is.
type loosenCardPage struct {
	walkPage
	Proposal string
	Rules    string // their hash
	Every    bool
	Looser   []ui.Text
	Tighter  []ui.Text
}

func (v *visit) loosenCard() {
	l := v.opened()
	if l == nil {
		to := "/loosen"
		v.draft.change(func(d *draft) {
			if d.loosened { // pressed twice, or gone back to
				to = "/?done=loosened"
			}
		})
		v.goTo(to)
		return
	}
	p := loosenCardPage{walkPage: walkPage{v.secretPage(), loosening}, Proposal: l.ID, Rules: l.To.Hash(), Every: l.Every()}
	p.Looser, p.Tighter = wordsOf(l.Changes)
	v.show(ui.Screen{Page: "loosencard", Data: p, Quiet: true, Bad: p.bad()})
}

func wordsOf(changes []ceremony.Difference) (looser, tighter []ui.Text) {
	for _, d := range changes {
		if d.Looser {
			looser = append(looser, text(d.Words()))
		} else {
			tighter = append(tighter, text(d.Words()))
		}
	}
	return looser, tighter
}

// loosenURL is the page for a link that was scanned or opened; "" when it is none.
func loosenURL(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Query().Get("rules") == "" {
		return ""
	}
	return "/loosen?" + url.Values{"change": {link}}.Encode()
}
