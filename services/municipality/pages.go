package municipality

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"tegata/internal/problem"
	"tegata/internal/ui"
)

//go:embed pages
var pageFiles embed.FS

// Pages shows the register to people. Only a sandbox has them so far: nobody logs
// in here, and the people are invented.
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

var errNoPage = problem.New(problem.Refused, http.StatusNotFound, "no-such-page",
	problem.Text{Title: "このページはありません。", Detail: "アドレスを確かめるか、はじめの画面からやり直してください。"},
	problem.Text{Title: "There is no such page.", Detail: "Check the address, or begin again from the first page."})

// residentsShown is how many residents one page shows.
const residentsShown = 100

// residentsPage is the register, one resident a section.
type residentsPage struct {
	People []shownResident
	After  string // where the next page begins; empty on the last
}

// shownResident is an entry as the page needs it.
type shownResident struct {
	Entry
	Town string
}

// Birth is the day of birth.
func (s shownResident) Birth() time.Time { return s.Resident.birth() }

// Original is the name as written, when ordinary devices show another.
func (s shownResident) Original() string {
	if s.Resident.NameOriginal == s.Resident.Name {
		return ""
	}
	return s.Resident.NameOriginal
}

// Class is how a card's state is drawn.
func (c CardView) Class() string {
	switch {
	case c.State == CardRefused:
		return "state-bad"
	case c.Lost || c.State.open():
		return "state-held"
	case c.State == CardReplaced:
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
	if c.Lost && c.State == CardPersonalised {
		return "lost"
	}
	return string(c.State)
}

func (h *Handler) residents(w http.ResponseWriter, r *http.Request) {
	list, err := h.Register.List(r.Context(), r.URL.Query().Get("after"), residentsShown)
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	page := residentsPage{}
	for _, e := range list {
		m, _ := h.Register.municipality(e.Resident.Municipality)
		page.People = append(page.People, shownResident{e, m.Prefecture + m.City})
	}
	if len(list) == residentsShown {
		page.After = list[len(list)-1].Resident.ID
	}
	if err := h.Pages.site.Render(w, r, ui.Screen{Page: "residents", Data: page}); err != nil {
		h.Register.conf.Log.ErrorContext(r.Context(), "page not rendered", "page", "residents", "error", err)
	}
}

// failPage shows what went wrong, with the list as the way back.
func (h *Handler) failPage(w http.ResponseWriter, r *http.Request, err error) {
	home := ui.Action{Label: h.Pages.site.Say(ui.LangOf(r), "residents.title"), URL: "/"}
	if err := h.Pages.site.Fail(w, r, nil, err, ui.Text{}, home); err != nil {
		h.Register.conf.Log.ErrorContext(r.Context(), "page not rendered", "page", "trouble", "error", err)
	}
}
