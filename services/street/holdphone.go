package street

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/internal/ui"
)

// heldPhone is a phone that somebody may hold to a terminal.
type heldPhone struct {
	Phone
	Owner string // its person, as said; "" when nobody we know
}

// terminals are the readers that a phone is held to: those of phones, and those with a key
// pad, where staff sign in, take cards alone.
func terminals(readers []Reader) []Reader {
	return slices.DeleteFunc(slices.Clone(readers), func(rd Reader) bool { return rd.KeyPad || strings.HasPrefix(rd.Slot, "phone:") })
}

// phonesOfPeople are the phones that are switched on, those of people we know first.
func (h *Handler) phonesOfPeople(r *http.Request) ([]heldPhone, error) {
	people, err := h.conf.People(r.Context())
	if err != nil {
		return nil, err
	}
	phones, err := h.roles.Phones(r.Context())
	var out []heldPhone
	for _, p := range phones {
		if !p.On() {
			continue
		}
		owner, _ := person(people, func(o Person) bool { return o.Phone == p.ID })
		out = append(out, heldPhone{p, owner.Said()})
	}
	slices.SortStableFunc(out, func(a, b heldPhone) int { return boolInt(b.State == "registered") - boolInt(a.State == "registered") })
	return out, err
}

// whichTerminal lists the terminals for a phone that its own page named.
func (h *Handler) whichTerminal(w http.ResponseWriter, r *http.Request, readers []Reader) {
	page := holdPage{Readers: terminals(readers)}
	phones, err := h.phonesOfPeople(r)
	if err == nil {
		i := slices.IndexFunc(phones, func(p heldPhone) bool { return p.ID == r.FormValue("phone") })
		if i < 0 {
			err = errNoPhone
		} else {
			page.Phone, page.Owner = phones[i].ID, phones[i].Owner
		}
	}
	if err == nil {
		page.Back, err = h.wayBack(r.FormValue("back"))
	}
	if err != nil {
		h.fail(w, r, err, h.both("hold.phone.safe"))
		return
	}
	h.show(w, r, ui.Screen{Page: "hold", Data: page})
}

// holdPhone has the phone role hold a phone to a terminal, and goes to the phone: what the
// terminal asks is answered there.
func (h *Handler) holdPhone(w http.ResponseWriter, r *http.Request) {
	reader, phone := r.PostFormValue("reader"), r.PostFormValue("phone")
	_, _, err := h.checkHold(terminals(h.readers(r.Context())), reader, r.PostFormValue("back"))
	if err == nil {
		err = h.roles.Present(r.Context(), phone, reader)
	}
	if err != nil {
		h.fail(w, r, err, h.both("hold.phone.safe"))
		return
	}
	http.Redirect(w, r, h.conf.origin("phone")+"/p/"+url.PathEscape(phone)+"/present", http.StatusSeeOther)
}
