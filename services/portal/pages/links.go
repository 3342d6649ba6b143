package pages

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
)

// The services that log the person in (連携中のサービス): what each was given, and one
// button that ends it. Ending asks for no PIN: nothing is given by it.

type linksPage struct {
	Links []link
	Past  []link  // ended lately
	Done  ui.Text // name of the one that was just ended
}

type link struct {
	ID, Mark           string
	Logo               template.URL // in place of the mark
	Name               ui.Text
	Since, Used, Until time.Time
	Claims             []string
	Ended              time.Time
	Why                ceremony.LinkEnd
}

func linksOf(told ceremony.Links, logos map[string][]byte, done string) (p linksPage) {
	for _, l := range told.Links {
		line := link{ID: l.ID, Mark: l.Mark, Logo: ui.PNG(logos[l.ID]), Name: text(l.Name), Since: time.Unix(l.Since, 0), Used: time.Unix(l.Used, 0), Until: time.Unix(l.Until, 0), Claims: l.Claims}
		if l.Ended == 0 {
			p.Links = append(p.Links, line)
			continue
		}
		line.Ended, line.Why = time.Unix(l.Ended, 0), "other"
		if slices.Contains([]ceremony.LinkEnd{ceremony.EndedByHolder, ceremony.EndedByParty, ceremony.EndedByCertificate, ceremony.EndedByMisuse}, l.Why) {
			line.Why = l.Why
		}
		if l.ID == done {
			p.Done = line.Name
		}
		p.Past = append(p.Past, line)
	}
	return p
}

func (h *Handler) links(w http.ResponseWriter, r *http.Request) {
	told, err := h.opt.Portal.LinksOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "links", Data: linksOf(told, h.opt.Portal.Logos(r.Context(), told.Links), r.URL.Query().Get("ended"))})
}

func (h *Handler) endLink(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := h.opt.Portal.EndLink(r.Context(), h.cookie(r, sessionCookie), id); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/links?"+url.Values{"ended": {id}}.Encode(), http.StatusSeeOther)
}
