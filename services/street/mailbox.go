package street

import (
	"net/http"
	"slices"

	"tegata/internal/ui"
)

// noticesShown is how many notices one mailbox shows.
const noticesShown = 100

// mailboxPage is the second channel: what reached people without their phones.
type mailboxPage struct {
	Boxes   []box
	Open    *box // the box one looks into; nil lists all
	Notices []Notice
	More    int // notices beyond noticesShown
	Trouble *ui.Trouble
}

// box is the mailbox of one address.
type box struct {
	Address string
	Person  Person
	Known   bool
	Count   int
	order   int // of the last notice; 0 when there is none
	Last    Notice
}

// Name is whose box it is.
func (b box) Name() string {
	if b.Known {
		return b.Person.Said()
	}
	return b.Address
}

// mailbox shows the boxes, or one of them.
func (h *Handler) mailbox(w http.ResponseWriter, r *http.Request) {
	people, err := h.conf.People(r.Context())
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	notices, err := h.roles.Outbox(r.Context())
	page := mailboxPage{Trouble: h.trouble(w, err)}
	if err == nil { // unread boxes must not be called empty
		page.Boxes = boxes(people, notices)
	}
	if to := r.FormValue("to"); to != "" && err == nil {
		i := slices.IndexFunc(page.Boxes, func(b box) bool { return b.Address == to })
		if i < 0 {
			h.fail(w, r, ui.ErrNoPage, ui.Text{})
			return
		}
		page.Open = &page.Boxes[i]
		for _, n := range slices.Backward(notices) {
			if n.To.Address != to {
				continue
			}
			if len(page.Notices) == noticesShown {
				page.More++
				continue
			}
			page.Notices = append(page.Notices, n)
		}
	}
	h.show(w, r, ui.Screen{Page: "mailbox", Data: page})
}

// boxes is every resident's box and every other address that got a notice: the
// latest written to first, then the empty ones in the order of the people.
func boxes(people []Person, notices []Notice) []box {
	var out []box
	at := map[string]int{}
	for _, p := range people {
		if p.Mailbox != "" {
			at[p.Mailbox] = len(out)
			out = append(out, box{Address: p.Mailbox, Person: p, Known: true})
		}
	}
	for k, n := range notices {
		i, ok := at[n.To.Address]
		if !ok {
			i = len(out)
			at[n.To.Address] = i
			out = append(out, box{Address: n.To.Address})
		}
		out[i].Count++
		out[i].Last, out[i].order = n, k+1
	}
	slices.SortStableFunc(out, func(a, b box) int { return b.order - a.order })
	return out
}
