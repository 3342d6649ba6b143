package municipality

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tegata/internal/ui"
)

//go:embed pages
var pageFiles embed.FS

// Pages shows the register to people. Only a sandbox has them so far: the people are
// invented.
type Pages struct{ site *ui.Site }

// OpenPages parses the pages.
func OpenPages() (*Pages, error) {
	files, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		return nil, fmt.Errorf("municipality: pages: %w", err)
	}
	site, err := ui.NewSite(ui.Party{
		ID: "municipality", Name: ui.Text{JA: "市区町村の窓口", EN: "Municipal desk"}, Mark: "municipality", Sandbox: true,
	}, files, nil)
	if err != nil {
		return nil, err
	}
	return &Pages{site}, nil
}

// residentsShown is how many residents one page shows.
const residentsShown = 100

// residentsPage is the register, one resident a row.
type residentsPage struct {
	People []shownResident
	After  string // where the next page begins; empty on the last
}

// shownResident is an entry as the pages need it.
type shownResident struct {
	Entry
	Town  string
	At    time.Time // now
	Deeds []deed    // what can be done; none where nobody sits at the desk
}

// URL is the resident's page.
func (s shownResident) URL() string { return residentURL(s.Resident.ID) }

// Gone tells whether nothing can be done any more.
func (s shownResident) Gone() bool { return s.Resident.gone() }

// InUse is the card that the resident has, or nil.
func (s shownResident) InUse() *CardView { return s.inUse() }

// Birth is the day of birth.
func (s shownResident) Birth() time.Time { return s.Resident.birth() }

// Original is the name as written, when ordinary devices show another.
func (s shownResident) Original() string {
	if s.Resident.NameOriginal == s.Resident.Name {
		return ""
	}
	return s.Resident.NameOriginal
}

// Newest are the events, the latest first.
func (s shownResident) Newest() []EventView {
	out := make([]EventView, 0, len(s.Events))
	for i := len(s.Events) - 1; i >= 0; i-- {
		out = append(out, s.Events[i])
	}
	return out
}

// Expired tells whether the certificates of a card are over at a moment.
func (c CardView) Expired(at time.Time) bool {
	return c.NotAfter != nil && c.State == CardPersonalised && at.After(*c.NotAfter)
}

// Class is how a card's state is drawn.
func (c CardView) Class() string {
	switch {
	case c.State == CardRefused:
		return "state-bad"
	case c.Lost && c.State == CardPersonalised || c.State.open() || c.State == CardReady:
		return "state-held"
	case c.State == CardReplaced || c.State == CardReturned:
		return "state-none"
	}
	return "state-good"
}

// Icon goes with Class, so that colour is never alone.
func (c CardView) Icon() string {
	switch c.Class() {
	case "state-bad":
		return "cross"
	case "state-held":
		return "clock"
	case "state-none":
		return "info"
	}
	return "check"
}

// Said is the state as people read it.
func (c CardView) Said() string {
	switch {
	case c.Lost && c.State == CardPersonalised:
		return "lost"
	case c.Onto != "" && c.State == CardPersonalised:
		return "signed"
	}
	return string(c.State)
}

// Planned tells whether the event waits for its day.
func (e EventView) Planned() bool { return e.State == EventPlanned }

// Said is the event as people read it.
func (e EventView) Said() string {
	switch {
	case e.Kind == Announced && e.Cancelled:
		return "announced-back"
	case e.Kind == CardRevoked && e.Certificate != "":
		return "sign-revoked"
	}
	return string(e.Kind)
}

func (r *Register) town(code string) string {
	m, _ := r.municipality(code)
	return m.Prefecture + m.City
}

func (h *Handler) shown(e Entry) shownResident {
	s := shownResident{Entry: e, Town: h.Register.town(e.Resident.Municipality), At: h.Register.at()}
	if h.Officer != nil {
		s.Deeds = e.deeds(s.At)
	}
	return s
}

func (h *Handler) residents(w http.ResponseWriter, r *http.Request) {
	list, err := h.Register.List(r.Context(), r.URL.Query().Get("after"), residentsShown)
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	page := residentsPage{}
	for _, e := range list {
		page.People = append(page.People, h.shown(e))
	}
	if len(list) == residentsShown {
		page.After = list[len(list)-1].Resident.ID
	}
	h.showPage(w, r, ui.Screen{Page: "residents", Data: page})
}

func (h *Handler) residentPage(w http.ResponseWriter, r *http.Request) {
	e, err := h.Register.Show(r.Context(), r.PathValue("id"))
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	h.showPage(w, r, ui.Screen{Page: "resident", Data: h.shown(e)})
}

// donePage is what became of one report or order.
type donePage struct {
	shownResident
	Event *EventView
	Card  *CardView
}

// Busy tells whether the work still goes on by itself.
func (p donePage) Busy() bool {
	return p.Event != nil && p.Event.State == EventWaiting || p.Card != nil && p.Card.State.open()
}

// Next is the deed that follows, or "".
func (p donePage) Next() deed {
	if len(p.Deeds) > 0 && (p.Deeds[0] == deedHandOver || p.Deeds[0] == deedCardSign) {
		return p.Deeds[0]
	}
	return ""
}

func (h *Handler) donePage(w http.ResponseWriter, r *http.Request) {
	e, err := h.Register.Show(r.Context(), r.PathValue("id"))
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	p := donePage{shownResident: h.shown(e)}
	for i := range e.Events {
		if e.Events[i].ID == r.PathValue("report") {
			p.Event = &e.Events[i]
		}
	}
	for i := range e.Cards {
		if e.Cards[i].ID == r.PathValue("card") {
			p.Card = &e.Cards[i]
		}
	}
	if p.Event == nil && p.Card == nil {
		h.failPage(w, r, ui.ErrNoPage)
		return
	}
	sc := ui.Screen{Page: "done", Data: p}
	if p.Busy() {
		sc.Poll = 2 * time.Second
	}
	h.showPage(w, r, sc)
}

// tidy is what was typed without blanks around it.
func tidy(s string) string { return strings.Trim(s, " \t　") }

func (h *Handler) showPage(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := h.Pages.site.Render(w, r, sc); err != nil {
		h.Register.conf.Log.ErrorContext(r.Context(), "page not rendered", "page", sc.Page, "error", err)
	}
}

// failPage shows what went wrong, with the list as the way back.
func (h *Handler) failPage(w http.ResponseWriter, r *http.Request, err error) {
	home := ui.Action{Label: h.Pages.site.Say(ui.LangOf(r), "residents.title"), URL: "/"}
	if id := r.PathValue("id"); id != "" {
		home = ui.Action{Label: h.Pages.site.Say(ui.LangOf(r), "resident.back"), URL: residentURL(id)}
	}
	if err := h.Pages.site.Fail(w, r, nil, err, ui.Text{}, home); err != nil {
		h.Register.conf.Log.ErrorContext(r.Context(), "page not rendered", "page", "trouble", "error", err)
	}
}
