package street

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tegata/internal/trace"
	"tegata/internal/ui"
)

// breakPage is everything one can break here, each with its state now.
type breakPage struct {
	Held        []rackCard // cards that are held to a reader now
	Cards       int
	Phones      []phoneView
	PhonesAway  *ui.Trouble
	CardsAway   *ui.Trouble
	OCSPStopped bool
	HasIssuer   bool
	Now         time.Time
	Walking     bool // the clock is on its way
	WalkFailed  *ui.Trouble
	Losable     []phoneView // phones whose lock code the sandbox keeps
	Birth       string      // entered before
	LostWrong   *ui.Trouble
	Tricks      []trick // requests that no phone must answer
	Did         string  // what was just done: "card", "ocsp" …
}

// phoneView is a phone with its owner.
type phoneView struct {
	Phone
	Owner Person
	Known bool
}

// Name is how the phone is called on the page.
func (p phoneView) Name() string {
	if p.Known {
		return p.Owner.Said()
	}
	return p.ID
}

func (h *Handler) breakPage(w http.ResponseWriter, r *http.Request) {
	did := r.FormValue("did")
	switch did {
	case "card", "ocsp", "phone", "reset", "clock", "lost":
	default:
		did = ""
	}
	page := breakPage{Did: did}
	if l := h.site.Said(r); l.Trouble != nil {
		page.LostWrong, page.Birth = l.Trouble, l.Entered.Get("birth_date")
		if !ui.Polling(r) {
			h.site.Unsay(w) // this page is for other things too
		}
	}
	h.showBreak(w, r, page)
}

// showBreak fills in how everything is now.
func (h *Handler) showBreak(w http.ResponseWriter, r *http.Request, page breakPage) {
	ctx := r.Context()
	cards, err := h.cardsOfPeople(ctx)
	page.CardsAway, page.Cards = h.trouble(w, err), len(cards)
	for _, c := range cards {
		if c.Held() {
			page.Held = append(page.Held, c)
		}
	}
	people, err := h.conf.People(ctx)
	if err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	phones, err := h.roles.Phones(ctx)
	page.PhonesAway = h.trouble(w, err)
	secrets, err := h.conf.Secrets()
	if err != nil {
		h.log.ErrorContext(ctx, "sandbox secrets not read", "error", err)
	}
	for _, p := range phones {
		v := phoneView{Phone: p}
		v.Owner, v.Known = person(people, func(q Person) bool { return q.Phone == p.ID || p.Resident != "" && q.ID == p.Resident })
		page.Phones = append(page.Phones, v)
		if v.Known && secrets.Phones[p.ID].LockCode.reveal() != "" {
			page.Losable = append(page.Losable, v)
		}
	}
	page.HasIssuer, page.Tricks = h.roles.issuer != "", h.tricks()
	h.mu.Lock()
	page.OCSPStopped = h.toldOCSP
	h.mu.Unlock()
	walking, walkErr := h.walkState()
	page.Now, page.Walking, page.WalkFailed = h.conf.Clock.Now(), walking != 0, h.trouble(w, walkErr)
	sc := ui.Screen{Page: "break", Data: page, Bad: page.LostWrong != nil}
	if page.Walking {
		sc.Poll = time.Second
	}
	h.show(w, r, sc)
}

func (h *Handler) did(w http.ResponseWriter, r *http.Request, what string, e trace.Event) {
	e.At, e.From, e.Kind = h.conf.Clock.Now(), "street", "break"
	h.ring.add(e)
	http.Redirect(w, r, "/break?did="+what+"#"+what, http.StatusSeeOther)
}

// breakCard pulls a card away in the middle of whatever reads it.
func (h *Handler) breakCard(w http.ResponseWriter, r *http.Request) {
	if err := h.roles.Remove(r.Context(), r.PostFormValue("card")); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	h.did(w, r, "card", trace.Event{To: "cards", TitleJA: "カードを途中で離しました", TitleEN: "The card was pulled away",
		Detail: map[string]string{"card": r.PostFormValue("card")}})
}

