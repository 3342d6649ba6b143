package street

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"tegata/internal/secret"
	"tegata/internal/ui"
)

// padPage is the key pad of a terminal's reader, as it lies on the table beside the card:
// the number on the desk's screen goes to the terminal, the PIN to the card and to nobody
// else, least of all to the terminal.
type padPage struct {
	Card    rackCard
	Slot    string
	Back    string // full URL, checked
	Hold    string // the hold page of this reader
	Secrets *secretsBox
	Trouble *ui.Trouble
}

// padNumber is the number that a desk's screen shows.
var padNumber = regexp.MustCompile(`^[0-9]{2}$`)

// padAddress is where somebody types at the key pad of the reader that a card lies in.
func padAddress(card, back string) string {
	return "/pad?" + url.Values{"card": {card}, "back": {back}}.Encode()
}

// lying finds a card that lies in a reader with a key pad, and its reader.
func (h *Handler) lying(r *http.Request, id string) (rackCard, Reader, error) {
	cards, err := h.cardsOfPeople(r.Context())
	if err != nil {
		return rackCard{}, Reader{}, err
	}
	for _, c := range cards {
		if c.ID != id || !c.Held() {
			continue
		}
		readers := h.readers(r.Context())
		if i := slices.IndexFunc(readers, func(rd Reader) bool { return rd.KeyPad && rd.Address == c.Reader }); i >= 0 {
			return c, readers[i], nil
		}
	}
	return rackCard{}, Reader{}, errNoPad
}

func (h *Handler) padPage(w http.ResponseWriter, r *http.Request) {
	card, reader, err := h.lying(r, r.FormValue("card"))
	page := padPage{Card: card, Slot: reader.Slot, Trouble: h.site.Said(r).Trouble}
	if err == nil {
		_, page.Back, err = h.checkHold(h.readers(r.Context()), reader.Address, r.FormValue("back"))
	}
	if err == nil {
		page.Secrets, err = h.secretsFor(r.FormValue("secrets"))
	}
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	if page.Secrets != nil && page.Secrets.For != "card-"+card.ID {
		page.Secrets = nil
	}
	page.Hold = "/hold?" + url.Values{"reader": {reader.Address}, "back": {page.Back}}.Encode()
	h.show(w, r, ui.Screen{Page: "pad", Data: page, Bad: page.Trouble != nil})
}

// pad types what was pressed. Whether it was the card's PIN, the terminal says.
func (h *Handler) pad(w http.ResponseWriter, r *http.Request) {
	card, reader, err := h.lying(r, r.PostFormValue("card"))
	var back string
	if err == nil {
		_, back, err = h.checkHold(h.readers(r.Context()), reader.Address, r.PostFormValue("back"))
	}
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	number := r.PostFormValue("number")
	pin, err := secret.ParsePIN(r.PostFormValue("pin"))
	switch {
	case !padNumber.MatchString(number):
		err = errPadNumber
	case err != nil:
		err = errPadPIN
	default:
		err = h.roles.Type(r.Context(), card.ID, number, pin)
	}
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	if back == "" {
		back = "/cards"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}
