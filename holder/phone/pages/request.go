package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

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
	p.Trouble = v.draft.said()
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
	ask, err := v.phone.Fetch(v.r.Context(), link)
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.goTo("/request/" + url.PathEscape(ask.ID))
}

type askPage struct {
	basePage
	Ask   Ask
	Band  string // class of the party's colour, for parties we know
	Match string // chosen before an entry that was not taken
	Wrong string
}

func (v *visit) askPage(ask Ask) askPage {
	p := askPage{basePage: v.page(), Ask: ask, Band: "band-party"}
	for _, n := range ui.MarkNames() {
		if n == ask.Party.ID {
			p.Band = "band-" + n
		}
	}
	return p
}

// ask shows a request: who asks, where, what for, which data, what is written,
// what happens next, then the key pad.
func (v *visit) ask() {
	ask, err := v.phone.Asked(v.r.Context(), v.r.PathValue("ask"))
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.show(ui.Screen{Page: "request", Data: v.askPage(ask), Quiet: true})
}

// answer takes the decision. A wrong PIN comes back to the same question with
// the tries that are left; a refusal asks nothing more.
func (v *visit) answer() {
	id := v.r.PathValue("ask")
	ask, err := v.phone.Asked(v.r.Context(), id)
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	if err := v.r.ParseForm(); err != nil {
		v.fail(errNoLink, ui.Action{})
		return
	}
	p := v.askPage(ask)
	again := func() {
		v.show(ui.Screen{Page: "request", Data: p, Status: http.StatusUnprocessableEntity, Quiet: true, Bad: true})
	}
	var reply Reply
	switch v.r.PostForm.Get("decision") {
	case "refuse":
		reply.Reason = "unwanted"
	case "not-me":
		reply.Reason = "not-me"
	case "approve":
		reply.Approve = true
		reply.Granted = v.r.PostForm["granted"]
		reply.Match = v.r.PostForm.Get("match")
		p.Match = reply.Match
		if len(ask.Match) > 0 && reply.Match == "" {
			p.Trouble = ui.TroubleOf(v.w, errPickNumber)
			again()
			return
		}
		if ask.Secret == "password" {
			reply.Password, err = secret.ParsePassword(v.r.PostForm.Get("password"))
			p.Wrong = v.say("wrong.password.form")
		} else {
			reply.PIN, err = secret.ParsePIN(v.r.PostForm.Get("pin"))
			p.Wrong = v.say("wrong.pin.form")
		}
		if err != nil {
			again()
			return
		}
		p.Wrong = ""
	default:
		again()
		return
	}
	outcome, err := v.phone.Answer(v.r.Context(), id, reply)
	if isCode(err, "wrong-phone-pin", "wrong-phone-password") {
		if fresh, e := v.phone.Asked(v.r.Context(), id); e == nil {
			p.Ask = fresh
		}
		p.Trouble = ui.TroubleOf(v.w, err)
		again()
		return
	}
	if err != nil {
		v.fail(err, ui.Action{})
		return
	}
	v.draft.change(func(d *draft) { d.outcomes[id] = outcome })
	v.goTo("/request/" + url.PathEscape(id) + "/done")
}

type answeredPage struct {
	basePage
	Outcome Outcome
}

// answered says what was done and, on the same device, goes back to the party
// that asked: by a navigation, because a form's redirect may not leave this
// origin (CSP form-action).
func (v *visit) answered() {
	id := v.r.PathValue("ask")
	v.draft.mu.Lock()
	outcome, ok := v.draft.outcomes[id]
	v.draft.mu.Unlock()
	if !ok {
		v.goTo("/history")
		return
	}
	if u, err := url.Parse(outcome.Redirect); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		outcome.Redirect = ""
	}
	if outcome.Redirect != "" {
		v.w.Header().Set("Refresh", "1; url="+outcome.Redirect)
	}
	v.show(ui.Screen{Page: "answered", Data: answeredPage{v.page(), outcome}, Quiet: true})
}

// backTo goes back to a page of this phone, never elsewhere.
func (v *visit) backTo(path string) {
	path = ui.LocalPath(path, v.base+"/")
	if !strings.HasPrefix(path, v.base+"/") {
		path = v.base + "/"
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
}
