package pages

import (
	"strings"

	"tegata/holder/phone"
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
	Needs      []phone.Need
	Ready      bool
	Registered bool
}

// enrol is the door: what is needed, or going on with an open registration.
func (v *visit) enrol() {
	if v.look.Signed || v.look.Stage == phone.StageApplied || v.look.Stage == phone.StageIssued || v.look.Stage == phone.StageReissue {
		p := v.page()
		p.Trouble = v.said().trouble
		v.show(ui.Screen{Page: "resume", Data: p, Quiet: true})
		return
	}
	needs, err := v.phone.Needs(v.r.Context())
	if err != nil {
		v.fail(err, way{})
		return
	}
	p := checkPage{basePage: v.page(), Needs: needs, Ready: true, Registered: v.look.Stage == phone.StageRegistered}
	p.Trouble = v.said().trouble
	for _, n := range needs {
		p.Ready = p.Ready && (n.OK || n.Ask)
	}
	v.show(ui.Screen{Page: "check", Data: p, Quiet: true})
}

// resume goes on where the registration stopped, as far as that needs nobody,
// and leads to the step that needs the person. With replace an older application
// of the same person ends.
func (v *visit) resume() {
	send := v.phone.Resume
	if v.r.PostFormValue("replace") == "yes" {
		send = v.phone.Replace
	}
	err := send(v.r.Context())
	if isCode(err, "open-application") {
		v.goTo("/enrol/open")
		return
	}
	if err != nil {
		v.leaveWord(err, "/enrol")
		return
	}
	if err := v.see(); err != nil {
		v.fail(err, way{})
		return
	}
	switch v.look.Stage {
	case phone.StageApplied:
		v.goTo("/enrol/pin")
	case phone.StageIssued:
		v.goTo("/enrol/register")
	case phone.StageReissue:
		v.goTo("/reissue/password")
	case phone.StageRegistered:
		v.goTo("/enrol/done")
	default:
		v.goTo("/enrol")
	}
}

func (v *visit) begin() {
	v.draft.forget()
	v.h.holdPhone(v.w, v.phone.ID()) // whoever registers a phone has it in the hand
	if v.look.Word == "" {
		v.goTo("/mark?next=enrol")
		return
	}
	v.goTo("/enrol/card-password")
}

// early sends the person to the step that is really next; it reports whether
// it did. Before the card has been read there is nothing to go on with.
func (v *visit) early(want phone.Stage) bool {
	switch {
	case v.look.Stage == want && !v.look.Signed:
		return false
	case want == phone.StageNone && !v.look.Signed && (v.look.Stage == phone.StageEnded || v.look.Stage == phone.StageRegistered):
		return false // a further registration of a phone that has one
	case v.look.Stage == phone.StageApplied:
		v.goTo("/enrol/pin")
	case v.look.Stage == phone.StageIssued:
		v.goTo("/enrol/register")
	case v.look.Stage == phone.StageReissue && !v.look.Signed:
		v.goTo("/reissue/password")
	case want == phone.StageIssued && v.look.Stage == phone.StageRegistered:
		v.goTo("/enrol/done") // pressed twice
	default:
		v.goTo("/enrol")
	}
	return true
}

// walkPage is a page with a field for a secret that is part of a walk.
type walkPage struct {
	secretPage
	walk
}

func (v *visit) cardPassword(k walk) {
	if v.begun(k) {
		return
	}
	p := walkPage{v.cardPage(), k}
	v.show(ui.Screen{Page: "cardpassword", Data: p, Quiet: true, Bad: p.bad()})
}

func (v *visit) setCardPassword(k walk) {
	if v.begun(k) {
		return
	}
	pw, err := secret.ParsePassword(v.r.PostFormValue("password"))
	if err != nil {
		v.tell(left{path: k.At + "/card-password", wrong: map[string]string{"first": "wrong.password.form"}})
		return
	}
	agreed := false
	v.draft.change(func(d *draft) { d.card = pw; agreed = d.terms != "" })
	if agreed { // back from a wrong password: nobody agrees twice
		v.goTo(k.At + "/tap")
		return
	}
	v.goTo(k.At + "/terms")
}

type termsPage struct {
	basePage
	walk
	Version    string
	Paragraphs []string
}

func (v *visit) terms(k walk) {
	if v.begun(k) {
		return
	}
	if v.draft.entered().card.IsZero() {
		v.goTo(k.At + "/card-password")
		return
	}
	t, err := v.phone.Terms(v.r.Context())
	if err != nil {
		v.fail(err, way{})
		return
	}
	said := ui.Text{JA: t.JA, EN: t.EN}.In(ui.LangOf(v.r))
	p := termsPage{basePage: v.page(), walk: k, Version: t.Version, Paragraphs: strings.Split(strings.TrimSpace(said), "\n")}
	p.Trouble = v.said().trouble
	v.show(ui.Screen{Page: "terms", Data: p, Quiet: true})
}

