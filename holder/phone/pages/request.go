package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// tapPoll is how often the screen that waits for a card asks again.
const tapPoll = 1500 * time.Millisecond

type scanPage struct {
	basePage
	Wrong string
}

func (v *visit) scan() {
	p := scanPage{basePage: v.page()}
	p.Trouble = v.said()
	v.showAt("scan", ui.Screen{Page: "scan", Data: p})
}

// scanned takes what a QR code or a pasted link holds: the link that opens a
// request on a phone, or the address of the request itself.
func (v *visit) scanned() {
	link := requestLink(v.r.PostFormValue("link"))
	if link == "" {
		p := scanPage{basePage: v.page(), Wrong: v.say("scan.wrong")}
		v.showAt("scan", ui.Screen{Page: "scan", Data: p, Status: http.StatusUnprocessableEntity, Bad: true})
		return
	}
	v.goTo("/request?request_uri=" + url.QueryEscape(link))
}

// requestLink is the address of a request in what was scanned or pasted; ""
// when there is none. Whether the address is the verifier's is checked by the
// phone.
func requestLink(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if inner := u.Query().Get("request_uri"); inner != "" {
		return requestLink(inner)
	}
	return u.String()
}

// fetch gets the request and moves on to its own address, so that a reload
// asks nobody again.
func (v *visit) fetch() {
	link := requestLink(v.r.URL.Query().Get("request_uri"))
	if link == "" {
		v.fail(errNoLink, ui.Action{Label: v.say("home.scan"), URL: v.base + "/scan"})
		return
	}
	asked, err := v.phone.Fetch(v.r.Context(), link)
	if isCode(err, phone.ErrElsewhere.Code) {
		p := elsewherePage{basePage: v.page(), Link: link}
		p.Origin, _ = problem.From(err).Extra["origin"].(string)
		p.Trouble = ui.TroubleOf(v.w, err)
		v.show(ui.Screen{Page: "elsewhere", Data: p, Quiet: true, Bad: true})
		return
	}
	v.fetched(asked, err)
}

// elsewherePage asks before the phone speaks to somebody whom a link chose.
type elsewherePage struct {
	basePage
	Link, Origin string
}

// fetchElsewhere opens a link that the person was shown and said to expect.
func (v *visit) fetchElsewhere() {
	link := requestLink(v.r.PostFormValue("link"))
	if link == "" {
		v.fail(errNoLink, ui.Action{Label: v.say("home.scan"), URL: v.base + "/scan"})
		return
	}
	v.fetched(v.phone.FetchElsewhere(v.r.Context(), link))
}

func (v *visit) fetched(asked phone.Ask, err error) {
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.goTo("/request/" + url.PathEscape(asked.ID))
}

type askPage struct {
	basePage
	Ask   ask
	Match string // chosen before an entry that was not taken
	Wrong ui.Wrong
}

func (v *visit) askPage(a phone.Ask) askPage {
	return askPage{basePage: v.page(), Ask: askOf(a)}
}

// ask shows a request: who asks, where, what for, which data, what is written,
// what happens next, then the key pad.
func (v *visit) ask() {
	asked, err := v.phone.Asked(v.r.Context(), v.r.PathValue("ask"))
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.show(ui.Screen{Page: "request", Data: v.askPage(asked), Quiet: true})
}

