package pages

import (
	"net/http"
	"strings"

	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// The registration, one screen a step:
//
//	利用申請 → (目印) → 署名用パスワード → 利用規約 → かざす → 4けた → 6〜16文字 → 登録する → 完了
//
// Where one stands is asked of the phone, never of the browser: any step opened
// out of order leads to the one that is next.

type checkPage struct {
	basePage
	Needs      []Need
	Ready      bool
	Registered bool
}

type resumePage struct {
	basePage
	Next string
}

// enrol is the door: what is needed, or going on with an open registration.
func (v *visit) enrol() {
	if v.look.Stage == StageApplied || v.look.Stage == StageIssued {
		next := v.base + "/enrol/pin"
		if v.look.Stage == StageIssued {
			next = v.base + "/enrol/register"
		}
		v.show(ui.Screen{Page: "resume", Data: resumePage{v.page(), next}, Quiet: true})
		return
	}
	needs, err := v.phone.Needs(v.r.Context())
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	p := checkPage{basePage: v.page(), Needs: needs, Ready: true, Registered: v.look.Stage == StageRegistered}
	p.Trouble = v.draft.said()
	for _, n := range needs {
		p.Ready = p.Ready && (n.OK || n.Ask)
	}
	v.show(ui.Screen{Page: "check", Data: p, Quiet: true})
}

func (v *visit) begin() {
	v.draft.forget()
	if v.look.Word == "" {
		v.goTo("/mark?next=enrol")
		return
	}
	v.goTo("/enrol/card-password")
}

type secretPage struct {
	basePage
	Wrong, WrongAgain string
}

// early sends the person to the step that is really next; it reports whether
// it did. Before the card has been read there is nothing to go on with.
func (v *visit) early(want Stage) bool {
	switch {
	case v.look.Stage == want:
		return false
	case want == StageNone && (v.look.Stage == StageEnded || v.look.Stage == StageRegistered):
		return false // a further registration of a phone that has one
	case v.look.Stage == StageApplied:
		v.goTo("/enrol/pin")
	case v.look.Stage == StageIssued:
		v.goTo("/enrol/register")
	default:
		v.goTo("/enrol")
	}
	return true
}

func (v *visit) cardPassword() {
	if v.early(StageNone) {
		return
	}
	p := secretPage{basePage: v.page()}
	p.Trouble = v.draft.said()
	v.show(ui.Screen{Page: "cardpassword", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) setCardPassword() {
	if v.early(StageNone) {
		return
	}
	pw, err := secret.ParsePassword(v.r.PostFormValue("password"))
	if err != nil {
		p := secretPage{basePage: v.page(), Wrong: v.say("wrong.password.form")}
		v.show(ui.Screen{Page: "cardpassword", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
		return
	}
	agreed := false
	v.draft.change(func(d *draft) { d.card = pw; agreed = d.terms != "" })
	if agreed { // back from a wrong password: nobody agrees twice
		v.goTo("/enrol/tap")
		return
	}
	v.goTo("/enrol/terms")
}

type termsPage struct {
	basePage
	Terms      Terms
	Paragraphs []string
}

func (v *visit) terms() {
	if v.early(StageNone) {
		return
	}
	if v.draft.entered().card.IsZero() {
		v.goTo("/enrol/card-password")
		return
	}
	t, err := v.phone.Terms(v.r.Context())
	if err != nil {
		v.fail(err, ui.Action{Label: v.say("again"), URL: v.base + "/enrol/terms"})
		return
	}
	p := termsPage{basePage: v.page(), Terms: t, Paragraphs: strings.Split(strings.TrimSpace(t.Text.In(ui.LangOf(v.r))), "\n")}
	p.Trouble = v.draft.said()
	v.show(ui.Screen{Page: "terms", Data: p, Quiet: true})
}

func (v *visit) agree() {
	if v.early(StageNone) {
		return
	}
	version := v.r.PostFormValue("version")
	if version == "" {
		v.goTo("/enrol/terms")
		return
	}
	v.draft.change(func(d *draft) { d.terms = version })
	v.goTo("/enrol/tap")
}

type tapPage struct {
	basePage
	Auto  bool   // read as soon as the card is there
	Cards []Card // of the sandbox's table
}

func (v *visit) tap() {
	if v.early(StageNone) {
		return
	}
	switch e := v.draft.entered(); {
	case e.card.IsZero():
		v.goTo("/enrol/card-password")
		return
	case e.terms == "":
		v.goTo("/enrol/terms")
		return
	}
	p := tapPage{basePage: v.page()}
	p.Trouble = v.draft.said()
	p.Auto = p.Trouble == nil // after a failure the person decides
	if v.h.opt.Table != nil {
		cards, err := v.h.opt.Table.Cards(v.r.Context())
		if err != nil {
			v.log(err) // a card can still be held to the port
		}
		p.Cards = cards
	}
	v.show(ui.Screen{Page: "tap", Data: p, Quiet: true, Poll: tapPoll, Bad: p.Trouble != nil})
}

// apply reads the card and sends the application.
func (v *visit) apply() {
	if v.early(StageNone) {
		return
	}
	e := v.draft.entered()
	if e.card.IsZero() || e.terms == "" {
		v.leaveWord(errStartAgain, "/enrol/card-password")
		return
	}
	if v.look.Tapped == "" {
		v.leaveWord(errNoCardHeld, "/enrol/tap")
		return
	}
	err := v.phone.Apply(v.r.Context(), e.card, e.terms, v.r.PostFormValue("replace") == "yes")
	switch {
	case err == nil:
		v.goTo("/enrol/pin")
	case isCode(err, "open-application"):
		v.goTo("/enrol/open")
	case isCode(err, "wrong-card-password", "card-password-blocked"):
		v.draft.change(func(d *draft) { d.card = secret.Password{} })
		v.leaveWord(err, "/enrol/card-password")
	default:
		v.leaveWord(err, "/enrol/tap")
	}
}

// leaveWord keeps err for the next screen and goes there.
func (v *visit) leaveWord(err error, path string) {
	v.log(err)
	t := ui.TroubleOf(v.w, words(err))
	t.Safe = unharmed()
	if t.Kind == problem.YourTurn {
		t.Safe = ui.Text{} // the person knows: it is their turn
	}
	v.draft.change(func(d *draft) { d.trouble = t })
	v.goTo(path)
}

func (v *visit) openApplication() {
	if v.early(StageNone) {
		return
	}
	v.show(ui.Screen{Page: "open", Data: v.page(), Quiet: true})
}

// leave keeps the older application and drops what was typed here.
func (v *visit) leave() {
	v.draft.forget()
	v.goTo("/")
}

func (v *visit) abandon() {
	v.draft.forget()
	if err := v.phone.Abandon(v.r.Context()); err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.goTo("/?done=abandoned")
}

func (v *visit) pin() {
	if v.early(StageApplied) {
		return
	}
	p := secretPage{basePage: v.page()}
	p.Trouble = v.draft.said()
	v.show(ui.Screen{Page: "pin", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) setPIN() {
	if v.early(StageApplied) {
		return
	}
	p := secretPage{basePage: v.page()}
	pin, err := secret.ParsePIN(v.r.PostFormValue("pin"))
	again, err2 := secret.ParsePIN(v.r.PostFormValue("again"))
	switch {
	case err != nil:
		p.Wrong = v.say("wrong.pin.form")
	case err2 != nil || !pin.Equal(again):
		p.WrongAgain = v.say("wrong.twice")
	default:
		if err = v.phone.CheckPIN(v.r.Context(), pin); err == nil {
			v.draft.change(func(d *draft) { d.pin = pin })
			v.goTo("/enrol/password")
			return
		}
		if key := weakReason(err); key != "" {
			p.Wrong = v.say(key)
		} else {
			v.log(err)
			p.Trouble = ui.TroubleOf(v.w, words(err))
		}
	}
	v.show(ui.Screen{Page: "pin", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}

func (v *visit) password() {
	if v.early(StageApplied) {
		return
	}
	if v.draft.entered().pin.IsZero() {
		v.goTo("/enrol/pin")
		return
	}
	p := secretPage{basePage: v.page()}
	p.Trouble = v.draft.said()
	v.show(ui.Screen{Page: "password", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) setPassword() {
	if v.early(StageApplied) {
		return
	}
	e := v.draft.entered()
	if e.pin.IsZero() {
		v.goTo("/enrol/pin")
		return
	}
	p := secretPage{basePage: v.page()}
	pw, err := secret.ParsePassword(v.r.PostFormValue("password"))
	again, err2 := secret.ParsePassword(v.r.PostFormValue("again"))
	switch {
	case err != nil:
		p.Wrong = v.say("wrong.password.form")
	case err2 != nil || !pw.Equal(again):
		p.WrongAgain = v.say("wrong.twice")
	default:
		err = v.phone.CheckPassword(v.r.Context(), pw, e.card)
		if err == nil {
			err = v.phone.MakeKeys(v.r.Context(), e.pin, pw, e.card)
		}
		if err == nil {
			v.draft.forget()
			v.goTo("/enrol/register")
			return
		}
		if key := weakReason(err); key != "" {
			p.Wrong = v.say(key)
			break
		}
		v.log(err)
		p.Trouble = ui.TroubleOf(v.w, words(err))
	}
	v.show(ui.Screen{Page: "password", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
}

func (v *visit) register() {
	if v.early(StageIssued) {
		return
	}
	p := v.page()
	p.Trouble = v.draft.said()
	v.show(ui.Screen{Page: "register", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) doRegister() {
	if v.early(StageIssued) {
		return
	}
	code, err := v.phone.Register(v.r.Context())
	if err != nil {
		v.leaveWord(err, "/enrol/register")
		return
	}
	v.draft.change(func(d *draft) { d.lockCode = code.Groups() })
	v.goTo("/enrol/done")
}

type donePage struct {
	basePage
	LockCode string
}

func (v *visit) done() {
	if v.look.Stage != StageRegistered {
		v.goTo("/enrol")
		return
	}
	v.show(ui.Screen{Page: "done", Data: donePage{v.page(), v.draft.code()}, Quiet: true})
}

// leaveDone drops the lock code: the person has it now, and nobody else.
func (v *visit) leaveDone() {
	v.draft.change(func(d *draft) { d.lockCode = "" })
	v.goTo("/?done=registered")
}
