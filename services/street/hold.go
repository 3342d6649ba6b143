package street

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tegata/internal/ui"
)

// holdPage is the moment before a card touches a reader: which card?
type holdPage struct {
	Reader  string // 127.0.0.1:PORT; "" asks for the reader first
	Slot    string // "phone:ID"
	Owner   string // name of the person whose phone it is, when known
	Back    string // full URL, checked
	Cards   []rackCard
	Readers []Reader
	Pad     string      // address of this reader's key pad, when a card lies there
	Phones  []heldPhone // that can be held to it: it is a terminal's
	Phone   string      // the phone that is to be held, which asks for a terminal
	Trouble *ui.Trouble
}

// holdPage lists the cards for the reader that a phone or terminal named.
func (h *Handler) holdPage(w http.ResponseWriter, r *http.Request) {
	readers := h.readers(r.Context())
	page := holdPage{Reader: r.FormValue("reader"), Readers: readers}
	if page.Reader == "" && r.FormValue("phone") != "" {
		h.whichTerminal(w, r, readers)
		return
	}
	if page.Reader == "" {
		h.show(w, r, ui.Screen{Page: "hold", Data: page})
		return
	}
	var err error
	if page.Slot, page.Back, err = h.checkHold(readers, page.Reader, r.FormValue("back")); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	var owner Person
	if id, ok := strings.CutPrefix(page.Slot, "phone:"); ok {
		if people, err := h.conf.People(r.Context()); err == nil {
			owner, _ = person(people, func(p Person) bool { return p.Phone == id })
			page.Owner = owner.Said()
		}
	}
	page.Cards, err = h.cardsOfPeople(r.Context())
	if err == nil && slices.ContainsFunc(terminals(readers), func(rd Reader) bool { return rd.Address == page.Reader }) {
		page.Phones, err = h.phonesOfPeople(r)
	}
	page.Trouble = h.trouble(w, err)
	for _, c := range page.Cards {
		if c.Reader == page.Reader && slices.ContainsFunc(readers, func(rd Reader) bool { return rd.KeyPad && rd.Address == c.Reader }) {
			page.Pad = padAddress(c.ID, page.Back)
		}
	}
	// The phone's own person is the likely one.
	slices.SortStableFunc(page.Cards, func(a, b rackCard) int {
		return boolInt(b.Known && b.Person.ID == owner.ID) - boolInt(a.Known && a.Person.ID == owner.ID)
	})
	h.show(w, r, ui.Screen{Page: "hold", Data: page})
}

// hold has the cards role hold the chosen card to the reader, and goes back to
// where the person came from.
func (h *Handler) hold(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("phone") != "" {
		h.holdPhone(w, r)
		return
	}
	readers := h.readers(r.Context())
	reader, card := r.PostFormValue("reader"), r.PostFormValue("card")
	_, back, err := h.checkHold(readers, reader, r.PostFormValue("back"))
	if err == nil && card == "" {
		err = errNoCard
	}
	if err == nil {
		err = h.roles.Tap(r.Context(), card, reader)
	}
	if err != nil {
		h.fail(w, r, err, h.both("hold.safe"))
		return
	}
	if slices.ContainsFunc(readers, func(rd Reader) bool { return rd.KeyPad && rd.Address == reader }) {
		back = padAddress(card, back)
	}
	if back == "" {
		back = "/cards"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// checkHold lets only this neighbourhood's readers and ways back through, and
// says which slot the reader is. The street must not become a way to make the
// cards role dial, or a browser go, wherever a stranger's link says.
func (h *Handler) checkHold(readers []Reader, reader, back string) (slot, way string, err error) {
	host, port, err := net.SplitHostPort(reader)
	if err != nil || host != "127.0.0.1" {
		return "", "", errReader
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", "", errReader
	}
	i := slices.IndexFunc(readers, func(rd Reader) bool { return rd.Address == reader })
	if i < 0 {
		return "", "", errReader
	}
	way, err = h.wayBack(back)
	return readers[i].Slot, way, err
}

// wayBack is back when it leads to a page of the phone or a terminal here; "" for none.
func (h *Handler) wayBack(back string) (string, error) {
	if back == "" {
		return "", nil
	}
	u, err := url.Parse(back)
	if err != nil || u.User != nil || u.Opaque != "" || strings.ContainsAny(back, "\\\r\n\t ") ||
		!slices.Contains(h.wayBackOrigins(), originOf(back)) {
		return "", errWayBack
	}
	return u.String(), nil
}

// wayBackOrigins are the origins whose pages ask for a card to be held: the
// phone's and the terminals' that run here.
func (h *Handler) wayBackOrigins() []string {
	var out []string
	for _, role := range []string{"phone", "kiosk", "clinic", "pay", "helpdesk"} {
		if o := h.conf.origin(role); o != "" {
			out = append(out, o)
		}
	}
	return out
}

// both is a string of the catalogue in both languages.
func (h *Handler) both(key string) ui.Text {
	return ui.Text{JA: h.site.Say(ui.JA, key), EN: h.site.Say(ui.EN, key)}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
