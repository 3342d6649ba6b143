package street

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/internal/ui"
)

// rackCard is one card of the rack with the person it belongs to.
type rackCard struct {
	Card
	Person  Person
	Known   bool   // Person is known
	At      string // slot it is held to: "phone:taro"
	AtOwner string // name of the person whose phone that is, when known
	Secrets *secretsBox
}

// Held reports whether it is held to a reader now.
func (c rackCard) Held() bool { return c.Reader != "" }

// FewTries is the tries left of each secret that somebody has mistyped.
func (c rackCard) FewTries() []triesLeft {
	var out []triesLeft
	if c.Tries == nil {
		return nil
	}
	if c.Tries.SignPassword < 5 && c.State != "no_signature" {
		out = append(out, triesLeft{"card_signature_password", c.Tries.SignPassword})
	}
	if c.Tries.AuthPIN < 3 {
		out = append(out, triesLeft{"card_auth_pin", c.Tries.AuthPIN})
	}
	return out
}

type triesLeft struct {
	Key  string
	Left int
}

// StateClass is how the chip of the state looks.
func (c rackCard) StateClass() string { return stateClass(c.State) }

// StateIcon is its shape.
func (c rackCard) StateIcon() string { return stateIcon(c.State) }

func stateClass(state string) string {
	switch state {
	case "good":
		return "state-good"
	case "held":
		return "state-held"
	case "revoked", "expired":
		return "state-bad"
	}
	return "state-none"
}

func stateIcon(state string) string {
	switch state {
	case "good":
		return "check"
	case "held":
		return "clock"
	case "revoked", "expired":
		return "cross"
	}
	return "info"
}

// rackPage is the rack of cards.
type rackPage struct {
	Cards   []rackCard
	Left    bool // more are being made
	Trouble *ui.Trouble
}

// rack shows every card, whose it is and what is special about that person.
func (h *Handler) rack(w http.ResponseWriter, r *http.Request) {
	cards, err := h.cardsOfPeople(r.Context())
	page := rackPage{Cards: cards, Left: !h.progress().Done, Trouble: h.trouble(w, err)}
	box, err := h.secretsFor(r.FormValue("secrets"))
	if err != nil {
		page.Trouble = h.trouble(w, err)
	}
	for i, c := range page.Cards {
		if box != nil && box.For == "card-"+c.ID {
			page.Cards[i].Secrets = box
		}
	}
	sc := ui.Screen{Page: "rack", Data: page}
	if page.Left {
		sc.Poll = 2 * time.Second
	}
	h.show(w, r, sc)
}

// remove takes a card away from the reader it is held to.
func (h *Handler) remove(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := h.roles.Remove(r.Context(), id); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	http.Redirect(w, r, ui.LocalPath(r.PostFormValue("back"), "/cards"), http.StatusSeeOther)
}

// cardsOfPeople joins the cards role's cards with the people, in the order of
// the people; cards of nobody we know come last.
func (h *Handler) cardsOfPeople(ctx context.Context) ([]rackCard, error) {
	people, err := h.conf.People(ctx)
	if err != nil {
		return nil, err
	}
	cards, err := h.roles.Cards(ctx)
	if err != nil {
		return nil, err
	}
	holders, err := h.roles.holders(ctx)
	if err != nil { // the first cards are known without it
		h.log.WarnContext(ctx, "the register does not say whose cards are", "error", err)
	}
	for i, c := range cards {
		if c.Resident == "" {
			cards[i].Resident = holders[c.ID]
		}
	}
	slots := map[string]string{}
	for _, rd := range h.readers(ctx) {
		slots[rd.Address] = rd.Slot
	}
	var out []rackCard
	place := func(c Card) int {
		return slices.IndexFunc(people, func(p Person) bool { return p.ID == c.Resident || p.Card != "" && p.Card == c.ID })
	}
	for _, c := range cards {
		rc := rackCard{Card: c}
		if i := place(c); i >= 0 {
			rc.Person, rc.Known = people[i], true
		}
		if c.Reader != "" {
			if rc.At = slots[c.Reader]; rc.At == "" {
				rc.At = c.Reader
			}
			if id, ok := strings.CutPrefix(rc.At, "phone:"); ok {
				owner, _ := person(people, func(p Person) bool { return p.Phone == id })
				rc.AtOwner = owner.Said()
			}
		}
		out = append(out, rc)
	}
	slices.SortStableFunc(out, func(a, b rackCard) int {
		ia, ib := place(a.Card), place(b.Card)
		if ia < 0 {
			ia = len(people)
		}
		if ib < 0 {
			ib = len(people)
		}
		return ia - ib
	})
	return out, nil
}

// readers is every slot of the neighbourhood that a card can be held to; the
// phones' are left out when the phones do not answer.
func (h *Handler) readers(ctx context.Context) []Reader {
	out := slices.Clone(h.conf.Readers)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	phones, err := h.roles.Phones(ctx)
	if err != nil {
		h.log.DebugContext(ctx, "phones not listed", "error", err)
	}
	for _, p := range phones {
		if p.Reader != "" {
			out = append(out, Reader{Slot: "phone:" + p.ID, Address: p.Reader})
		}
	}
	return out
}