func (v *visit) agree(k walk) {
	if v.begun(k) {
		return
	}
	version := v.r.PostFormValue("version")
	if version == "" {
		v.goTo(k.At + "/terms")
		return
	}
	v.draft.change(func(d *draft) { d.terms = version })
	v.goTo(k.At + "/tap")
}

func (v *visit) tapCard(k walk) {
	if v.begun(k) {
		return
	}
	switch e := v.draft.entered(); {
	case e.card.IsZero():
		v.goTo(k.At + "/card-password")
		return
	case e.terms == "":
		v.goTo(k.At + "/terms")
		return
	}
	v.tap(tapPage{walk: k, Back: k.At + "/terms", Do: k.At + "/apply", Step: 3})
}

// apply reads the card and sends the application.
func (v *visit) apply(k walk) {
	if v.begun(k) {
		return
	}
	e := v.draft.entered()
	if e.card.IsZero() || e.terms == "" {
		v.leaveWord(errStartAgain, k.At+"/card-password")
		return
	}
	if !v.phone.Arrives(v.r.Context()) {
		v.leaveWord(phone.ErrNoCard, k.At+"/tap")
		return
	}
	send, next := v.phone.Apply, "/enrol/pin"
	switch k {
	case reissuing:
		send, next = v.phone.ApplyForSign, "/reissue/password"
	case forgetting:
		send, next = v.phone.RenewSign, "/reissue/password"
	}
	err := send(v.r.Context(), e.card, e.terms, false)
	switch {
	case err == nil:
		v.goTo(next)
	case isCode(err, "open-application"):
		v.goTo("/enrol/open")
	case isCode(err, "wrong-card-password", "card-password-blocked"):
		v.draft.change(func(d *draft) { d.card = secret.Password{} })
		v.leaveWord(err, k.At+"/card-password")
	default:
		v.leaveWord(err, k.At+"/tap")
	}
}

// leaveWord keeps err for the next screen and goes there.
func (v *visit) leaveWord(err error, path string) { v.leaveTrouble(err, path, unharmed()) }

func (v *visit) leaveTrouble(err error, path string, safe ui.Text) {
	v.log(err)
	t := ui.TroubleOf(v.w, words(err)).With(safe, ui.Action{})
	if t.Kind == problem.YourTurn {
		t.Safe = ui.Text{} // the person knows: it is their turn
	}
	v.tell(left{path: path, trouble: t})
}

// openApplication asks which of two applications goes on: this phone's, which is
// signed and was not taken, or the older one.
func (v *visit) openApplication() {
	if !v.look.Signed {
		v.goTo("/enrol")
		return
	}
	v.show(ui.Screen{Page: "open", Data: v.page(), Quiet: true})
}

// leave keeps the older application: this phone's ends.
func (v *visit) leave() {
	if !v.look.Signed {
		v.goTo("/enrol")
		return
	}
	v.abandon()
}

func (v *visit) abandon() {
	v.draft.forget()
	if err := v.phone.Abandon(v.r.Context()); err != nil {
		v.fail(err, v.again("/enrol"))
		return
	}
	v.goTo("/?done=abandoned")
}

func (v *visit) register() {
	if v.early(phone.StageIssued) {
		return
	}
	p := v.page()
	p.Trouble = v.said().trouble
	v.show(ui.Screen{Page: "register", Data: p, Quiet: true, Bad: p.Trouble != nil})
}

func (v *visit) doRegister() {
	if v.early(phone.StageIssued) {
		return
	}
	if _, err := v.phone.Register(v.r.Context()); err != nil {
		v.leaveWord(err, "/enrol/register")
		return
	}
	v.goTo("/enrol/done")
}

type donePage struct {
	basePage
	LockCode string
}

func (v *visit) done() {
	if v.look.Stage != phone.StageRegistered {
		v.goTo("/enrol")
		return
	}
	p := donePage{basePage: v.page()}
	if v.look.LockCode { // asked again, the phone gives the same code until it is noted
		code, err := v.phone.Register(v.r.Context())
		if err != nil {
			v.fail(err, way{})
			return
		}
		p.LockCode = code.Groups()
	}
	v.show(ui.Screen{Page: "done", Data: p, Quiet: true})
}

// leaveDone has the lock code dropped: the person has it now, and nobody else.
func (v *visit) leaveDone() {
	if v.look.LockCode {
		if err := v.phone.NotedLockCode(v.r.Context()); err != nil {
			v.fail(err, way{})
			return
		}
	}
	v.goTo("/?done=registered")
}
