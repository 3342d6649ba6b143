package street

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/internal/ui"
)

// makingPage is the start page before the first card and phone are usable.
type makingPage struct {
	Progress Progress
}

// homePage is the start page.
type homePage struct {
	Progress   Progress
	Phone      string // address of the phone of the tour, "" when no phone runs
	Portal     string // "" when no portal runs
	Private    []private
	Developers string // where services are registered; "" when no verifier runs
	First      Person // with whose card the tour begins
	Ready      Person // whose phone is registered already; zero when nobody's
	ReadyPhone string
	Secrets    *secretsBox
	Registered bool // a phone other than the sandbox's own is registered
	LoggedIn   bool // a login ended well since the start
	Now        time.Time
	Ahead      bool // the clock was turned
	Trouble    *ui.Trouble
}

// private is a private service of this town: it knows OpenID Connect alone.
type private struct{ ID, URL string }

// At is where the secrets of a card or phone are shown: "first" or "ready".
func (p homePage) At(where string) *secretsBox {
	if p.Secrets != nil && p.Secrets.where == where {
		return p.Secrets
	}
	return nil
}

// Left says how many people are still to be made.
func (p homePage) Left() bool { return !p.Progress.Done && p.Progress.Failed == "" }

// home is the first thing anybody sees, within a second of starting.
func (h *Handler) home(w http.ResponseWriter, r *http.Request) {
	progress := h.progress()
	if !progress.Usable {
		h.show(w, r, ui.Screen{Page: "making", Data: makingPage{Progress: progress}, Poll: time.Second})
		return
	}
	people, err := h.conf.People(r.Context())
	page := homePage{Progress: progress, Portal: h.conf.origin("portal"), Now: h.conf.Clock.Now(),
		Ahead: h.conf.Clock.Offset() >= time.Minute, Trouble: h.trouble(w, err)}
	for _, id := range []string{"bank", "carrier", "pay"} {
		if at := h.conf.origin(id); at != "" {
			page.Private = append(page.Private, private{id, at})
		}
	}
	if verifier := h.conf.origin("verifier"); verifier != "" {
		page.Developers = verifier + "/developers"
	}
	page.First, _ = person(people, func(p Person) bool { return p.First })
	registered := h.registered(r.Context())
	page.Ready, _ = person(people, func(p Person) bool { return !p.First && p.Answers == "" && registered[p.Phone] })
	page.Phone, page.ReadyPhone = h.phoneURL(page.First.Phone), h.phoneURL(page.Ready.Phone)
	page.LoggedIn = h.loggedIn()
	for _, p := range people { // those that the sandbox registered tick nothing off
		if !p.First {
			delete(registered, p.Phone)
		}
	}
	page.Registered = len(registered) > 0
	page.Secrets, err = h.secretsFor(r.FormValue("secrets"))
	if err != nil {
		page.Trouble = h.trouble(w, err)
	}
	if page.Secrets != nil {
		switch page.Secrets.For {
		case "card-" + page.First.Card:
			page.Secrets.where = "first"
			page.Secrets.Lines = page.Secrets.Lines[:1] // the one that registering asks for; the rack has them all
		case "phone-" + page.Ready.Phone:
			page.Secrets.where = "ready"
		}
	}
	sc := ui.Screen{Page: "home", Data: page}
	if page.Left() {
		sc.Poll = 2 * time.Second
	}
	h.show(w, r, sc)
}

// phoneURL is the address of a phone's own pages, "" when no phone runs.
func (h *Handler) phoneURL(id string) string {
	base := h.conf.origin("phone")
	if base == "" || id == "" {
		return base
	}
	return base + "/p/" + id + "/"
}

// registered is the phones that can be used for a login now; none when the
// phones do not answer soon.
func (h *Handler) registered(ctx context.Context) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	phones, err := h.roles.Phones(ctx)
	if err != nil {
		h.log.DebugContext(ctx, "phones not listed", "error", err)
	}
	out := map[string]bool{}
	for _, p := range phones {
		if p.State == "registered" {
			out[p.ID] = true
		}
	}
	return out
}

// loggedIn says whether the trace has seen a login end well.
func (h *Handler) loggedIn() bool {
	entries, _ := h.ring.all()
	return slices.ContainsFunc(stories(entries), func(s Story) bool { return s.What == "login" && s.Done() })
}

// secretsBox is the secrets of one card, phone or till, on a page because somebody
// pressed for them.
type secretsBox struct {
	For   string // "card-ID", "phone-ID" or "till-SHOP"
	Lines []secretLine
	where string
}

// Card reports whether they are a card's.
func (b secretsBox) Card() bool { return strings.HasPrefix(b.For, "card-") }

type secretLine struct{ Key, Value string }

// secretsFor reads the sandbox's secrets for "card-ID", "phone-ID" or "till-SHOP"; nil
// when nothing is asked for or nothing is known.
func (h *Handler) secretsFor(which string) (*secretsBox, error) {
	kind, id, ok := strings.Cut(which, "-")
	if !ok || id == "" {
		return nil, nil
	}
	all, err := h.conf.Secrets()
	if err != nil {
		return nil, err
	}
	box := &secretsBox{For: which}
	line := func(key string, s Shown) {
		if v := s.reveal(); v != "" {
			box.Lines = append(box.Lines, secretLine{key, v})
		}
	}
	switch kind {
	case "card":
		c := all.Cards[id]
		line("card_signature_password", c.SignaturePassword)
		line("card_auth_pin", c.AuthPIN)
		line("card_input_pin", c.InputPIN)
		line("card_resident_pin", c.ResidentPIN)
	case "till":
		line("till_code", all.Tills[id])
	case "phone":
		p := all.Phones[id]
		line("phone_auth_pin", p.AuthPIN)
		line("phone_signature_password", p.SignaturePassword)
		line("lock_code", p.LockCode)
	}
	if len(box.Lines) == 0 {
		return nil, nil
	}
	return box, nil
}