// breakOCSP stops the issuer's responder, or lets it speak again.
func (h *Handler) breakOCSP(w http.ResponseWriter, r *http.Request) {
	stop := r.PostFormValue("to") == "stop"
	if err := h.roles.StopOCSP(r.Context(), stop); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	h.mu.Lock()
	h.toldOCSP = stop
	h.mu.Unlock()
	e := trace.Event{To: "issuer", TitleJA: "証明書の状態を答える窓口（OCSP）を動かしました", TitleEN: "The OCSP responder was started again"}
	if stop {
		e.TitleJA, e.TitleEN = "証明書の状態を答える窓口（OCSP）を止めました", "The OCSP responder was stopped"
	}
	h.did(w, r, "ocsp", e)
}

// breakPhone switches a phone off or on.
func (h *Handler) breakPhone(w http.ResponseWriter, r *http.Request) {
	on := r.PostFormValue("to") == "on"
	phone := r.PostFormValue("phone")
	if err := h.roles.Power(r.Context(), phone, on); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	e := trace.Event{To: "phone", TitleJA: "スマホの電源を切りました", TitleEN: "The phone was switched off", Detail: map[string]string{"phone": phone}}
	if on {
		e.TitleJA, e.TitleEN = "スマホの電源を入れました", "The phone was switched on"
	}
	h.did(w, r, "phone", e)
}

// breakReset makes a phone as it left its maker. The authority hears nothing of it: what
// was registered there lives on until its lease runs out or somebody registers it anew.
func (h *Handler) breakReset(w http.ResponseWriter, r *http.Request) {
	phone := r.PostFormValue("phone")
	if err := h.roles.Reset(r.Context(), phone); err != nil {
		h.fail(w, r, err, ui.Text{})
		return
	}
	h.did(w, r, "reset", trace.Event{To: "phone", TitleJA: "スマホを初期化しました", TitleEN: "The phone was reset", Detail: map[string]string{"phone": phone}})
}

// maxDays is how many days the clock goes on at a time, from the page: a card's life and more.
const maxDays = 3650

// breakClock lets time pass. Due work may take a while, so the walk goes on
// behind the page, which asks again until it has arrived.
func (h *Handler) breakClock(w http.ResponseWriter, r *http.Request) {
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil || days < 1 || days > maxDays {
		h.fail(w, r, errDays, ui.Text{})
		return
	}
	if !h.progress().Done {
		h.fail(w, r, errNotMade, ui.Text{}) // the makers walk the clock themselves
		return
	}
	d := time.Duration(days) * 24 * time.Hour
	if !h.beginWalk(d) {
		h.fail(w, r, errClockBusy, ui.Text{})
		return
	}
	h.work.Go(func() { h.endWalk(h.ctx, d) }) // its error is kept for the page
	http.Redirect(w, r, "/break?did=clock#clock", http.StatusSeeOther)
}

// breakLost reports a phone lost by its lock code, as its owner would from any
// browser in the world. For a phone that the sandbox registered, the code is
// read from the sandbox's secrets.
func (h *Handler) breakLost(w http.ResponseWriter, r *http.Request) {
	birth, code := r.PostFormValue("birth_date"), strings.TrimSpace(r.PostFormValue("lock_code"))
	if id := r.PostFormValue("phone"); id != "" {
		people, err := h.conf.People(r.Context())
		if err != nil {
			h.fail(w, r, err, ui.Text{})
			return
		}
		secrets, err := h.conf.Secrets()
		if err != nil {
			h.fail(w, r, err, ui.Text{})
			return
		}
		owner, _ := person(people, func(p Person) bool { return p.Phone == id })
		birth, code = owner.BirthDate, secrets.Phones[id].LockCode.reveal()
	}
	err := error(errLockCode)
	if birth != "" && code != "" {
		err = h.roles.Suspend(r.Context(), birth, code)
	}
	if err != nil {
		h.site.GoTo(w, r, ui.Later{Path: "/break", Trouble: h.trouble(w, err), Entered: url.Values{"birth_date": {birth}}}, "lost")
		return
	}
	h.did(w, r, "lost", trace.Event{To: "issuer", TitleJA: "停止コードで、スマホの証明書を一時停止しました", TitleEN: "The lock code put the phone's certificates on hold"})
}
