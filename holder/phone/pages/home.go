package pages

import (
	"io/fs"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

type homePage struct {
	basePage
	Done string    // what was just done, shown once
	From time.Time // when what was just done takes effect, if that is later
	Held bool      // this phone is the one in the hand
}

func (v *visit) home() {
	if err := v.seeNow(); err != nil {
		v.fail(err, way{})
		return
	}
	p := homePage{basePage: v.page(), Held: v.held}
	p.Trouble = v.said().trouble
	switch done := v.r.URL.Query().Get("done"); done {
	case "registered", "marked", "abandoned", "unlocked", "pin", "password", "found", "reissued", "reported", "loosened", "address", "address-kept":
		p.Done = done
	}
	if p.Done == "address" {
		v.draft.change(func(d *draft) { p.From = d.addressAt })
		if p.From.IsZero() { // too old: nothing was just done
			p.Done = ""
		}
	}
	for _, a := range v.look.Waiting {
		if asked, err := v.phone.Asked(v.r.Context(), a.ID); err == nil {
			p.Look.Requests = append(p.Look.Requests, request{ID: a.ID, Party: text(asked.Party.Name), What: text(asked.What)})
		}
	}
	v.showAt("home", ui.Screen{Page: "home", Data: p})
}

func (v *visit) services() { v.showAt("home", ui.Screen{Page: "services", Data: v.page()}) }

// certificate shows the pair.
func (v *visit) certificate() {
	if err := v.seeNow(); err != nil {
		v.fail(err, way{})
		return
	}
	v.showAt("home", ui.Screen{Page: "certificate", Data: v.page()})
}

type lostPage struct {
	basePage
	Suspend string
}

func (v *visit) lost() {
	v.showAt("home", ui.Screen{Page: "lost", Data: lostPage{v.page(), v.h.opt.Suspend}})
}

type historyPage struct {
	basePage
	Entries []entry
	More    bool
}

// entry is one line of the history: a use, or several check-ins in a row.
type entry struct {
	use
	Routine []time.Time // of the check-ins, newest first; nil for a use
}

// From is when the first of the check-ins was.
func (e entry) From() time.Time { return e.Routine[len(e.Routine)-1] }

const (
	historyLines = 50   // that a screen shows
	historyRead  = 1000 // entries that they are made of: two years and more of routine
)

func (v *visit) history() {
	uses, err := v.phone.Uses(v.r.Context(), historyRead)
	if err != nil {
		v.fail(err, way{})
		return
	}
	p := historyPage{basePage: v.page(), Entries: folded(uses)}
	p.More = len(p.Entries) > historyLines || len(uses) == historyRead
	p.Entries = p.Entries[:min(len(p.Entries), historyLines)]
	v.showAt("history", ui.Screen{Page: "history", Data: p})
}

// folded makes one line of the check-ins that nothing came between: a month of them
// must not push out of sight what was refused.
func folded(uses []phone.Use) []entry {
	var all []entry
	for i := 0; i < len(uses); {
		n := 0
		for i+n < len(uses) && routine(uses[i+n]) {
			n++
		}
		if n < 2 {
			all = append(all, entry{use: useOf(uses[i])})
			i++
			continue
		}
		e := entry{use: useOf(uses[i])}
		for _, u := range uses[i : i+n] {
			e.Routine = append(e.Routine, u.At)
		}
		all = append(all, e)
		i += n
	}
	return all
}

// routine tells whether an entry is a check-in that went through.
func routine(u phone.Use) bool { return u.Kind == phone.UseCheckIn && u.Result == phone.ResultDone }

type markPage struct {
	basePage
	Pictures []string
	Picture  string
	Word     string
	Wrong    string
	Next     string // where [次へ] leads, a path of this phone
}

// mark is where the holder chooses the picture and the word of the frame.
func (v *visit) mark() {
	p := markPage{basePage: v.page(), Pictures: ui.PictureNames(), Picture: v.look.Picture, Word: v.look.Word,
		Next: v.r.URL.Query().Get("next")}
	if l := v.said(); l.wrong["word"] != "" {
		p.Picture, p.Word, p.Wrong = l.entered.Get("picture"), l.entered.Get("word"), v.say(l.wrong["word"])
	}
	if p.Picture == "" {
		p.Picture = p.Pictures[rand.IntN(len(p.Pictures))] // a start; the choice is the holder's
	}
	v.show(ui.Screen{Page: "mark", Data: p, Quiet: true, Bad: p.Wrong != ""})
}

func (v *visit) setMark() {
	picture, word := v.r.PostFormValue("picture"), strings.TrimSpace(v.r.PostFormValue("word"))
	next := v.r.PostFormValue("next")
	known := slices.Contains(ui.PictureNames(), picture)
	if n := utf8.RuneCountInString(word); !known || n < 1 || n > 12 || strings.ContainsFunc(word, func(c rune) bool { return c < ' ' }) {
		v.tell(left{path: "/mark", query: url.Values{"next": {next}}, wrong: map[string]string{"word": "mark.wrong"},
			entered: url.Values{"picture": {picture}, "word": {word}}})
		return
	}
	if err := v.phone.Set(v.r.Context(), phone.Change{Picture: &picture, Word: &word}); err != nil {
		v.fail(err, v.again("/mark"))
		return
	}
	if next == "enrol" {
		v.goTo("/enrol/card-password")
		return
	}
	v.goTo("/?done=marked")
}

// manifest makes this phone an app that can be put on a home screen.
func (v *visit) manifest() {
	m := ui.Manifest{
		Name: "Tegata " + v.look.Name, ShortName: "Tegata", ID: v.base + "/", StartURL: v.base + "/", Scope: v.base + "/",
		Display: "standalone", Lang: string(ui.LangOf(v.r)), Background: "#ffffff", Theme: "#08351f",
		Icons: []ui.ManifestIcon{
			{Src: v.h.site.Asset("icon-192.png"), Sizes: "192x192", Type: "image/png", Purpose: "any"},
			{Src: v.h.site.Asset("icon-512.png"), Sizes: "512x512", Type: "image/png", Purpose: "any maskable"},
			{Src: v.h.site.Asset("icon.svg"), Sizes: "any", Type: "image/svg+xml"},
		},
	}
	b, err := m.JSON()
	if err != nil {
		v.fail(err, way{})
		return
	}
	v.w.Header().Set("Content-Type", "application/manifest+json")
	v.w.Write(b)
}

// worker is the service worker; it stands under the phone's own path because
// that is its scope.
func (v *visit) worker() {
	b, err := fs.ReadFile(staticFiles, "static/sw.js")
	if err != nil {
		v.fail(err, way{})
		return
	}
	v.w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	v.w.Header().Set("Cache-Control", "no-cache")
	v.w.Write(b)
}