// answer takes the decision. A wrong PIN comes back to the same question with
// the tries that are left; a refusal asks nothing more.
func (v *visit) answer() {
	id := v.r.PathValue("ask")
	asked, err := v.phone.Asked(v.r.Context(), id)
	if _, done := v.outcome(id); err != nil && done { // pressed twice
		v.goTo("/request/" + url.PathEscape(id) + "/done")
		return
	}
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	if err := v.r.ParseForm(); err != nil {
		v.fail(errNoLink, ui.Action{})
		return
	}
	p := v.askPage(asked)
	again := func() {
		v.show(ui.Screen{Page: "request", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
	}
	var reply phone.Reply
	switch v.r.PostForm.Get("decision") {
	case "refuse":
		reply.Reason = ceremony.ReasonUnwanted
	case "not-me":
		reply.Reason = ceremony.ReasonNotMe
	case "approve":
		reply.Approve = true
		reply.Granted = v.r.PostForm["granted"]
		reply.Match = v.r.PostForm.Get("match")
		p.Match = reply.Match
		if len(asked.Match) > 0 && reply.Match == "" {
			p.Trouble = ui.TroubleOf(v.w, phone.ErrPickNumber)
			again()
			return
		}
		if asked.Secret == element.Password {
			reply.Unlock.Password, err = secret.ParsePassword(v.r.PostForm.Get("password"))
			p.Wrong = v.wrong("wrong.password.form")
		} else {
			reply.Unlock.PIN, err = secret.ParsePIN(v.r.PostForm.Get("pin"))
			p.Wrong = v.wrong("wrong.pin.form")
		}
		if err != nil {
			again()
			return
		}
		p.Wrong = ui.Wrong{}
	default:
		again()
		return
	}
	out, err := v.phone.Answer(v.r.Context(), id, reply)
	if err != nil {
		v.notAnswered(id, p, out, err)
		return
	}
	v.draft.change(func(d *draft) { d.outcomes[id] = outcomeOf(out) })
	v.goTo("/request/" + url.PathEscape(id) + "/done")
}

// notAnswered says why an answer did not go through. While the request stands,
// after a wrong PIN or without a network, the same question comes back; once it
// is over, the way on may be the asking party's own page.
func (v *visit) notAnswered(id string, p askPage, out phone.Outcome, err error) {
	fresh, gone := v.phone.Asked(v.r.Context(), id)
	if gone == nil {
		v.log(err)
		p.Ask = askOf(fresh)
		p.Trouble = ui.TroubleOf(v.w, words(err))
		if p.Ask.Tries == 0 && !p.Ask.Password {
			p.Trouble.Next = ui.Action{Label: v.say("services.reset"), URL: v.base + "/reset-pin"}
		}
		v.show(ui.Screen{Page: "request", Data: p, Status: p.Trouble.Status, Quiet: true, Bad: true})
		return
	}
	if _, done := v.outcome(id); done { // pressed twice, and the other was first
		v.goTo("/request/" + url.PathEscape(id) + "/done")
		return
	}
	next := ui.Action{}
	if webAddress(out.Redirect) {
		next = ui.Action{Label: v.say("answered.go", text(out.Party).In(ui.LangOf(v.r))), URL: out.Redirect}
	}
	// Something was answered here, so that the certificates were used: what is safe
	// is the data. An answer that has arrived says itself what came of it.
	safe := ui.Text{JA: "相手には何も渡されていません。", EN: "Nothing was handed over."}
	if isCode(err, phone.ErrReturn.Code) {
		safe = ui.Text{}
	}
	v.failSafe(err, safe, next)
}

// webAddress reports whether a browser may be sent to s.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

type answeredPage struct {
	basePage
	Outcome outcome
}

// answered says what was done and, on the same device, goes back to the party
// that asked: by a navigation, because a form's redirect may not leave this
// origin (CSP form-action).
func (v *visit) answered() {
	id := v.r.PathValue("ask")
	done, ok := v.outcome(id)
	if !ok {
		v.goTo("/history")
		return
	}
	if !webAddress(done.Redirect) {
		done.Redirect = ""
	}
	if done.Redirect != "" {
		v.w.Header().Set("Refresh", "1; url="+done.Redirect)
	}
	v.show(ui.Screen{Page: "answered", Data: answeredPage{v.page(), done}, Quiet: true})
}

// outcome is what came of a request that was answered here a while ago at most.
func (v *visit) outcome(id string) (outcome, bool) {
	v.draft.mu.Lock()
	defer v.draft.mu.Unlock()
	done, ok := v.draft.outcomes[id]
	return done, ok
}

// backTo goes back to a page of this phone, never elsewhere.
func (v *visit) backTo(path string) {
	path = ui.LocalPath(path, v.base+"/")
	if !strings.HasPrefix(path, v.base+"/") || strings.Contains(path, "/.") { // a browser goes up at ".."
		path = v.base + "/"
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}
