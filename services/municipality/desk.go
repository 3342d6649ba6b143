package municipality

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// The desk's pages: a resident, and for each deed what it will do, what was entered,
// and what became of it. The id of a report is drawn when its form is opened and comes
// back with it: pressed twice, sent again or gone back to, it is done once.

// SandboxDesk admits whoever opens the pages of a sandbox's desk: its residents are
// invented, and nobody signs in there.
func SandboxDesk(*http.Request) (audit.Actor, error) {
	return audit.Actor{Party: "municipality", Kind: "person", ID: "sandbox-desk"}, nil
}

// deskPage is one deed for one resident, at any of its steps.
type deskPage struct {
	Entry
	Town, NewTown string
	Deed          deed
	ID            string // of the report, or of the card
	Card          *CardView
	Planned       *EventView // what is to be taken back
	Lines         []outcome
	In            Report // as entered
	Wrong         string // which field
	Trouble       *ui.Trouble
	Towns         []Municipality
	Earliest      string // today in Japan
}

// Dated tells whether a day can be entered.
func (p deskPage) Dated() bool { return p.Deed.dated() }

// Day is the day that was entered, the zero time without one or when it is over.
func (p deskPage) Day() time.Time {
	on, err := time.ParseInLocation(time.DateOnly, p.In.On, pki.JST)
	if err != nil || p.In.On <= p.Earliest {
		return time.Time{}
	}
	return on
}

// Sexes are the codes that a resident may have.
func (deskPage) Sexes() []string { return []string{"1", "2", "9"} }

// Form is the first screen, for going back to it.
func (p deskPage) Form() string {
	form := p.Base() + "/desk/" + string(p.Deed)
	if p.Planned != nil {
		form += "?report=" + url.QueryEscape(p.Planned.ID)
	}
	return form
}

// NewBirth is the date of birth that was entered.
func (p deskPage) NewBirth() time.Time { return Resident{Birth: p.In.Birth}.birth() }

// Birth is the resident's.
func (p deskPage) Birth() time.Time { return p.Resident.birth() }

// Base is the resident's page.
func (p deskPage) Base() string { return residentURL(p.Resident.ID) }

func residentURL(id string) string { return "/residents/" + url.PathEscape(id) }

func (h *Handler) mountDesk(mux *http.ServeMux) {
	mux.HandleFunc("GET /residents/{id}", h.residentPage)
	mux.HandleFunc("GET /residents/{id}/reports/{report}", h.donePage)
	mux.HandleFunc("GET /residents/{id}/cards/{card}", h.donePage)
	if h.Officer != nil {
		mux.HandleFunc("GET /residents/{id}/desk/{deed}", h.deedPage)
		mux.HandleFunc("POST /residents/{id}/desk/{deed}", h.deedDone)
	}
}

// page reads what a deed's screens show, and refuses a deed that does not fit the
// resident now; done again by the same id, it fits: report decides.
func (h *Handler) page(r *http.Request, id string) (deskPage, error) {
	d := deed(r.PathValue("deed"))
	entry, err := h.Register.Show(r.Context(), r.PathValue("id"))
	if err != nil {
		return deskPage{}, err
	}
	at := h.Register.at()
	p := deskPage{
		Entry: entry, Town: h.Register.town(entry.Resident.Municipality), Deed: d, ID: id, Card: entry.inUse(),
		Towns: h.Register.conf.Municipalities, Earliest: at.In(pki.JST).Format(time.DateOnly),
	}
	p.Lines = d.fates(p.Card, entry.adult(at))
	if fresh := entry.ready(); d == deedHandOver && fresh != nil {
		p.Lines, p.Card = d.fates(p.Card, fresh.Signature), fresh
	}
	return p, nil
}

// fits refuses a deed that cannot be begun now.
func (p deskPage) fits(at time.Time) error {
	switch {
	case p.Deed == deedCancel && p.Planned != nil, slices.Contains(p.deeds(at), p.Deed):
		return nil
	case p.Deed == deedCancel:
		return ErrNotPlanned
	case p.Resident.gone():
		return ErrResidentDied
	case p.Deed.kind() == "" && p.Deed != deedCardNew && p.Deed != deedCardSign && p.Deed != deedHandOver:
		return ui.ErrNoPage
	case p.Card == nil && p.Deed.kind().ofCard():
		return ErrNoCard
	}
	return ErrCardNotFitting
}

func (h *Handler) deedPage(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Officer(r); err != nil {
		h.failPage(w, r, err)
		return
	}
	p, err := h.page(r, newID())
	if err == nil {
		p.Planned = p.planned(r.FormValue("report"))
		err = p.fits(h.Register.at())
	}
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	switch {
	case p.Deed == deedCardNew:
		p.ID = newCardID()
	case p.Deed == deedCancel:
		p.ID = p.Planned.ID
	case p.Deed == deedHandOver:
		p.ID = p.ready().ID
	case p.Deed == deedRenamed:
		p.In = Report{Name: p.Resident.Name, Kana: p.Resident.Kana, Birth: p.Resident.Birth, Sex: p.Resident.Sex}
	case p.Deed == deedMoved:
		p.In.Municipality = p.Resident.Municipality
	}
	h.showPage(w, r, ui.Screen{Page: "deed", Data: p})
}

// planned is an event that waits for its day, or nil.
func (e Entry) planned(id string) *EventView {
	for i := range e.Events {
		if e.Events[i].ID == id && e.Events[i].State == EventPlanned {
			return &e.Events[i]
		}
	}
	return nil
}

// deedDone takes the form: what was entered is shown once more, then done.
func (h *Handler) deedDone(w http.ResponseWriter, r *http.Request) {
	who, err := h.Officer(r)
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	p, err := h.page(r, r.PostFormValue("id"))
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	p.In = p.entered(r)
	if r.PostFormValue("step") == "do" {
		h.do(w, r, who, p)
		return
	}
	p.Planned = p.planned(p.ID)
	if err := p.fits(h.Register.at()); err != nil {
		h.failPage(w, r, err)
		return
	}
	if p.Deed.kind() != "" {
		if err := h.Register.preview(r.Context(), p.Resident.ID, p.In); err != nil {
			h.again(w, r, p, err)
			return
		}
	}
	p.NewTown = h.Register.town(p.In.Municipality)
	h.showPage(w, r, ui.Screen{Page: "review", Data: p})
}

// entered is the report that a form says. A first form is filled in with what the
// register says, so what is the same there is left out; the second carries the report
// as it was shown.
func (p deskPage) entered(r *http.Request) Report {
	if p.Deed.kind() == "" {
		return Report{}
	}
	in := Report{ID: p.ID, Kind: p.Deed.kind(), On: r.PostFormValue("on")}
	if p.Deed == deedSignReturn {
		in.Certificate = string(pki.CardSign)
	}
	if in.Kind.ofCard() {
		in.Card = r.PostFormValue("card")
	}
	changed := func(name, was string) string {
		v := tidy(r.PostFormValue(name))
		if v == was && r.PostFormValue("step") != "do" {
			return ""
		}
		return v
	}
	switch in.Kind {
	case Moved:
		in.Municipality = r.PostFormValue("municipality")
		in.Address = tidy(r.PostFormValue("address"))
	case NameChanged:
		in.Name, in.Kana = changed("name", p.Resident.Name), changed("kana", p.Resident.Kana)
		in.Birth, in.Sex = changed("birth", p.Resident.Birth), changed("sex", p.Resident.Sex)
	}
	return in
}

// preview says whether a report could be carried out now, and changes nothing.
func (r *Register) preview(ctx context.Context, resident string, in Report) error {
	if err := in.check(); err != nil {
		return badField(ErrBadEvent, err)
	}
	at := r.at()
	if _, err := in.day(at); err != nil {
		return badField(ErrBadEvent, err)
	}
	return r.store.Read(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, resident)
		if err != nil {
			return err
		}
		_, _, err = r.changed(ctx, tx, at, rec, in)
		return err
	})
}

// again shows the form once more with what is wrong.
func (h *Handler) again(w http.ResponseWriter, r *http.Request, p deskPage, err error) {
	bad, ok := errors.AsType[*fieldError](err)
	if !ok {
		if _, ok := errors.AsType[*problem.Problem](err); !ok {
			h.failPage(w, r, err)
			return
		}
		p.Trouble = ui.TroubleOf(w, err)
	} else if p.Wrong = bad.field; !slices.Contains([]string{"address", "name", "kana", "birth", "on"}, bad.field) {
		p.Wrong = "other"
	}
	if p.Deed == deedRenamed { // what was left out since it is the same
		for field, v := range map[*string]string{&p.In.Name: p.Resident.Name, &p.In.Kana: p.Resident.Kana, &p.In.Birth: p.Resident.Birth, &p.In.Sex: p.Resident.Sex} {
			if *field == "" {
				*field = v
			}
		}
	}
	h.showPage(w, r, ui.Screen{Page: "deed", Data: p, Status: http.StatusBadRequest, Bad: true})
}

// do carries a deed out and shows what became of it. That a party could not be reached
// is no failure: the order stands.
func (h *Handler) do(w http.ResponseWriter, r *http.Request, who audit.Actor, p deskPage) {
	ctx, reg, resident := r.Context(), h.Register, p.Resident.ID
	where, err := "/reports/", error(nil)
	switch p.Deed {
	case deedCardNew:
		where = "/cards/"
		_, err = reg.MakeCard(ctx, who, resident, p.ID)
	case deedCardSign:
		where = "/cards/"
		_, err = reg.OrderSignature(ctx, who, resident, r.PostFormValue("card"), p.ID)
	case deedHandOver:
		where = "/cards/"
		_, err = reg.HandOver(ctx, who, resident, p.ID)
	case deedCancel:
		_, err = reg.Cancel(ctx, who, resident, p.ID)
	default:
		if p.Deed.kind() == "" {
			err = ui.ErrNoPage
			break
		}
		_, err = reg.Report(ctx, who, resident, p.In)
	}
	if err != nil && where == "/cards/" {
		if now, showErr := reg.Show(ctx, resident); showErr == nil && slices.ContainsFunc(now.Cards, func(c CardView) bool { return c.ID == p.ID }) {
			err = nil // it stands; its page says how far it has come
		}
	}
	if err != nil {
		h.failPage(w, r, err)
		return
	}
	http.Redirect(w, r, residentURL(resident)+where+url.PathEscape(p.ID), http.StatusSeeOther)
}
